//! What can go wrong with secrets.

use std::{io, path::PathBuf, time::Duration};

use posthaste_storage::StorageError;

use crate::oauth::OAuthError;

/// A failure of the vault, named for what the caller can do next. No variant holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The store was made with another master key: start with that one. Nothing was written.
    #[error("the master key does not open this store: {hint}")]
    WrongMasterKey {
        /// Which key is wanted.
        hint: String,
    },
    /// The store holds accounts or client keys, but not the keyring that they need: restore it from a backup. Nothing
    /// was written.
    #[error(
        "the store holds accounts or client keys but no keyring: restore the keyring record from a backup, or start with an empty store"
    )]
    KeyringMissing,
    /// The keyring is damaged, or written by a newer release: restore it, or update the program. Nothing was written.
    #[error("the keyring cannot be read: {what}")]
    KeyringUnreadable {
        /// What is wrong with it.
        what: String,
    },
    /// A sealed secret is damaged, or does not belong where it lies: enter the secret again.
    #[error("the sealed secret in {place} cannot be opened: {what}")]
    Unsealable {
        /// Where it lies.
        place: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Client keys of another CRS were taken over already, and their hashes are kept under its `ENCRYPTION_KEY`.
    #[error("client keys of a claude-relay-service with another ENCRYPTION_KEY were taken over already")]
    AnotherCrsKey,
    /// A passphrase cannot be used, or does not open what it should.
    #[error("the passphrase: {what}")]
    Passphrase {
        /// What is wrong.
        what: &'static str,
    },
    /// Client keys are hashed under another pepper than this store's, which has keys of its own: make them anew. Nothing
    /// was written.
    #[error("client keys of another relay work only in a store that has no client keys of its own")]
    ForeignPepper,
    /// What codes are made from is broken, or the person's name cannot stand in an app.
    #[error("no codes can be made: the secret is broken, or the name holds a colon")]
    BrokenCode,
    /// A text is no master key.
    #[error("the master key is malformed: expected 32 bytes as 64 hexadecimal digits or as base64")]
    MalformedMasterKey,
    /// The master key's file cannot be used.
    #[error("the master key file {} {what}", path.display())]
    MasterKeyFile {
        /// Which file.
        path: PathBuf,
        /// What to do about it.
        what: String,
        /// The cause, if the system told one.
        #[source]
        source: Option<io::Error>,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness(#[source] getrandom::Error),
    /// No token could be had for an account that was logged in.
    #[error("{error}; {}", error.advice())]
    OAuth {
        /// Why.
        error: OAuthError,
        /// When it is tried again at the earliest; `None` when that is of no use, or at once.
        retry_after: Option<Duration>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StorageError),
}

impl From<OAuthError> for VaultError {
    fn from(error: OAuthError) -> Self {
        Self::OAuth { error, retry_after: None }
    }
}
