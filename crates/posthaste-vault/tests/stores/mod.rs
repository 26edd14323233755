//! Looking into stores, and a store whose writers all read before the first of them writes.

use std::sync::Arc;

use async_trait::async_trait;
use posthaste_storage::{Changes, ConfigStore, Expect, Page, Record, RecordKind, Revision, StorageError};
use tokio::sync::Barrier;
use uuid::Uuid;

/// Everything that a store holds.
pub(crate) async fn records(store: &Arc<dyn ConfigStore>) -> Vec<Record> {
    let mut all = Vec::new();
    for kind in RecordKind::ALL {
        all.extend(store.list(kind, None, 1_000).await.unwrap().records);
    }
    all
}

/// Lets nobody write before `writers` of them want to.
pub(crate) struct LateWriters {
    inner: Arc<dyn ConfigStore>,
    gate: Barrier,
}

impl LateWriters {
    pub(crate) fn new(inner: Arc<dyn ConfigStore>, writers: usize) -> Self {
        Self { inner, gate: Barrier::new(writers) }
    }
}

#[async_trait]
impl ConfigStore for LateWriters {
    async fn get(&self, kind: RecordKind, id: Uuid) -> Result<Option<Record>, StorageError> {
        self.inner.get(kind, id).await
    }

    async fn find(&self, kind: RecordKind, lookup: &str) -> Result<Option<Record>, StorageError> {
        self.inner.find(kind, lookup).await
    }

    async fn list(&self, kind: RecordKind, after: Option<Uuid>, limit: usize) -> Result<Page, StorageError> {
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
        self.gate.wait().await;
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
