//! What can go wrong, named for what the operator can do next. No variant holds a secret.

use posthaste_storage::StorageError;
use posthaste_vault::VaultError;

/// Why nothing, or not everything, was taken over.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The URL of the old Redis is none.
    #[error("the URL is not redis://user:password@host:port/database")]
    Url,
    /// The old Redis does not answer, or refuses.
    #[error("the old Redis cannot be read: {0}")]
    Redis(String),
    /// The file is no export.
    #[error("the file is no export of claude-relay-service: {0}")]
    File(String),
    /// There is nothing of claude-relay-service.
    #[error("there is nothing of claude-relay-service in {0}")]
    Nothing(&'static str),
    /// Client keys are recognised by a hash that `ENCRYPTION_KEY` is a part of.
    #[error("client keys can be taken over with the old ENCRYPTION_KEY alone, and it is not given")]
    NoKey,
    /// No secret opens.
    #[error(
        "none of the {0} sealed secrets opens: this is not the ENCRYPTION_KEY that they were sealed with"
    )]
    WrongKey(usize),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StorageError),
    /// A secret could not be sealed, or the old `ENCRYPTION_KEY` not be kept.
    #[error("the vault failed")]
    Vault(#[from] VaultError),
}
