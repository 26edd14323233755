//! A configuration store that gets into trouble when told to.

use std::{
    future,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use async_trait::async_trait;
use posthaste_storage::{Changes, ConfigStore, Expect, Page, Record, RecordKind, Revision, StorageError};
use uuid::Uuid;

/// Its trouble, shared with the test.
#[derive(Clone, Default)]
pub(crate) struct Trouble(Arc<AtomicU8>);

impl Trouble {
    /// From now on every call fails.
    pub(crate) fn fail(&self) {
        self.0.store(FAILS, Ordering::SeqCst);
    }

    /// From now on no call is answered.
    pub(crate) fn fall_silent(&self) {
        self.0.store(SILENT, Ordering::SeqCst);
    }

    async fn strike(&self) -> Result<(), StorageError> {
        match self.0.load(Ordering::SeqCst) {
            FAILS => Err(StorageError::unavailable("reading", "the test wants it so")),
            SILENT => future::pending().await,
            _ => Ok(()),
        }
    }
}

const FAILS: u8 = 1;
const SILENT: u8 = 2;

pub(crate) struct Troubled {
    pub(crate) inner: Arc<dyn ConfigStore>,
    pub(crate) trouble: Trouble,
}

#[async_trait]
impl ConfigStore for Troubled {
    async fn get(&self, kind: RecordKind, id: Uuid) -> Result<Option<Record>, StorageError> {
        self.trouble.strike().await?;
        self.inner.get(kind, id).await
    }

    async fn find(&self, kind: RecordKind, lookup: &str) -> Result<Option<Record>, StorageError> {
        self.trouble.strike().await?;
        self.inner.find(kind, lookup).await
    }

    async fn list(&self, kind: RecordKind, after: Option<Uuid>, limit: usize) -> Result<Page, StorageError> {
        self.trouble.strike().await?;
        self.inner.list(kind, after, limit).await
    }

    async fn put(
        &self,
        kind: RecordKind,
        id: Uuid,
        lookup: Option<String>,
        body: String,
        expect: Expect,
    ) -> Result<u64, StorageError> {
        self.trouble.strike().await?;
        self.inner.put(kind, id, lookup, body, expect).await
    }

    async fn delete(&self, kind: RecordKind, id: Uuid, version: u64) -> Result<(), StorageError> {
        self.trouble.strike().await?;
        self.inner.delete(kind, id, version).await
    }

    async fn revision(&self) -> Result<Revision, StorageError> {
        self.trouble.strike().await?;
        self.inner.revision().await
    }

    async fn changes(&self, since: Revision) -> Result<Changes, StorageError> {
        self.trouble.strike().await?;
        self.inner.changes(since).await
    }

    async fn changed(&self, since: Revision) -> Result<(), StorageError> {
        self.trouble.strike().await?;
        self.inner.changed(since).await
    }
}
