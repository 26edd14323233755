//! Locks.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use posthaste_core::Timestamp;
use uuid::Uuid;

use super::Watch;
use crate::{Fence, LockStore, StorageError};

pub(super) struct TimedLocks {
    store: Arc<dyn LockStore>,
    acquire: Watch,
    release: Watch,
}

impl TimedLocks {
    pub(super) fn new(store: Arc<dyn LockStore>, watch: impl Fn(&'static str) -> Watch) -> Self {
        Self { store, acquire: watch("lock_acquire"), release: watch("lock_release") }
    }
}

#[async_trait]
impl LockStore for TimedLocks {
    async fn acquire(
        &self,
        name: &str,
        holder: Uuid,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Option<Fence>, StorageError> {
        self.acquire.time(self.store.acquire(name, holder, ttl, now)).await
    }

    async fn release(&self, name: &str, holder: Uuid) -> Result<(), StorageError> {
        self.release.time(self.store.release(name, holder)).await
    }
}
