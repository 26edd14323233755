//! Configuration records.

use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use super::Watch;
use crate::{Changes, ConfigStore, Expect, Page, Record, RecordKind, Revision, StorageError};

pub(super) struct TimedConfig {
    store: Arc<dyn ConfigStore>,
    get: Watch,
    find: Watch,
    list: Watch,
    write: Watch,
    changes: Watch,
}

impl TimedConfig {
    pub(super) fn new(store: Arc<dyn ConfigStore>, watch: impl Fn(&'static str) -> Watch) -> Self {
        Self {
            store,
            get: watch("config_get"),
            find: watch("config_find"),
            list: watch("config_list"),
            write: watch("config_write"),
            changes: watch("config_changes"),
        }
    }
}

#[async_trait]
impl ConfigStore for TimedConfig {
    async fn get(&self, kind: RecordKind, id: Uuid) -> Result<Option<Record>, StorageError> {
        self.get.time(self.store.get(kind, id)).await
    }

    async fn find(&self, kind: RecordKind, lookup: &str) -> Result<Option<Record>, StorageError> {
        self.find.time(self.store.find(kind, lookup)).await
    }

    async fn list(&self, kind: RecordKind, after: Option<Uuid>, limit: usize) -> Result<Page, StorageError> {
        self.list.time(self.store.list(kind, after, limit)).await
    }

    async fn put(
        &self,
        kind: RecordKind,
        id: Uuid,
        lookup: Option<String>,
        body: String,
        expect: Expect,
    ) -> Result<u64, StorageError> {
        self.write.time(self.store.put(kind, id, lookup, body, expect)).await
    }

    async fn delete(&self, kind: RecordKind, id: Uuid, version: u64) -> Result<(), StorageError> {
        self.write.time(self.store.delete(kind, id, version)).await
    }

    async fn revision(&self) -> Result<Revision, StorageError> {
        self.store.revision().await
    }

    async fn changes(&self, since: Revision) -> Result<Changes, StorageError> {
        self.changes.time(self.store.changes(since)).await
    }

    /// Waiting is what it is for.
    async fn changed(&self, since: Revision) -> Result<(), StorageError> {
        self.store.changed(since).await
    }
}
