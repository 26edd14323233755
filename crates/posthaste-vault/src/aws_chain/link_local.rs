//! The keys of a container's and of an instance's role, from services that stand at link-local addresses.

use http::{HeaderValue, Method, Request, StatusCode, header};
use posthaste_core::{AwsKeys, Payload};
use url::{Host, Url};

use super::{AwsChainError, Look, answer, exchange::Answer};

impl Look<'_> {
    /// The role of an ECS task or an EKS pod (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>);
    /// `None` where the environment names none.
    pub(super) async fn container(&self) -> Result<Option<AwsKeys>, AwsChainError> {
        let address = match (
            self.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
            self.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        ) {
            (Some(path), _) => format!("{ECS}/{}", path.trim_start_matches('/')),
            (None, Some(address)) => checked(&address)?,
            (None, None) => return Ok(None),
        };
        let mut request = get(&address)?;
        if let Some(value) = self.container_token().await? {
            let mut value = HeaderValue::try_from(value.trim()).map_err(|_| {
                AwsChainError::unfit("the container's authorization token is no header's value")
            })?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let host = host_of(&address);
        let answer = self.exchange.local(request).await?;
        keys(&answer, &host).map(Some)
    }

    async fn container_token(&self) -> Result<Option<String>, AwsChainError> {
        match self.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            Some(file) => {
                let path = self.path(&file);
                let token = self.chain.machine.file(&path).await;
                token.map(Some).map_err(|error| AwsChainError::file(&path, error))
            }
            None => Ok(self.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN")),
        }
    }

    /// The role of an EC2 instance, by the second version of its service, which asks for a token first
    /// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html>). The inner error says
    /// why there is none.
    pub(super) async fn instance(&self) -> Result<Result<AwsKeys, String>, AwsChainError> {
        if self.variable("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        {
            return Ok(Err("AWS_EC2_METADATA_DISABLED is set".to_owned()));
        }
        let base = self.instance_service();
        let nowhere = |error: &AwsChainError| format!("this is no EC2 instance ({error})");
        let token = match self.exchange.local(token_request(&base)?).await {
            Ok(answer) if answer.status.is_success() => answer,
            Ok(answer) => return Ok(Err(format!("its metadata service answers {}", answer.status))),
            Err(error) => return Ok(Err(nowhere(&error))),
        };
        let token = HeaderValue::from_maybe_shared(token.body).map_err(|_| {
            AwsChainError::unfit("the instance's metadata service gives a token that is none")
        })?;
        let roles = self.metadata(&format!("{base}{ROLES}"), &token).await?;
        if roles.status == StatusCode::NOT_FOUND {
            return Ok(Err("the EC2 instance has no role".to_owned()));
        }
        let listed = String::from_utf8_lossy(&roles.body);
        let Some(role) = listed.lines().map(str::trim).find(|role| !role.is_empty()) else {
            return Ok(Err("the EC2 instance has no role".to_owned()));
        };
        let answer = self.metadata(&format!("{base}{ROLES}{role}"), &token).await?;
        keys(&answer, &host_of(&base)).map(Ok)
    }

    async fn metadata(&self, address: &str, token: &HeaderValue) -> Result<Answer, AwsChainError> {
        let mut request = get(address)?;
        let mut token = token.clone();
        token.set_sensitive(true);
        request.headers_mut().insert("x-aws-ec2-metadata-token", token);
        self.exchange.local(request).await
    }

    fn instance_service(&self) -> String {
        if let Some(endpoint) = self.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT") {
            return endpoint.trim_end_matches('/').to_owned();
        }
        let mode = self.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
        let ipv6 = mode.is_some_and(|mode| mode.eq_ignore_ascii_case("ipv6"));
        (if ipv6 { IMDS_V6 } else { IMDS }).to_owned()
    }
}

/// An address from the environment may be plain `http` only where AWS's own services stand: keys must not be asked of, nor a
/// token shown to, just anybody.
fn checked(address: &str) -> Result<String, AwsChainError> {
    let unfit = |what: &str| AwsChainError::unfit(format!("AWS_CONTAINER_CREDENTIALS_FULL_URI {what}"));
    let url = Url::parse(address.trim()).map_err(|_| unfit("is no URL"))?;
    let own = match url.host() {
        Some(Host::Ipv4(address)) => {
            address.is_loopback() || CONTAINERS.contains(&address.to_string().as_str())
        }
        Some(Host::Ipv6(address)) => address.is_loopback() || address.to_string() == EKS_V6,
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url.into()),
        "http" if own => Ok(url.into()),
        "http" => Err(unfit(
            "names a host that is none of AWS's own; only loopback, ECS and EKS may be asked by http",
        )),
        _ => Err(unfit("is neither http nor https")),
    }
}

fn keys(answer: &Answer, host: &str) -> Result<AwsKeys, AwsChainError> {
    let refused = |why: String| AwsChainError::Refused { host: host.to_owned(), why };
    if answer.status.is_server_error() {
        return Err(AwsChainError::Unreachable { host: host.to_owned(), why: answer.status.to_string() });
    }
    if !answer.status.is_success() {
        return Err(refused(answer.status.to_string()));
    }
    answer::read(&answer.body).ok_or_else(|| refused("its answer holds no keys".to_owned()))
}

fn token_request(base: &str) -> Result<Request<Payload>, AwsChainError> {
    let mut request = built(Method::PUT, &format!("{base}/latest/api/token"))?;
    request.headers_mut().insert("x-aws-ec2-metadata-token-ttl-seconds", HeaderValue::from_static("60"));
    Ok(request)
}

fn get(address: &str) -> Result<Request<Payload>, AwsChainError> {
    built(Method::GET, address)
}

fn built(method: Method, address: &str) -> Result<Request<Payload>, AwsChainError> {
    let request = Request::builder().method(method).uri(address).body(Payload::default());
    request.map_err(|_| {
        AwsChainError::unfit(format!("`{}` is no address to get AWS keys from", address.escape_debug()))
    })
}

fn host_of(address: &str) -> String {
    Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

const ECS: &str = "http://169.254.170.2";
/// ECS and EKS.
const CONTAINERS: [&str; 2] = ["169.254.170.2", "169.254.170.23"];
const EKS_V6: &str = "fd00:ec2::23";
const IMDS: &str = "http://169.254.169.254";
const IMDS_V6: &str = "http://[fd00:ec2::254]";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
