//! Locks: never granted without the store, but refused at once while it is away.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use posthaste_core::Timestamp;
use posthaste_storage::{Fence, LockStore, StorageError};
use uuid::Uuid;

use crate::breaker::{Breaker, Does};

pub(crate) struct StandbyLocks {
    pub(crate) store: Arc<dyn LockStore>,
    pub(crate) breaker: Arc<Breaker>,
}

#[async_trait]
impl LockStore for StandbyLocks {
    async fn acquire(
        &self,
        name: &str,
        holder: Uuid,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Option<Fence>, StorageError> {
        let what = "taking a lock";
        let taken = self.breaker.call((Does::Write, what), self.store.acquire(name, holder, ttl, now)).await;
        taken.map_err(|missed| missed.into_error(what))
    }

    async fn release(&self, name: &str, holder: Uuid) -> Result<(), StorageError> {
        let what = "giving a lock back";
        let given = self.breaker.call((Does::Write, what), self.store.release(name, holder)).await;
        given.map_err(|missed| missed.into_error(what))
    }
}
