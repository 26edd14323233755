//! Why there are no keys.

use std::{io, path::Path};

use posthaste_core::TransportError;

/// A failure to get the machine's AWS keys. No variant holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AwsChainError {
    /// Nothing on this machine gives keys: set some up, or give the account keys of its own.
    #[error("this machine has no AWS keys: {tried}")]
    NoKeys {
        /// Where they were looked for.
        tried: String,
    },
    /// There is no such profile: name another one, or put it into AWS's files.
    #[error(
        "there is no AWS profile `{name}`: put it into ~/.aws/config or ~/.aws/credentials, or name another one"
    )]
    NoProfile {
        /// Its name.
        name: String,
    },
    /// AWS's settings on this machine cannot be used: put them right.
    #[error("{what}")]
    Unfit {
        /// What is wrong with them.
        what: String,
    },
    /// What should give the keys does not answer: it may later.
    #[error("{host} gives no AWS keys: {why}")]
    Unreachable {
        /// Who was asked.
        host: String,
        /// What happened.
        why: String,
    },
    /// What should give the keys refused to.
    #[error("{host} refuses to give AWS keys: {why}")]
    Refused {
        /// Who was asked.
        host: String,
        /// What it said.
        why: String,
    },
}

impl AwsChainError {
    /// Whether waiting is of no use: somebody has to change something on this machine or at AWS.
    pub const fn needs_operator(&self) -> bool {
        match self {
            Self::NoKeys { .. } | Self::NoProfile { .. } | Self::Unfit { .. } | Self::Refused { .. } => true,
            Self::Unreachable { .. } => false,
        }
    }

    pub(super) fn unfit(what: impl Into<String>) -> Self {
        Self::Unfit { what: what.into() }
    }

    pub(super) fn no_keys_in(profile: &str) -> Self {
        Self::unfit(format!("the AWS profile `{profile}` holds no keys and names no way to get some"))
    }

    pub(super) fn file(path: &Path, error: io::Error) -> Self {
        Self::unfit(format!("{} cannot be read: {error}", path.display()))
    }

    pub(super) fn unreachable(host: &str, error: &TransportError) -> Self {
        let mut why = error.to_string();
        let mut next = std::error::Error::source(error);
        while let Some(cause) = next {
            why.push_str(": ");
            why.push_str(&cause.to_string());
            next = cause.source();
        }
        Self::Unreachable { host: host.to_owned(), why }
    }
}
