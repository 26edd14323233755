//! What can go wrong in a store.

use posthaste_core::BoxError;

/// A store's failure, named for what the caller can do next.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The record was changed, made or removed by somebody else: read it again and decide anew.
    #[error("{what} was changed in the meantime")]
    Conflict {
        /// Which record.
        what: String,
    },
    /// The unique look-up name is taken by another record.
    #[error("{what} is taken already")]
    Taken {
        /// Which name.
        what: String,
    },
    /// What lies in the store cannot be read: damaged, or written by a newer release.
    #[error("the store cannot be read: {what}")]
    Corrupt {
        /// Which record, or what was being done.
        what: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// The store cannot be used now: waiting or an operator may help.
    #[error("the store is not available: {what}")]
    Unavailable {
        /// What was being done.
        what: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
}

impl StorageError {
    /// A store that cannot be used now.
    pub fn unavailable(what: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self::Unavailable { what: what.into(), source: source.into() }
    }

    /// Something in the store that cannot be read.
    pub fn corrupt(what: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self::Corrupt { what: what.into(), source: source.into() }
    }
}
