//! Limits and leases.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use posthaste_core::Timestamp;
use uuid::Uuid;

use super::Watch;
use crate::{AdmissionStore, Claim, Counter, Half, HeldLease, LeaseRef, Outcome, Settlement, StorageError};

pub(super) struct TimedAdmission {
    store: Arc<dyn AdmissionStore>,
    reserve: Watch,
    renew: Watch,
    settle: Watch,
}

impl TimedAdmission {
    pub(super) fn new(store: Arc<dyn AdmissionStore>, watch: impl Fn(&'static str) -> Watch) -> Self {
        Self {
            store,
            reserve: watch("lease_reserve"),
            renew: watch("lease_renew"),
            settle: watch("lease_settle"),
        }
    }
}

#[async_trait]
impl AdmissionStore for TimedAdmission {
    async fn reserve(&self, claim: &Claim, now: Timestamp) -> Result<Outcome, StorageError> {
        self.reserve.time(self.store.reserve(claim, now)).await
    }

    async fn renew(&self, lease: LeaseRef, ttl: Duration, now: Timestamp) -> Result<bool, StorageError> {
        self.renew.time(self.store.renew(lease, ttl, now)).await
    }

    async fn settle(
        &self,
        lease: LeaseRef,
        truth: &[Settlement],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        self.settle.time(self.store.settle(lease, truth, now)).await
    }

    async fn used(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
    ) -> Result<i64, StorageError> {
        self.store.used(half, owner, counter, now).await
    }

    async fn leases(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HeldLease>, StorageError> {
        self.store.leases(half, owner, counter, now, limit).await
    }
}
