//! Counts and leases in memory.

use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_core::Timestamp;
use uuid::Uuid;

use crate::{
    AdmissionStore, Claim, Counter, Half, HeldLease, LeaseRef, Outcome, Places, Settlement, StorageError,
};

/// [`Places`] that nobody saves.
#[derive(Default)]
pub(super) struct MemoryAdmission {
    places: Mutex<Places>,
}

#[async_trait]
impl AdmissionStore for MemoryAdmission {
    async fn reserve(&self, claim: &Claim, now: Timestamp) -> Result<Outcome, StorageError> {
        Ok(self.places.lock().reserve(claim, now))
    }

    async fn renew(&self, lease: LeaseRef, ttl: Duration, now: Timestamp) -> Result<bool, StorageError> {
        Ok(self.places.lock().renew(lease, ttl, now))
    }

    async fn settle(
        &self,
        lease: LeaseRef,
        truth: &[Settlement],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        self.places.lock().settle(lease, truth, now);
        Ok(())
    }

    async fn used(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
    ) -> Result<i64, StorageError> {
        Ok(self.places.lock().used(half, owner, counter, now))
    }

    async fn leases(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HeldLease>, StorageError> {
        Ok(self.places.lock().leases(half, owner, counter, now, limit))
    }
}
