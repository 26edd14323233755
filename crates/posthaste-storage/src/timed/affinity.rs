//! Conversations' homes.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use posthaste_core::{AccountId, Timestamp};

use super::Watch;
use crate::{AffinityKey, AffinityStore, StorageError};

pub(super) struct TimedAffinity {
    store: Arc<dyn AffinityStore>,
    home: Watch,
    settle_at: Watch,
}

impl TimedAffinity {
    pub(super) fn new(store: Arc<dyn AffinityStore>, watch: impl Fn(&'static str) -> Watch) -> Self {
        Self { store, home: watch("affinity_home"), settle_at: watch("affinity_settle") }
    }
}

#[async_trait]
impl AffinityStore for TimedAffinity {
    async fn home(&self, key: AffinityKey, now: Timestamp) -> Result<Option<AccountId>, StorageError> {
        self.home.time(self.store.home(key, now)).await
    }

    async fn settle_at(
        &self,
        key: AffinityKey,
        account: AccountId,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        self.settle_at.time(self.store.settle_at(key, account, ttl, now)).await
    }

    async fn forget(&self, key: AffinityKey) -> Result<(), StorageError> {
        self.store.forget(key).await
    }
}
