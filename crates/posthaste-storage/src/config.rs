//! Configuration records: versions and a change feed.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Record, RecordKind, StorageError};

/// Where the change feed stands. Grows by one with each write of any record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Revision(pub u64);

/// What a writer believes to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// No record with this identity.
    Absent,
    /// The record with exactly this version.
    Version(u64),
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The records, by identity.
    pub records: Vec<Record>,
    /// What to pass as `after` for the next part; `None` at the end.
    pub next: Option<Uuid>,
}

/// One write, as the change feed tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where in the feed it stands.
    pub revision: Revision,
    /// The kind of the record.
    pub kind: RecordKind,
    /// The record.
    pub id: Uuid,
}

/// What happened since a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// Where the feed stands now: pass it as `since` next time.
    pub revision: Revision,
    /// The writes in their order; a record that was written often may appear once.
    pub changes: Vec<Change>,
    /// Whether `since` lies further back than the feed reaches, so that everything must be read again.
    pub truncated: bool,
}

/// Versioned configuration records with unique look-up names and a change feed. Writes are durable when they return.
#[async_trait]
pub trait ConfigStore: Send + Sync + 'static {
    /// The record with this identity.
    async fn get(&self, kind: RecordKind, id: Uuid) -> Result<Option<Record>, StorageError>;

    /// The record with this look-up name.
    async fn find(&self, kind: RecordKind, lookup: &str) -> Result<Option<Record>, StorageError>;

    /// Up to `limit` records whose identity sorts after `after`, in the order of identities.
    async fn list(&self, kind: RecordKind, after: Option<Uuid>, limit: usize) -> Result<Page, StorageError>;

    /// Writes a record and tells its new version (1 for a new one).
    ///
    /// [`StorageError::Conflict`] when `expect` does not hold, [`StorageError::Taken`] when `lookup` belongs to another
    /// record of the kind; in both cases nothing is changed.
    async fn put(
        &self,
        kind: RecordKind,
        id: Uuid,
        lookup: Option<String>,
        body: String,
        expect: Expect,
    ) -> Result<u64, StorageError>;

    /// Removes the record that has `version`; [`StorageError::Conflict`] when it has another or is gone.
    async fn delete(&self, kind: RecordKind, id: Uuid, version: u64) -> Result<(), StorageError>;

    /// Where the change feed stands.
    async fn revision(&self) -> Result<Revision, StorageError>;

    /// The writes after `since`. A reader that starts afresh takes [`revision`](Self::revision) first, then reads what it
    /// needs, then follows the feed from there.
    async fn changes(&self, since: Revision) -> Result<Changes, StorageError>;

    /// Waits until the feed stands past `since`, also by another process's writes, at most a second late. May return
    /// early without a change; costs at most one store command a second while nothing happens.
    async fn changed(&self, since: Revision) -> Result<(), StorageError>;
}
