//! Looking for what is wrong with the ways to log in, without logging anybody in.
//!
//! What is found goes past the waits that stand between wrong passwords here: nobody is kept out by a test. A directory counts a
//! wrong password as it counts any, which is why one is tried only where it is given.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::SignInService;
use crate::{AdminError, Disclosed, people::login_name};

/// Which way to log in is tested, and with whom.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInTest {
    /// Which.
    pub way: SignInWay,
    /// Of a directory: whom to look for.
    #[serde(default)]
    pub name: Option<String>,
    /// Of a directory: the password of that person, which is tried once. The directory counts a wrong one.
    #[serde(default)]
    pub password: Option<Disclosed>,
}

/// Where people are known beside the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignInWay {
    /// The directory.
    Ldap,
    /// The identity provider.
    Oidc,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignInReport {
    /// Which way was tested.
    pub way: SignInWay,
    /// Whom it was tested with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether nothing is in the way of a log-in, as far as was looked.
    pub ok: bool,
    /// Step by step. Those behind one that went wrong may be missing.
    pub findings: Vec<SignInFinding>,
}

/// What a step has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignInFinding {
    /// Which.
    pub step: SignInStep,
    /// How that is.
    pub state: FindingState,
    /// What was found, in words. No secret is in it.
    pub found: String,
    /// What to do, where something is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignInStep {
    /// Which address answers.
    Address,
    /// Whether the connection is kept from others.
    Tls,
    /// The relay's own bind.
    Bind,
    /// The entry below which people are.
    Base,
    /// How many people are found.
    People,
    /// The groups by which it is decided what people may do.
    Groups,
    /// The person who was named.
    Person,
    /// The groups that the person is in.
    PersonGroups,
    /// What the person may do.
    Role,
    /// Whether the person's password is taken.
    Password,
    /// What the provider says of itself.
    Description,
    /// The provider's name.
    Issuer,
    /// Where it is asked.
    Endpoints,
    /// The keys that it signs with.
    Keys,
    /// How it signs.
    Signatures,
    /// How the relay shows who it is.
    ClientAuthentication,
    /// Whether the provider knows the relay.
    Client,
    /// Whether codes are bound to who asked for them.
    Pkce,
    /// What is asked for.
    Scopes,
    /// What is told of people.
    Claims,
    /// Where browsers come back to.
    Redirect,
}

/// How what was found is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// As it should be.
    Good,
    /// Perhaps not what is meant.
    Doubtful,
    /// It stands in the way of log-ins.
    Bad,
}

impl SignInFinding {
    /// It is as it should be.
    pub fn good(step: SignInStep, found: impl Into<String>) -> Self {
        Self { step, state: FindingState::Good, found: found.into(), advice: None }
    }

    /// It is perhaps not what is meant.
    pub fn doubtful(step: SignInStep, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { step, state: FindingState::Doubtful, found: found.into(), advice: Some(advice.into()) }
    }

    /// It stands in the way.
    pub fn bad(step: SignInStep, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { step, state: FindingState::Bad, found: found.into(), advice: Some(advice.into()) }
    }
}

impl SignInReport {
    /// For the audit log.
    pub(crate) fn noted(&self) -> (Value, Value) {
        (json!({}), json!({ "way": self.way, "name": self.name, "ok": self.ok }))
    }
}

impl SignInService<'_> {
    /// Looks for what is wrong with a way to log in.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for a way that is not set up, and for a name or a password that cannot be one.
    pub async fn test(self, input: SignInTest) -> Result<SignInReport, AdminError> {
        let SignInTest { way, name, password } = input;
        let name = name.filter(|name| !name.trim().is_empty()).map(|name| login_name(&name)).transpose()?;
        if name.is_none() && password.is_some() {
            return Err(AdminError::invalid("password", "is somebody's; name whose"));
        }
        let findings = match way {
            SignInWay::Ldap => {
                let directory = self.admin.people_directory();
                let directory = directory.ok_or_else(|| unset("no directory is asked; set `ldap.url`"))?;
                let password = password.as_ref().map(Disclosed::secret);
                Box::pin(directory.examine(name.as_deref(), password)).await
            }
            SignInWay::Oidc if name.is_some() => {
                return Err(AdminError::invalid(
                    "name",
                    "is of a directory; people log in at the provider itself",
                ));
            }
            SignInWay::Oidc => {
                let provider = self.admin.identity_provider();
                let provider =
                    provider.ok_or_else(|| unset("no identity provider is asked; set `oidc.issuer`"))?;
                Box::pin(provider.examine()).await
            }
        };
        let ok = findings.iter().all(|finding| finding.state != FindingState::Bad);
        Ok(SignInReport { way, name, ok, findings })
    }
}

fn unset(what: &'static str) -> AdminError {
    AdminError::invalid("way", what)
}
