//! Configuration records in memory.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{Change, Changes, ConfigStore, Expect, Page, Record, RecordKind, Revision, StorageError};

/// Keeps the records sorted, the look-up names beside them, and a feed that holds each record's last write.
pub(super) struct MemoryConfig {
    state: Mutex<State>,
    revision: watch::Sender<Revision>,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self { state: Mutex::default(), revision: watch::Sender::new(Revision::default()) }
    }
}

#[derive(Default)]
struct State {
    records: BTreeMap<(RecordKind, Uuid), Record>,
    lookups: HashMap<(RecordKind, String), Uuid>,
    feed: Feed,
}

#[async_trait]
impl ConfigStore for MemoryConfig {
    async fn get(&self, kind: RecordKind, id: Uuid) -> Result<Option<Record>, StorageError> {
        Ok(self.state.lock().records.get(&(kind, id)).cloned())
    }

    async fn find(&self, kind: RecordKind, lookup: &str) -> Result<Option<Record>, StorageError> {
        let state = self.state.lock();
        let id = state.lookups.get(&(kind, lookup.to_owned()));
        Ok(id.and_then(|id| state.records.get(&(kind, *id))).cloned())
    }

    async fn list(&self, kind: RecordKind, after: Option<Uuid>, limit: usize) -> Result<Page, StorageError> {
        let from = after.map_or(Bound::Included((kind, Uuid::nil())), |id| Bound::Excluded((kind, id)));
        let until = Bound::Included((kind, Uuid::max()));
        let state = self.state.lock();
        let mut found = state.records.range((from, until)).map(|(_, record)| record);
        let records: Vec<Record> = found.by_ref().take(limit.max(1)).cloned().collect();
        let more = found.next().is_some();
        let next = records.last().filter(|_| more).map(|record| record.id);
        Ok(Page { records, next })
    }

    async fn put(
        &self,
        kind: RecordKind,
        id: Uuid,
        lookup: Option<String>,
        body: String,
        expect: Expect,
    ) -> Result<u64, StorageError> {
        let mut state = self.state.lock();
        let version = state.next_version(kind, id, expect)?;
        state.check_lookup(kind, id, lookup.as_deref())?;
        state.remove(kind, id);
        state.insert(Record { kind, id, version, lookup, body, intact: true });
        self.revision.send_replace(state.feed.push(kind, id));
        Ok(version)
    }

    async fn delete(&self, kind: RecordKind, id: Uuid, version: u64) -> Result<(), StorageError> {
        let mut state = self.state.lock();
        state.next_version(kind, id, Expect::Version(version))?;
        state.remove(kind, id);
        self.revision.send_replace(state.feed.push(kind, id));
        Ok(())
    }

    async fn revision(&self) -> Result<Revision, StorageError> {
        Ok(self.state.lock().feed.revision)
    }

    async fn changes(&self, since: Revision) -> Result<Changes, StorageError> {
        Ok(self.state.lock().feed.since(since))
    }

    async fn changed(&self, since: Revision) -> Result<(), StorageError> {
        let mut revision = self.revision.subscribe();
        let waited = revision.wait_for(|revision| *revision > since).await;
        waited.map(|_| ()).map_err(|error| StorageError::unavailable("waiting for a change", error))
    }
}

impl State {
    fn next_version(&self, kind: RecordKind, id: Uuid, expect: Expect) -> Result<u64, StorageError> {
        let present = self.records.get(&(kind, id)).map(|record| record.version);
        match (expect, present) {
            (Expect::Absent, None) => Ok(1),
            (Expect::Version(expected), Some(version)) if expected == version => Ok(version + 1),
            _ => Err(StorageError::Conflict { what: format!("{kind} {id}") }),
        }
    }

    fn check_lookup(&self, kind: RecordKind, id: Uuid, lookup: Option<&str>) -> Result<(), StorageError> {
        let Some(lookup) = lookup else { return Ok(()) };
        match self.lookups.get(&(kind, lookup.to_owned())) {
            Some(owner) if *owner != id => {
                Err(StorageError::Taken { what: format!("the look-up name of {kind} {id}") })
            }
            _ => Ok(()),
        }
    }

    fn remove(&mut self, kind: RecordKind, id: Uuid) {
        let removed = self.records.remove(&(kind, id));
        if let Some(lookup) = removed.and_then(|record| record.lookup) {
            self.lookups.remove(&(kind, lookup));
        }
    }

    fn insert(&mut self, record: Record) {
        if let Some(lookup) = &record.lookup {
            self.lookups.insert((record.kind, lookup.clone()), record.id);
        }
        self.records.insert((record.kind, record.id), record);
    }
}

/// The last write of each record, by revision.
#[derive(Default)]
struct Feed {
    revision: Revision,
    /// The feed is whole from here on.
    reach: Revision,
    writes: BTreeMap<Revision, (RecordKind, Uuid)>,
    last: HashMap<(RecordKind, Uuid), Revision>,
}

impl Feed {
    fn push(&mut self, kind: RecordKind, id: Uuid) -> Revision {
        self.revision = Revision(self.revision.0 + 1);
        if let Some(earlier) = self.last.insert((kind, id), self.revision) {
            self.writes.remove(&earlier);
        }
        self.writes.insert(self.revision, (kind, id));
        while self.writes.len() > FEED_LENGTH
            && let Some((oldest, record)) = self.writes.pop_first()
        {
            self.reach = oldest;
            self.last.remove(&record);
        }
        self.revision
    }

    fn since(&self, since: Revision) -> Changes {
        let later = self.writes.range((Bound::Excluded(since), Bound::Unbounded));
        let changes = later.map(|(&revision, &(kind, id))| Change { revision, kind, id }).collect();
        // A revision from the future was learnt from another store: what the reader knows is of no use here.
        let truncated = since < self.reach || since > self.revision;
        Changes { revision: self.revision, changes, truncated }
    }
}

const FEED_LENGTH: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_that_no_longer_reaches_back_says_so() {
        let mut feed = Feed::default();
        for _ in 0..=FEED_LENGTH {
            feed.push(RecordKind::Account, Uuid::now_v7());
        }
        assert!(feed.since(Revision(0)).truncated);
        let whole = feed.since(Revision(1));
        assert!(!whole.truncated);
        assert_eq!(whole.changes.len(), FEED_LENGTH);
    }
}
