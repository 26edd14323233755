//! A configuration store through which one record is written only as the version that its writer has seen.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::{Changes, ConfigStore, Expect, Page, Record, RecordKind, Revision, StorageError};

/// Hands everything on to another store, and watches one record.
///
/// A writer that reads a record again when others were faster, and puts its fields into what it finds, overwrites nobody's.
/// But whoever decided by what he saw wants to be told when it has changed. With a version pinned, the record is written and
/// removed only while it has that version: the store's own compare-and-set sees to it, so that of two writers who saw the same
/// one is refused, wherever they are. What is written through here moves the pin on.
pub struct PinnedConfig {
    inner: Arc<dyn ConfigStore>,
    kind: RecordKind,
    id: Uuid,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Default)]
struct State {
    pin: Option<u64>,
    written: Option<u64>,
}

impl PinnedConfig {
    /// Watches the record in `inner`; with a `pin`, it is written only while it has that version.
    pub fn new(inner: Arc<dyn ConfigStore>, kind: RecordKind, id: Uuid, pin: Option<u64>) -> Self {
        Self { inner, kind, id, state: Mutex::new(State { pin, written: None }) }
    }

    /// The version that the record got by what was last written through here.
    pub fn written(&self) -> Option<u64> {
        self.state.lock().written
    }

    fn is_it(&self, kind: RecordKind, id: Uuid) -> bool {
        kind == self.kind && id == self.id
    }

    fn check(&self, expect: Expect) -> Result<(), StorageError> {
        match self.state.lock().pin {
            Some(pin) if expect != Expect::Version(pin) => {
                Err(StorageError::Conflict { what: format!("{} {}", self.kind, self.id) })
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl ConfigStore for PinnedConfig {
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
        if !self.is_it(kind, id) {
            return self.inner.put(kind, id, lookup, body, expect).await;
        }
        self.check(expect)?;
        let version = self.inner.put(kind, id, lookup, body, expect).await?;
        let mut state = self.state.lock();
        state.pin = state.pin.map(|_| version);
        state.written = Some(version);
        Ok(version)
    }

    async fn delete(&self, kind: RecordKind, id: Uuid, version: u64) -> Result<(), StorageError> {
        if self.is_it(kind, id) {
            self.check(Expect::Version(version))?;
        }
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
