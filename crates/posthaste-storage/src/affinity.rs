//! Which account a conversation lives on.

use std::time::Duration;

use async_trait::async_trait;
use posthaste_core::{AccountId, ClientKeyId, Timestamp};

use crate::StorageError;

/// A conversation of one tenant. It cannot be built without the tenant, so one tenant never meets another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AffinityKey {
    /// The caller.
    pub tenant: ClientKeyId,
    /// A digest of what marks the conversation.
    pub conversation: [u8; 16],
}

/// Remembers conversations' homes for a while.
#[async_trait]
pub trait AffinityStore: Send + Sync + 'static {
    /// The conversation's home, unless it was forgotten.
    async fn home(&self, key: AffinityKey, now: Timestamp) -> Result<Option<AccountId>, StorageError>;

    /// Sets or renews the conversation's home for `ttl` from `now` on.
    async fn settle_at(
        &self,
        key: AffinityKey,
        account: AccountId,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<(), StorageError>;

    /// Forgets the conversation's home.
    async fn forget(&self, key: AffinityKey) -> Result<(), StorageError>;
}
