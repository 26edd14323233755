//! What can go wrong in operators' work.

use std::{error::Error, time::Duration};

use posthaste_core::BoxError;
use posthaste_storage::StorageError;
use posthaste_vault::{VaultError, oauth::OAuthError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{NotKnown, accounts};

/// A refused or failed piece of work, named for what the operator can do next.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// An input that cannot be taken.
    #[error("{field}: {message}")]
    Invalid {
        /// Which input.
        field: &'static str,
        /// What is wrong with it and what to do.
        message: String,
    },
    /// No such record.
    #[error("there is no {what}")]
    NotFound {
        /// Which.
        what: String,
    },
    /// Somebody else was there first: a name is taken, or a record kept changing.
    #[error("{what}")]
    Conflict {
        /// What clashed and what to do.
        what: String,
    },
    /// The record is not as whoever asks saw it.
    #[error("{what} was changed in the meantime: it has version {version} now; look at it and decide anew")]
    Stale {
        /// Which record.
        what: String,
        /// The version that it has.
        version: u64,
        /// The record without its secrets, for those who may see it.
        current: Option<Box<Value>>,
    },
    /// Whoever asks may not have that done.
    #[error("you may not do that: it needs {need}")]
    Forbidden {
        /// What it needs.
        need: String,
    },
    /// Whoever asks is not known, or is not who he says.
    #[error("{what}")]
    Unauthenticated {
        /// What is wrong.
        what: NotKnown,
        /// Which input is asked for beyond what was given, where that would do.
        missing: Option<&'static str>,
    },
    /// Too many tries failed.
    #[error("too many tries failed; try again in {} s", wait.as_secs().max(1))]
    TooMany {
        /// How long to wait.
        wait: Duration,
    },
    /// A login or a refresh failed.
    #[error("{0}")]
    Login(OAuthError),
    /// The directory that would know the person cannot be asked; its log says why.
    #[error(
        "the directory of people cannot be asked now; who has a password of this relay can log in all the same"
    )]
    Directory,
    /// The identity provider cannot be asked; the log says why.
    #[error(
        "the identity provider cannot be asked now; who has a password of this relay can log in all the same"
    )]
    IdentityProvider,
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] StorageError),
    /// A secret could not be sealed, opened or made.
    #[error("the vault failed")]
    Vault(#[source] VaultError),
}

impl AdminError {
    /// Something of our own is not as it should be.
    pub fn internal(what: &str, why: impl Into<BoxError>) -> Self {
        Self::Store(StorageError::corrupt(what, why))
    }

    pub(crate) fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field, message: message.into() }
    }
}

impl From<OAuthError> for AdminError {
    fn from(error: OAuthError) -> Self {
        Self::Login(error)
    }
}

impl From<VaultError> for AdminError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::OAuth { error, .. } => Self::Login(error),
            VaultError::Store(error) => error.into(),
            error => Self::Vault(error),
        }
    }
}

impl From<StorageError> for AdminError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Conflict { what } => {
                Self::Conflict { what: format!("{what} was changed in the meantime; try again") }
            }
            StorageError::Taken { what } => {
                Self::Conflict { what: format!("{what} is taken already; choose another name") }
            }
            error => Self::Store(error),
        }
    }
}

/// An [`AdminError`] that can travel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdminFailure {
    /// The class.
    pub kind: FailureKind,
    /// Which input, for [`FailureKind::Invalid`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What happened.
    pub message: String,
    /// Why, the nearest cause first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// What it is called, for programs, where the class says too little.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// What to do about it, where the message does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// The version that the record has, where whoever asked saw another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The record with that version, without its secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Value>,
}

/// The classes of [`AdminError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// An input that cannot be taken.
    Invalid,
    /// No such record.
    NotFound,
    /// Somebody else was there first.
    Conflict,
    /// Whoever asks may not have that done.
    Forbidden,
    /// Whoever asks is not known.
    Unauthenticated,
    /// Too many tries failed.
    TooMany,
    /// A vendor, a proxy or the network did not do its part.
    Upstream,
    /// The store or the vault failed.
    Internal,
}

impl From<&AdminError> for AdminFailure {
    fn from(error: &AdminError) -> Self {
        let (kind, field, message) = match error {
            AdminError::Invalid { field, message } => {
                (FailureKind::Invalid, Some((*field).to_owned()), message.clone())
            }
            AdminError::NotFound { .. } => (FailureKind::NotFound, None, error.to_string()),
            AdminError::Conflict { .. } | AdminError::Stale { .. } => {
                (FailureKind::Conflict, None, error.to_string())
            }
            AdminError::Forbidden { .. } => (FailureKind::Forbidden, None, error.to_string()),
            AdminError::Unauthenticated { missing, .. } => {
                (FailureKind::Unauthenticated, missing.map(str::to_owned), error.to_string())
            }
            AdminError::TooMany { .. } => (FailureKind::TooMany, None, error.to_string()),
            AdminError::Login(login) if accounts::is_input(login) => {
                (FailureKind::Invalid, None, error.to_string())
            }
            AdminError::Directory | AdminError::IdentityProvider => {
                (FailureKind::Upstream, None, error.to_string())
            }
            AdminError::Login(_) => (FailureKind::Upstream, None, error.to_string()),
            AdminError::Store(_) | AdminError::Vault(_) => (FailureKind::Internal, None, error.to_string()),
        };
        let (state, advice) = match error {
            AdminError::Login(login) => (Some(accounts::state(login).to_owned()), Some(login.advice())),
            _ => (None, None),
        };
        let (version, current) = match error {
            AdminError::Stale { version, current, .. } => (Some(*version), current.as_deref().cloned()),
            _ => (None, None),
        };
        Self { kind, field, message, causes: causes(error), state, advice, version, current }
    }
}

fn causes(error: &AdminError) -> Vec<String> {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes
}
