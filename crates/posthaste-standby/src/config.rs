//! Configuration records while the store is slow or away.
//!
//! A relay keeps accounts, pools and routes in memory; what a request may have to ask the store for is its client key. Those
//! that were found once are known here, until the change feed tells of them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_storage::{Changes, ConfigStore, Expect, Page, Record, RecordKind, Revision, StorageError};
use tokio::time::sleep;
use uuid::Uuid;

use crate::breaker::{Breaker, Does, Missed};

pub(crate) struct StandbyConfig {
    store: Arc<dyn ConfigStore>,
    breaker: Arc<Breaker>,
    found: Mutex<Found>,
}

/// Client keys' records by their look-up names, in two generations: when the young one is full, the old one is forgotten.
#[derive(Default)]
struct Found {
    young: HashMap<String, Record>,
    old: HashMap<String, Record>,
    /// Counts what was forgotten, so that a record read before a change is not remembered after it.
    generation: u64,
}

impl StandbyConfig {
    pub(crate) fn new(store: Arc<dyn ConfigStore>, breaker: Arc<Breaker>) -> Self {
        Self { store, breaker, found: Mutex::default() }
    }

    /// Makes a call that no request waits for, as often as it takes: the followers of the feed have nothing else to do than
    /// to wait for the store.
    async fn insist<T, Call>(&self, call: impl Fn() -> Call) -> Result<T, StorageError>
    where
        Call: Future<Output = Result<T, StorageError>>,
    {
        loop {
            self.breaker.until_closed().await;
            match self.breaker.patient_call(Does::Read, call()).await {
                Ok(answer) => return Ok(answer),
                Err(Missed::Answered(error)) => return Err(error),
                Err(Missed::NotAsked) => {}
                Err(Missed::Unknown(_)) => sleep(PAUSE).await,
            }
        }
    }

    async fn call<T>(
        &self,
        (does, what): (Does, &str),
        call: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        self.breaker.call((does, what), call).await.map_err(|missed| missed.into_error(what))
    }
}

#[async_trait]
impl ConfigStore for StandbyConfig {
    async fn get(&self, kind: RecordKind, id: Uuid) -> Result<Option<Record>, StorageError> {
        self.insist(|| self.store.get(kind, id)).await
    }

    async fn find(&self, kind: RecordKind, lookup: &str) -> Result<Option<Record>, StorageError> {
        let what = "looking a record up";
        let generation = self.found.lock().generation;
        let outcome = self.breaker.call((Does::Read, what), self.store.find(kind, lookup)).await;
        if kind != RecordKind::ClientKey {
            return outcome.map_err(|missed| missed.into_error(what));
        }
        let mut found = self.found.lock();
        match outcome {
            Ok(record) => {
                found.note(lookup, record.as_ref(), generation);
                Ok(record)
            }
            Err(Missed::Answered(error)) => Err(error),
            Err(missed) => match found.get(lookup) {
                Some(record) => Ok(Some(record)),
                None => Err(missed.into_error(what)),
            },
        }
    }

    async fn list(&self, kind: RecordKind, after: Option<Uuid>, limit: usize) -> Result<Page, StorageError> {
        self.insist(|| self.store.list(kind, after, limit)).await
    }

    async fn put(
        &self,
        kind: RecordKind,
        id: Uuid,
        lookup: Option<String>,
        body: String,
        expect: Expect,
    ) -> Result<u64, StorageError> {
        self.found.lock().forget(kind, id);
        self.call((Does::Write, "writing a record"), self.store.put(kind, id, lookup, body, expect)).await
    }

    async fn delete(&self, kind: RecordKind, id: Uuid, version: u64) -> Result<(), StorageError> {
        self.found.lock().forget(kind, id);
        self.call((Does::Write, "removing a record"), self.store.delete(kind, id, version)).await
    }

    async fn revision(&self) -> Result<Revision, StorageError> {
        self.call((Does::Read, "reading the configuration's revision"), self.store.revision()).await
    }

    async fn changes(&self, since: Revision) -> Result<Changes, StorageError> {
        let changes = self.insist(|| self.store.changes(since)).await?;
        let mut found = self.found.lock();
        match changes.truncated {
            true => found.forget_all(),
            false => changes.changes.iter().for_each(|change| found.forget(change.kind, change.id)),
        }
        Ok(changes)
    }

    async fn changed(&self, since: Revision) -> Result<(), StorageError> {
        self.insist(|| self.store.changed(since)).await
    }
}

impl Found {
    fn note(&mut self, lookup: &str, record: Option<&Record>, generation: u64) {
        self.old.remove(lookup);
        self.young.remove(lookup);
        let Some(record) = record.filter(|_| self.generation == generation) else { return };
        if self.young.len() >= MOST_KEYS {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(lookup.to_owned(), record.clone());
    }

    fn get(&self, lookup: &str) -> Option<Record> {
        self.young.get(lookup).or_else(|| self.old.get(lookup)).cloned()
    }

    fn forget(&mut self, kind: RecordKind, id: Uuid) {
        if kind != RecordKind::ClientKey {
            return;
        }
        self.generation += 1;
        self.young.retain(|_, record| record.id != id);
        self.old.retain(|_, record| record.id != id);
    }

    fn forget_all(&mut self) {
        *self = Self { generation: self.generation + 1, ..Self::default() };
    }
}

/// Of each generation; a record has about a kilobyte.
const MOST_KEYS: usize = 10_000;

/// From a failed call to the next.
const PAUSE: Duration = Duration::from_secs(1);
