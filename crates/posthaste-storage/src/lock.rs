//! Locks with fencing numbers.

use std::time::Duration;

use async_trait::async_trait;
use posthaste_core::Timestamp;
use uuid::Uuid;

use crate::StorageError;

/// A held lock's number: every later holder's is greater, so that a write of a late holder can be told and refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);

/// Locks that lapse. A holder writes under its [`Fence`]; whoever keeps the greatest fence seen refuses smaller ones.
#[async_trait]
pub trait LockStore: Send + Sync + 'static {
    /// Takes the lock `name` for `ttl`; `None` while another `holder` has it. The same holder again renews it and keeps
    /// its number.
    async fn acquire(
        &self,
        name: &str,
        holder: Uuid,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Option<Fence>, StorageError>;

    /// Gives the lock back; does nothing when `holder` no longer has it.
    async fn release(&self, name: &str, holder: Uuid) -> Result<(), StorageError>;
}
