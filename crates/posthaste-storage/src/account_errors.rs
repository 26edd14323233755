//! What went wrong at accounts.

use std::time::Duration;

use async_trait::async_trait;
use posthaste_core::{AccountError, AccountId, Timestamp};

use crate::StorageError;

/// How many errors are kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorBounds {
    /// How many of each account; the oldest go first.
    pub most: usize,
    /// For how long.
    pub keep: Duration,
}

/// The latest errors of each account. They explain and prove nothing.
#[async_trait]
pub trait AccountErrorStore: Send + Sync + 'static {
    /// Notes errors, the oldest first. Of each account that is named, no more are kept than `bounds` say. A store that can
    /// forget by itself does so when their time is over.
    async fn note(&self, errors: &[AccountError], bounds: ErrorBounds) -> Result<(), StorageError>;

    /// An account's errors that came at `since` or later, the newest first, at most `limit`.
    async fn latest(
        &self,
        account: AccountId,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<AccountError>, StorageError>;

    /// Forgets an account's errors. Tells how many those were.
    async fn clear(&self, account: AccountId) -> Result<u64, StorageError>;

    /// Drops at most `limit` errors that came before `before`, whosever they are, and tells how many: repeat it while that is
    /// `limit`. A store that does so by itself drops none.
    async fn trim(&self, before: Timestamp, limit: usize) -> Result<usize, StorageError>;
}
