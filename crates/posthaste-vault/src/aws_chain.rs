//! The AWS keys of the machine that the relay runs on.
//!
//! Looked for where AWS's own SDKs look, in their order
//! (<https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>, checked 2026-11-26): the environment,
//! a profile of the shared files, a web identity, the container's role, the instance's role. An account that names a
//! profile uses that one and nothing else.
//!
//! Not `aws-config`: it reads the environment and the files of the process by itself, which tests cannot replace and
//! libraries here may not do, and it brings a client, retries and a cache of its own beside the transport, the clock and
//! the renewal that every other credential goes through. What is asked of the network here is four plain requests.
//!
//! The addresses of containers and instances are link-local on purpose. Only this module calls them, whatever an account
//! consents to.

mod answer;
mod error;
mod exchange;
mod ini;
mod link_local;
mod machine;
mod profile;
mod sign;
mod sts;

use std::{fmt, path::PathBuf, sync::Arc};

use posthaste_core::{AwsKeys, Clock, Egress, Secret, Transport};

pub use self::{error::AwsChainError, machine::Machine};
use self::{exchange::Exchange, ini::Profiles, sts::Sts};

/// Reads the machine's AWS keys.
#[derive(Clone)]
pub struct AwsChain {
    machine: Arc<dyn Machine>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
}

/// Whose keys are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsAsk<'a> {
    /// A named profile; without one the whole chain is gone through.
    pub profile: Option<&'a str>,
    /// The region whose token service is asked for a role's keys; the machine's own setting when not given.
    pub region: Option<&'a str>,
}

impl AwsChain {
    /// A chain that reads `machine` and asks through `transport`.
    pub fn new(machine: Arc<dyn Machine>, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self { machine, transport, clock }
    }

    /// Reads the keys anew. AWS's token service is asked through `egress`, the machine's own services never are.
    ///
    /// # Errors
    /// When there are none, or what should give them fails: what was tried, and what to do.
    pub async fn keys(&self, ask: AwsAsk<'_>, egress: &Egress) -> Result<AwsKeys, AwsChainError> {
        let look = Look { chain: self, ask, exchange: Exchange::new(&*self.transport, egress) };
        match ask.profile {
            Some(name) => look.profile(name).await?.ok_or_else(|| AwsChainError::no_keys_in(name)),
            None => look.everywhere().await,
        }
    }
}

/// One look for keys.
struct Look<'a> {
    chain: &'a AwsChain,
    ask: AwsAsk<'a>,
    exchange: Exchange<'a>,
}

impl Look<'_> {
    async fn everywhere(&self) -> Result<AwsKeys, AwsChainError> {
        if let Some(keys) = self.environment()? {
            return Ok(keys);
        }
        let named = self.variable("AWS_PROFILE");
        let profile = named.as_deref().unwrap_or(DEFAULT_PROFILE);
        match self.profile(profile).await {
            Ok(Some(keys)) => return Ok(keys),
            Ok(None) => {}
            // Nobody asked for a profile, and there is none.
            Err(AwsChainError::NoProfile { .. }) if named.is_none() => {}
            Err(error) => return Err(error),
        }
        if let Some(keys) = self.web_identity_of_the_environment().await? {
            return Ok(keys);
        }
        if let Some(keys) = self.container().await? {
            return Ok(keys);
        }
        self.instance().await?.map_err(|why| AwsChainError::NoKeys {
            tried: format!(
                "AWS_ACCESS_KEY_ID is not set; profile `{profile}` holds no keys; AWS_WEB_IDENTITY_TOKEN_FILE is not set; \
                 this is no AWS container; {why}"
            ),
        })
    }

    /// Keys that stand in the environment.
    fn environment(&self) -> Result<Option<AwsKeys>, AwsChainError> {
        let id = self.variable("AWS_ACCESS_KEY_ID");
        let secret = self.variable("AWS_SECRET_ACCESS_KEY").map(Secret::new);
        match (id, secret) {
            (Some(access_key_id), Some(secret_access_key)) => Ok(Some(AwsKeys {
                access_key_id,
                secret_access_key,
                session_token: self.variable("AWS_SESSION_TOKEN").map(Secret::new),
                expires_at: None,
            })),
            (None, None) => Ok(None),
            (Some(_), None) => {
                Err(AwsChainError::unfit("AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY"))
            }
            (None, Some(_)) => {
                Err(AwsChainError::unfit("AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID"))
            }
        }
    }

    /// A token that somebody puts into a file, such as Kubernetes, exchanged for a role's keys.
    async fn web_identity_of_the_environment(&self) -> Result<Option<AwsKeys>, AwsChainError> {
        let Some(file) = self.variable("AWS_WEB_IDENTITY_TOKEN_FILE") else { return Ok(None) };
        let Some(role) = self.variable("AWS_ROLE_ARN") else {
            return Err(AwsChainError::unfit("AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN"));
        };
        let session = self.variable("AWS_ROLE_SESSION_NAME");
        self.web_identity(&role, session.as_deref(), &file, None).await.map(Some)
    }

    async fn web_identity(
        &self,
        role: &str,
        session: Option<&str>,
        file: &str,
        profiles_region: Option<&str>,
    ) -> Result<AwsKeys, AwsChainError> {
        let path = self.path(file);
        let token =
            self.chain.machine.file(&path).await.map_err(|error| AwsChainError::file(&path, error))?;
        let token = Secret::new(token.trim());
        self.sts(profiles_region)?.web_identity(role, session, &token).await
    }

    /// The token service of the account's region; else of the machine's.
    fn sts(&self, profiles_region: Option<&str>) -> Result<Sts<'_>, AwsChainError> {
        let named = || self.variable("AWS_REGION").or_else(|| self.variable("AWS_DEFAULT_REGION"));
        let region = self.ask.region.map(str::to_owned).or_else(named);
        let region = region.as_deref().or(profiles_region).unwrap_or(DEFAULT_REGION);
        Sts::of(region, &self.exchange, self.chain.clock.now())
    }

    async fn profiles(&self) -> Result<Profiles, AwsChainError> {
        let config = self.shared_file("AWS_CONFIG_FILE", ".aws/config").await?;
        let credentials = self.shared_file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials").await?;
        Ok(Profiles::read(&config, &credentials))
    }

    /// The text of a shared file; empty where there is none.
    async fn shared_file(&self, variable: &str, usual: &str) -> Result<String, AwsChainError> {
        let path = match (self.variable(variable), self.variable("HOME")) {
            (Some(path), _) => self.path(&path),
            (None, Some(home)) => PathBuf::from(home).join(usual),
            (None, None) => return Ok(String::new()),
        };
        match self.chain.machine.file(&path).await {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(AwsChainError::file(&path, error)),
        }
    }

    /// A path as people write it in AWS's settings: `~` is the home folder.
    fn path(&self, text: &str) -> PathBuf {
        match (text.strip_prefix("~/"), self.variable("HOME")) {
            (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
            _ => PathBuf::from(text),
        }
    }

    /// A variable that is set and not empty.
    fn variable(&self, name: &str) -> Option<String> {
        self.chain.machine.variable(name).filter(|value| !value.trim().is_empty())
    }
}

impl fmt::Debug for AwsChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsChain(…)")
    }
}

const DEFAULT_PROFILE: &str = "default";
/// Where AWS's SDKs ask when nothing names a region for the token service.
const DEFAULT_REGION: &str = "us-east-1";
