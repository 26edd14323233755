//! A store that always comes to an end with what it is asked.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use posthaste_core::Timestamp;
use posthaste_storage::{
    AdmissionStore, Claim, Counter, Half, HeldLease, LeaseRef, Outcome, Settlement, StorageError,
};
use tokio::time::timeout;
use uuid::Uuid;

/// For calls that no request waits for: stores have time-outs of their own, from which their clients learn; this one is for
/// a store whose time-outs fail.
pub(crate) struct Bounded(pub(crate) Arc<dyn AdmissionStore>);

/// Makes such a call.
pub(crate) async fn bounded<T>(
    call: impl Future<Output = Result<T, StorageError>>,
) -> Result<T, StorageError> {
    match timeout(PATIENCE, call).await {
        Ok(answer) => answer,
        Err(_) => {
            let late = format!("no answer within {} s", PATIENCE.as_secs());
            Err(StorageError::unavailable("telling the store what it missed", late))
        }
    }
}

#[async_trait]
impl AdmissionStore for Bounded {
    async fn reserve(&self, claim: &Claim, now: Timestamp) -> Result<Outcome, StorageError> {
        bounded(self.0.reserve(claim, now)).await
    }

    async fn renew(&self, lease: LeaseRef, ttl: Duration, now: Timestamp) -> Result<bool, StorageError> {
        bounded(self.0.renew(lease, ttl, now)).await
    }

    async fn settle(
        &self,
        lease: LeaseRef,
        truth: &[Settlement],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        bounded(self.0.settle(lease, truth, now)).await
    }

    async fn used(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
    ) -> Result<i64, StorageError> {
        bounded(self.0.used(half, owner, counter, now)).await
    }

    async fn leases(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HeldLease>, StorageError> {
        bounded(self.0.leases(half, owner, counter, now, limit)).await
    }
}

/// Twice what Redis is given for an answer.
const PATIENCE: Duration = Duration::from_secs(3);
