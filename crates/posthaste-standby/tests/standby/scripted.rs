//! A store in memory that fails as it is told to, and counts who asks.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_core::{AccountId, Timestamp};
use posthaste_storage::{
    AdmissionStore, AffinityKey, AffinityStore, Changes, Claim, ConfigStore, Counter, Expect, Fence, Half,
    HeldLease, LeaseRef, LockStore, Outcome, Page, Record, RecordKind, Revision, Settlement, StorageError,
    Stores, memory::MemoryStores,
};
use tokio::time::sleep;
use uuid::Uuid;

/// How the store fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Does what it is asked, after so long.
    Well(Duration),
    /// Fails at once.
    Gone,
    /// Never answers, and does nothing.
    Silent,
    /// Does what it is asked and never answers.
    Mute,
    /// Reads, but does not write.
    ReadOnly,
}

pub(crate) const WELL: Mood = Mood::Well(Duration::ZERO);

pub(crate) struct Scripted {
    inner: Stores,
    mood: Mutex<Mood>,
    calls: AtomicUsize,
}

impl Scripted {
    pub(crate) fn new() -> Arc<Self> {
        let (inner, mood) = (MemoryStores::stores(), Mutex::new(WELL));
        Arc::new(Self { inner, mood, calls: AtomicUsize::new(0) })
    }

    pub(crate) fn is(&self, mood: Mood) {
        *self.mood.lock() = mood;
    }

    /// How many calls have reached it.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// The store itself, whatever its mood.
    pub(crate) fn inner(&self) -> &Stores {
        &self.inner
    }

    /// Its ports.
    pub(crate) fn stores(self: &Arc<Self>) -> Stores {
        Stores {
            admission: Arc::clone(self) as _,
            affinity: Arc::clone(self) as _,
            config: Arc::clone(self) as _,
            locks: Arc::clone(self) as _,
            ..self.inner.clone()
        }
    }

    async fn do_it<T>(
        &self,
        writes: bool,
        work: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let mood = *self.mood.lock();
        match mood {
            Mood::Well(slowness) => {
                sleep(slowness).await;
                work.await
            }
            Mood::Gone => Err(StorageError::unavailable("asking", "the connection failed: gone")),
            Mood::Silent => pending().await,
            Mood::Mute => {
                let _ = work.await;
                pending().await
            }
            Mood::ReadOnly if writes => {
                Err(StorageError::unavailable("asking", "the server refused: READONLY"))
            }
            Mood::ReadOnly => work.await,
        }
    }
}

#[async_trait]
impl AdmissionStore for Scripted {
    async fn reserve(&self, claim: &Claim, now: Timestamp) -> Result<Outcome, StorageError> {
        self.do_it(true, self.inner.admission.reserve(claim, now)).await
    }

    async fn renew(&self, lease: LeaseRef, ttl: Duration, now: Timestamp) -> Result<bool, StorageError> {
        self.do_it(true, self.inner.admission.renew(lease, ttl, now)).await
    }

    async fn settle(
        &self,
        lease: LeaseRef,
        truth: &[Settlement],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        self.do_it(true, self.inner.admission.settle(lease, truth, now)).await
    }

    async fn used(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
    ) -> Result<i64, StorageError> {
        self.do_it(false, self.inner.admission.used(half, owner, counter, now)).await
    }

    async fn leases(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HeldLease>, StorageError> {
        self.do_it(false, self.inner.admission.leases(half, owner, counter, now, limit)).await
    }
}

#[async_trait]
impl AffinityStore for Scripted {
    async fn home(&self, key: AffinityKey, now: Timestamp) -> Result<Option<AccountId>, StorageError> {
        self.do_it(false, self.inner.affinity.home(key, now)).await
    }

    async fn settle_at(
        &self,
        key: AffinityKey,
        account: AccountId,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        self.do_it(true, self.inner.affinity.settle_at(key, account, ttl, now)).await
    }

    async fn forget(&self, key: AffinityKey) -> Result<(), StorageError> {
        self.do_it(true, self.inner.affinity.forget(key)).await
    }
}

#[async_trait]
impl ConfigStore for Scripted {
    async fn get(&self, kind: RecordKind, id: Uuid) -> Result<Option<Record>, StorageError> {
        self.do_it(false, self.inner.config.get(kind, id)).await
    }

    async fn find(&self, kind: RecordKind, lookup: &str) -> Result<Option<Record>, StorageError> {
        self.do_it(false, self.inner.config.find(kind, lookup)).await
    }

    async fn list(&self, kind: RecordKind, after: Option<Uuid>, limit: usize) -> Result<Page, StorageError> {
        self.do_it(false, self.inner.config.list(kind, after, limit)).await
    }

    async fn put(
        &self,
        kind: RecordKind,
        id: Uuid,
        lookup: Option<String>,
        body: String,
        expect: Expect,
    ) -> Result<u64, StorageError> {
        self.do_it(true, self.inner.config.put(kind, id, lookup, body, expect)).await
    }

    async fn delete(&self, kind: RecordKind, id: Uuid, version: u64) -> Result<(), StorageError> {
        self.do_it(true, self.inner.config.delete(kind, id, version)).await
    }

    async fn revision(&self) -> Result<Revision, StorageError> {
        self.do_it(false, self.inner.config.revision()).await
    }

    async fn changes(&self, since: Revision) -> Result<Changes, StorageError> {
        self.do_it(false, self.inner.config.changes(since)).await
    }

    async fn changed(&self, since: Revision) -> Result<(), StorageError> {
        self.do_it(false, self.inner.config.changed(since)).await
    }
}

#[async_trait]
impl LockStore for Scripted {
    async fn acquire(
        &self,
        name: &str,
        holder: Uuid,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Option<Fence>, StorageError> {
        self.do_it(true, self.inner.locks.acquire(name, holder, ttl, now)).await
    }

    async fn release(&self, name: &str, holder: Uuid) -> Result<(), StorageError> {
        self.do_it(true, self.inner.locks.release(name, holder)).await
    }
}
