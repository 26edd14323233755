//! AWS's token service: a role's keys (<https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html>).

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use posthaste_core::{AwsKeys, Payload, Secret, Timestamp};
use url::form_urlencoded;

use super::{
    AwsChainError,
    exchange::{Answer, Exchange},
    sign::{self, Scope},
};

/// The service of one region.
pub(super) struct Sts<'a> {
    region: String,
    host: String,
    exchange: &'a Exchange<'a>,
    now: Timestamp,
}

/// A role to be assumed.
pub(super) struct Role<'a> {
    pub(super) arn: &'a str,
    pub(super) session: Option<&'a str>,
    pub(super) external_id: Option<&'a str>,
    pub(super) duration_secs: Option<&'a str>,
}

impl<'a> Sts<'a> {
    pub(super) fn of(
        region: &str,
        exchange: &'a Exchange<'a>,
        now: Timestamp,
    ) -> Result<Self, AwsChainError> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if region.is_empty() || !region.bytes().all(fits) {
            return Err(AwsChainError::unfit(format!("`{}` is no AWS region", region.escape_debug())));
        }
        let suffix = SUFFIXES.iter().find(|(start, _)| region.starts_with(start));
        let suffix = suffix.map_or("amazonaws.com", |(_, suffix)| suffix);
        Ok(Self { region: region.to_owned(), host: format!("sts.{region}.{suffix}"), exchange, now })
    }

    /// Exchanges a web identity's token. The token itself says who asks, so that nothing is signed.
    pub(super) async fn web_identity(
        &self,
        role: &str,
        session: Option<&str>,
        token: &Secret,
    ) -> Result<AwsKeys, AwsChainError> {
        let request = self.request(&[
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", VERSION),
            ("RoleArn", role),
            ("RoleSessionName", session.unwrap_or(SESSION)),
            ("WebIdentityToken", token.expose()),
        ])?;
        self.read(&self.exchange.aws(request).await?)
    }

    /// Assumes a role with keys that may.
    pub(super) async fn assume(&self, role: &Role<'_>, keys: &AwsKeys) -> Result<AwsKeys, AwsChainError> {
        let mut pairs = vec![
            ("Action", "AssumeRole"),
            ("Version", VERSION),
            ("RoleArn", role.arn),
            ("RoleSessionName", role.session.unwrap_or(SESSION)),
        ];
        pairs.extend(role.external_id.map(|id| ("ExternalId", id)));
        pairs.extend(role.duration_secs.map(|duration| ("DurationSeconds", duration)));
        let mut request = self.request(&pairs)?;
        let scope = Scope { keys, region: &self.region, service: "sts", now: self.now };
        let unsigned = || AwsChainError::unfit("the keys that a role is to be assumed with cannot sign");
        sign::sign(&mut request, &scope).ok_or_else(unsigned)?;
        self.read(&self.exchange.aws(request).await?)
    }

    fn request(&self, pairs: &[(&str, &str)]) -> Result<Request<Payload>, AwsChainError> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("https://{}/", self.host))
            .header(header::CONTENT_TYPE, FORM)
            .body(Payload::from(Bytes::from(form)));
        request.map_err(|_| AwsChainError::unfit(format!("`{}` is no AWS region", self.region)))
    }

    fn read(&self, answer: &Answer) -> Result<AwsKeys, AwsChainError> {
        let host = || self.host.clone();
        let text = String::from_utf8_lossy(&answer.body);
        if answer.status.is_server_error() {
            return Err(AwsChainError::Unreachable { host: host(), why: answer.status.to_string() });
        }
        if !answer.status.is_success() {
            let code = element(&text, "Code").unwrap_or("an error");
            let why = format!("{}: {code}: {}", answer.status, element(&text, "Message").unwrap_or_default());
            return Err(AwsChainError::Refused { host: host(), why });
        }
        let keys = || {
            Some(AwsKeys {
                access_key_id: element(&text, "AccessKeyId")?.to_owned(),
                secret_access_key: Secret::new(element(&text, "SecretAccessKey")?),
                session_token: Some(Secret::new(element(&text, "SessionToken")?)),
                expires_at: Some(element(&text, "Expiration")?.parse().ok()?),
            })
        };
        keys().ok_or_else(|| AwsChainError::Refused {
            host: host(),
            why: "its answer holds no keys".to_owned(),
        })
    }
}

/// The text of an element. The ones that are asked for hold neither elements nor signs that XML would write otherwise.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.trim()).filter(|text| !text.is_empty())
}

const VERSION: &str = "2011-06-15";
/// What AWS's trail calls the relay where the profile does not say.
const SESSION: &str = "posthaste";
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
/// Partitions with a domain of their own (`botocore`'s `partitions.json`, checked 2026-11-26).
const SUFFIXES: [(&str, &str); 2] = [("cn-", "amazonaws.com.cn"), ("eusc-", "amazonaws.eu")];
