//! Sign-ins under way. What they need to go on travels with whoever does them, sealed.

use std::fmt;

use posthaste_core::{Sealed, Secret, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::OAuthError;
use crate::{Place, Vault};

/// A sign-in that was begun: opaque, opened only by a relay with the same keyring, and only for a while. Nothing is
/// kept at the relay, so that any instance can finish what another one began.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LoginTicket(Sealed);

impl LoginTicket {
    /// Its text form.
    pub fn as_text(&self) -> &str {
        self.0.as_text()
    }

    /// Takes what [`as_text`](Self::as_text) gave.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(Sealed::from_text(text))
    }
}

impl fmt::Debug for LoginTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginTicket(…)")
    }
}

/// What the code flow must remember.
#[derive(Serialize, Deserialize)]
pub(super) struct CodeTicket {
    pub(super) provider: String,
    pub(super) redirect_uri: String,
    pub(super) state: String,
    pub(super) verifier: String,
    pub(super) expires_at: Timestamp,
}

/// What the device flow must remember.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct DeviceTicket {
    pub(super) provider: String,
    pub(super) device_code: String,
    pub(super) verifier: Option<String>,
    /// Seconds between two polls.
    pub(super) interval: u64,
    pub(super) expires_at: Timestamp,
}

/// A flow's own tickets open for no other flow.
pub(super) trait Ticket: Serialize + DeserializeOwned {
    const FLOW: &'static str;
}

impl Ticket for CodeTicket {
    const FLOW: &'static str = "code";
}

impl Ticket for DeviceTicket {
    const FLOW: &'static str = "device";
}

pub(super) fn seal<T: Ticket>(vault: &Vault, ticket: &T) -> Result<LoginTicket, OAuthError> {
    let text = serde_json::to_string(ticket).expect("tickets are plain texts and numbers");
    let sealed = vault.seal(&place::<T>(), &Secret::new(text));
    sealed.map(LoginTicket).map_err(|error| OAuthError::Vault { what: error.to_string() })
}

pub(super) fn open<T: Ticket>(vault: &Vault, ticket: &LoginTicket) -> Result<T, OAuthError> {
    let text = vault.unseal(&place::<T>(), &ticket.0).map_err(|_| OAuthError::BadTicket)?;
    serde_json::from_str(text.expose()).map_err(|_| OAuthError::BadTicket)
}

fn place<T: Ticket>() -> Place<'static> {
    Place { kind: "login", id: Uuid::nil(), field: T::FLOW }
}
