//! Stores that a test stands behind.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use posthaste_storage::{
    Changes, ConfigStore, Expect, JournalEntry, JournalStore, Page, Record, RecordKind, Revision,
    StorageError,
};
use uuid::Uuid;

/// Configuration records whose reads are counted, and before whose writes something else happens.
pub(crate) struct WatchedConfig {
    inner: Arc<dyn ConfigStore>,
    reads: AtomicUsize,
    before_write: Option<BeforeWrite>,
}

/// Is awaited before a record is written.
pub(crate) type BeforeWrite =
    Box<dyn Fn(RecordKind, Uuid, Expect) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

impl WatchedConfig {
    pub(crate) fn new(inner: &Arc<dyn ConfigStore>) -> Self {
        Self { inner: Arc::clone(inner), reads: AtomicUsize::new(0), before_write: None }
    }

    pub(crate) fn before_write(self, happens: BeforeWrite) -> Self {
        Self { before_write: Some(happens), ..self }
    }

    /// How often records were read.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    fn read(&self) -> &dyn ConfigStore {
        self.reads.fetch_add(1, Ordering::SeqCst);
        &*self.inner
    }
}

#[async_trait]
impl ConfigStore for WatchedConfig {
    async fn get(&self, kind: RecordKind, id: Uuid) -> Result<Option<Record>, StorageError> {
        self.read().get(kind, id).await
    }

    async fn find(&self, kind: RecordKind, lookup: &str) -> Result<Option<Record>, StorageError> {
        self.read().find(kind, lookup).await
    }

    async fn list(&self, kind: RecordKind, after: Option<Uuid>, limit: usize) -> Result<Page, StorageError> {
        self.read().list(kind, after, limit).await
    }

    async fn put(
        &self,
        kind: RecordKind,
        id: Uuid,
        lookup: Option<String>,
        body: String,
        expect: Expect,
    ) -> Result<u64, StorageError> {
        if let Some(happens) = &self.before_write {
            happens(kind, id, expect).await;
        }
        self.inner.put(kind, id, lookup, body, expect).await
    }

    async fn delete(&self, kind: RecordKind, id: Uuid, version: u64) -> Result<(), StorageError> {
        self.inner.delete(kind, id, version).await
    }

    async fn revision(&self) -> Result<Revision, StorageError> {
        self.inner.revision().await
    }

    async fn changes(&self, since: Revision) -> Result<Changes, StorageError> {
        self.inner.changes(since).await
    }

    async fn changed(&self, since: Revision) -> Result<(), StorageError> {
        self.inner.changed(since).await
    }
}

/// Journals that are read as a forger would have them, or go away after so many times of forgetting.
pub(crate) struct UnsoundJournals {
    inner: Arc<dyn JournalStore>,
    forge: Box<dyn Fn(JournalEntry) -> Option<JournalEntry> + Send + Sync>,
    forgets: AtomicI64,
}

impl UnsoundJournals {
    /// Each entry is read as `forge` makes it.
    pub(crate) fn forged(
        inner: &Arc<dyn JournalStore>,
        forge: impl Fn(JournalEntry) -> Option<JournalEntry> + Send + Sync + 'static,
    ) -> Self {
        Self { inner: Arc::clone(inner), forge: Box::new(forge), forgets: AtomicI64::new(i64::MAX) }
    }

    /// Entries are forgotten so often, and then no more.
    pub(crate) fn failing_after(inner: &Arc<dyn JournalStore>, forgets: i64) -> Self {
        Self { inner: Arc::clone(inner), forge: Box::new(Some), forgets: forgets.into() }
    }
}

#[async_trait]
impl JournalStore for UnsoundJournals {
    async fn append(&self, journal: &str, entry: &JournalEntry) -> Result<(), StorageError> {
        self.inner.append(journal, entry).await
    }

    async fn carry_over(&self, journal: &str, entry: &JournalEntry) -> Result<(), StorageError> {
        self.inner.carry_over(journal, entry).await
    }

    async fn last(&self, journal: &str) -> Result<Option<JournalEntry>, StorageError> {
        self.inner.last(journal).await
    }

    async fn latest(
        &self,
        journal: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StorageError> {
        self.inner.latest(journal, before, limit).await
    }

    async fn after(
        &self,
        journal: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StorageError> {
        let entries = self.inner.after(journal, after, limit).await?;
        Ok(entries.into_iter().filter_map(&self.forge).collect())
    }

    async fn forget(&self, journal: &str, through: u64) -> Result<u64, StorageError> {
        if self.forgets.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(StorageError::unavailable("forgetting", "the store went away"));
        }
        self.inner.forget(journal, through).await
    }
}
