//! A profile's keys: its own, or those of the roles that it names
//! (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html>).

use std::time::Duration;

use posthaste_core::{AwsKeys, Secret};
use tokio::time::timeout;

use super::{
    AwsChainError, Look, answer,
    ini::{Profile, Profiles},
    sts::Role,
};

/// Where a profile's keys begin, and which roles are assumed with them, the last one first.
struct Plan<'a> {
    base: Base<'a>,
    roles: Vec<Role<'a>>,
    /// The region that the profile names.
    region: Option<&'a str>,
}

enum Base<'a> {
    Keys(AwsKeys),
    /// A token in a file, exchanged for a role's keys.
    WebIdentity {
        role: &'a str,
        session: Option<&'a str>,
        file: &'a str,
    },
    /// A command that prints keys.
    Process(&'a str),
    Environment,
    Container,
    Instance,
}

impl Look<'_> {
    /// The keys of a profile; `None` when it has none and names no way to get some.
    pub(super) async fn profile(&self, name: &str) -> Result<Option<AwsKeys>, AwsChainError> {
        let profiles = self.profiles().await?;
        let Some(plan) = plan(&profiles, name)? else { return Ok(None) };
        let mut keys = self.base(&plan, name).await?;
        for role in plan.roles.iter().rev() {
            keys = self.sts(plan.region)?.assume(role, &keys).await?;
        }
        Ok(Some(keys))
    }

    async fn base(&self, plan: &Plan<'_>, name: &str) -> Result<AwsKeys, AwsChainError> {
        let missing = |source: &str| {
            AwsChainError::unfit(format!(
                "the AWS profile `{name}` takes its keys from {source}, where none are"
            ))
        };
        match &plan.base {
            Base::Keys(keys) => Ok(keys.clone()),
            Base::WebIdentity { role, session, file } => {
                self.web_identity(role, *session, file, plan.region).await
            }
            Base::Process(command) => self.process(command, name).await,
            Base::Environment => self.environment()?.ok_or_else(|| missing("the environment")),
            Base::Container => self.container().await?.ok_or_else(|| missing("the container's role")),
            Base::Instance => {
                self.instance().await?.map_err(|why| missing(&format!("the instance's role ({why})")))
            }
        }
    }

    async fn process(&self, command: &str, name: &str) -> Result<AwsKeys, AwsChainError> {
        let failed = |why: &str| {
            AwsChainError::unfit(format!(
                "the credential_process of the AWS profile `{name}` gives no keys: {why}"
            ))
        };
        let printed = timeout(LONGEST_PROCESS, self.chain.machine.output(command)).await;
        let printed = printed.map_err(|_| failed("it takes too long"))?;
        let printed = printed.map_err(|error| failed(&error.to_string()))?;
        answer::read(printed.as_bytes()).ok_or_else(|| failed("it does not print keys as JSON"))
    }
}

fn plan<'a>(profiles: &'a Profiles, name: &'a str) -> Result<Option<Plan<'a>>, AwsChainError> {
    let unfit = |name: &str, what: &str| AwsChainError::unfit(format!("the AWS profile `{name}` {what}"));
    let (mut at, mut visited, mut roles, mut region) = (name, Vec::new(), Vec::new(), None);
    loop {
        let profile = profiles.get(at).ok_or_else(|| AwsChainError::NoProfile { name: at.to_owned() })?;
        if visited.contains(&at) {
            return Err(unfit(name, "names source profiles in a circle"));
        }
        visited.push(at);
        region = region.or(profile.get("region"));
        let Some(role) = profile.get("role_arn") else {
            let Some(base) = own_base(profile, at)? else {
                return if roles.is_empty() { Ok(None) } else { Err(AwsChainError::no_keys_in(at)) };
            };
            return Ok(Some(Plan { base, roles, region }));
        };
        if profile.get("mfa_serial").is_some() {
            let what =
                "asks for a second factor, which nobody is here to give; use a role without mfa_serial";
            return Err(unfit(at, what));
        }
        let session = profile.get("role_session_name");
        if let Some(file) = profile.get("web_identity_token_file") {
            return Ok(Some(Plan { base: Base::WebIdentity { role, session, file }, roles, region }));
        }
        roles.push(Role {
            arn: role,
            session,
            external_id: profile.get("external_id"),
            duration_secs: profile.get("duration_seconds"),
        });
        let base = match (profile.get("source_profile"), profile.get("credential_source")) {
            // A profile may assume its role with keys of its own.
            (Some(source), _) if source == at => own_keys(profile, at)?.map(Base::Keys),
            (Some(source), _) => {
                at = source;
                continue;
            }
            (None, Some("Environment")) => Some(Base::Environment),
            (None, Some("EcsContainer")) => Some(Base::Container),
            (None, Some("Ec2InstanceMetadata")) => Some(Base::Instance),
            (None, Some(_)) => {
                let what =
                    "has a credential_source that is none of Environment, EcsContainer, Ec2InstanceMetadata";
                return Err(unfit(at, what));
            }
            (None, None) => {
                let what = "has a role_arn, but no source_profile, credential_source or web_identity_token_file beside it";
                return Err(unfit(at, what));
            }
        };
        let base = base.ok_or_else(|| AwsChainError::no_keys_in(at))?;
        return Ok(Some(Plan { base, roles, region }));
    }
}

/// What a profile without a role has.
fn own_base<'a>(profile: &'a Profile, name: &str) -> Result<Option<Base<'a>>, AwsChainError> {
    if let Some(keys) = own_keys(profile, name)? {
        return Ok(Some(Base::Keys(keys)));
    }
    if let Some(command) = profile.get("credential_process") {
        return Ok(Some(Base::Process(command)));
    }
    if ["sso_session", "sso_start_url"].iter().any(|key| profile.get(key).is_some()) {
        return Err(AwsChainError::unfit(format!(
            "the AWS profile `{name}` logs in by SSO, which only the AWS CLI can: name a profile with `credential_process = \
             aws configure export-credentials --profile {name}`"
        )));
    }
    Ok(None)
}

fn own_keys(profile: &Profile, name: &str) -> Result<Option<AwsKeys>, AwsChainError> {
    match (profile.get("aws_access_key_id"), profile.get("aws_secret_access_key")) {
        (Some(id), Some(secret)) => Ok(Some(AwsKeys {
            access_key_id: id.to_owned(),
            secret_access_key: Secret::new(secret),
            session_token: profile.get("aws_session_token").map(Secret::new),
            expires_at: None,
        })),
        (None, None) => Ok(None),
        _ => Err(AwsChainError::unfit(format!(
            "the AWS profile `{name}` has only one of aws_access_key_id and aws_secret_access_key"
        ))),
    }
}

/// A command may ask a person's password manager, but nobody waits for ever.
const LONGEST_PROCESS: Duration = Duration::from_secs(15);
