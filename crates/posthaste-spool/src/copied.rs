//! Configuration records with a copy beside them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::RwLock;
use posthaste_core::Clock;
use posthaste_storage::{
    Changes, ConfigStore, Expect, LockStore, Page, Record, RecordKind, Revision, StorageError,
};
use tokio::{
    sync::{Mutex, Notify},
    task::spawn_blocking,
    time::{Instant, sleep},
};
use uuid::Uuid;

use crate::{
    copy::{ConfigCopy, CopyError, CopyFile, KEYRING},
    notice::Pace,
    refill::{Refilled, all, is_lost, refill},
};

/// A shared store of configuration records with a local copy.
///
/// The copy is renewed after changes, of which it learns from whoever follows the feed through this store; it asks for
/// nothing by itself. When the shared store turns out to have lost everything, the records that it lacks are read from the
/// copy, and are written back: see [`refill()`].
pub struct CopiedConfig {
    inner: Arc<dyn ConfigStore>,
    locks: Arc<dyn LockStore>,
    clock: Arc<dyn Clock>,
    file: CopyFile,
    known: RwLock<ConfigCopy>,
    /// There may be something to copy.
    changed: Notify,
    /// The follower has to read everything again.
    refilled: AtomicBool,
    refilling: Mutex<()>,
    /// Who else is to know that the store was lost.
    told: Box<dyn Fn() + Send + Sync>,
    pace: Pace,
}

impl CopiedConfig {
    /// Puts a copy beside a store. `known` is what the file holds, or nothing of the same books.
    pub fn new(
        inner: Arc<dyn ConfigStore>,
        locks: Arc<dyn LockStore>,
        clock: Arc<dyn Clock>,
        file: CopyFile,
        known: ConfigCopy,
    ) -> Self {
        let changed = Notify::new();
        changed.notify_one();
        Self {
            inner,
            locks,
            clock,
            file,
            known: RwLock::new(known),
            changed,
            refilled: AtomicBool::new(false),
            refilling: Mutex::new(()),
            told: Box::new(|| ()),
            pace: Pace::default(),
        }
    }

    /// Tells somebody whenever the store turns out to have been lost: what else was in it is lost as well.
    #[must_use]
    pub fn telling(mut self, told: impl Fn() + Send + Sync + 'static) -> Self {
        self.told = Box::new(told);
        self
    }

    /// Keeps the copy in step; never ends.
    pub async fn keep(&self) {
        let mut rest = SHORTEST_REST;
        loop {
            self.changed.notified().await;
            // Several changes together are one copy.
            sleep(rest).await;
            let began = Instant::now();
            match self.renew().await {
                Ok(()) => rest = (began.elapsed() * REST_FOR_WORK).clamp(SHORTEST_REST, LONGEST_REST),
                Err(error) => {
                    if self.pace.is_due() {
                        tracing::warn!(
                            error = &*error as &dyn std::error::Error,
                            "the local copy of the configuration cannot be renewed; trying again"
                        );
                    }
                    rest = LONGEST_REST;
                    self.changed.notify_one();
                }
            }
        }
    }

    /// Brings the copy up to date, unless the store is lost.
    async fn renew(&self) -> Result<(), posthaste_core::BoxError> {
        let since = {
            let known = self.known.read();
            Revision(known.revision)
        };
        if self.is_lost().await? {
            return Ok(());
        }
        let changes = self.inner.changes(since).await?;
        let keyring = self.inner.get(KEYRING.0, KEYRING.1).await?;
        let is_other = {
            let known = self.known.read();
            let known = known.records.get(&KEYRING);
            known.is_some_and(|known| keyring.is_some_and(|keyring| keyring.body != known.body))
        };
        if changes.revision == since && !changes.truncated && self.known.read().has_keyring() {
            return Ok(());
        }
        let mut copy = self.known.read().clone();
        if changes.truncated || is_other || !copy.has_keyring() {
            copy.records.clear();
            for kind in RecordKind::ALL {
                let records = all(&*self.inner, kind).await?;
                copy.records.extend(records.into_iter().map(|record| ((kind, record.id), record)));
            }
        } else {
            for change in &changes.changes {
                match self.inner.get(change.kind, change.id).await? {
                    Some(record) => copy.records.insert((change.kind, change.id), record),
                    None => copy.records.remove(&(change.kind, change.id)),
                };
            }
        }
        copy.revision = changes.revision.0;
        // It may have been lost while it was read.
        if !copy.has_keyring() {
            return Ok(());
        }
        if is_other || changes.revision < since {
            self.keep_former(since, &copy)?;
        }
        let (file, saved) = (self.file.clone(), copy.clone());
        spawn_blocking(move || file.save(&saved)).await??;
        *self.known.write() = copy;
        self.pace.reset();
        Ok(())
    }

    /// What the store has forgotten, the former copy may still have.
    fn keep_former(&self, since: Revision, now: &ConfigCopy) -> Result<(), CopyError> {
        let missing =
            self.known.read().records.keys().filter(|place| !now.records.contains_key(place)).count();
        if missing == 0 {
            return Ok(());
        }
        let aside = self.file.set_aside(&format!("before-{}", since.0))?;
        tracing::error!(
            missing,
            copy = %aside.display(),
            "the shared store lacks records that the local copy had, and is older or another one; `posthaste data restore \
             --from-copy` with this file shows them"
        );
        Ok(())
    }

    async fn is_lost(&self) -> Result<bool, StorageError> {
        let keyring = {
            let known = self.known.read();
            known.has_keyring()
        };
        Ok(keyring && self.inner.get(KEYRING.0, KEYRING.1).await?.is_none())
    }

    /// Writes everything back if the store has lost it. Fails as long as it is lost.
    async fn mend(&self) -> Result<(), StorageError> {
        let _one = self.refilling.lock().await;
        let copy = self.known.read().clone();
        if !is_lost(&*self.inner, &copy).await? {
            return Ok(());
        }
        let what = "the shared store has lost its configuration";
        match refill(&*self.inner, &*self.locks, &copy, self.clock.now()).await? {
            Refilled::Done(records) => {
                self.refilled.store(true, Ordering::SeqCst);
                self.changed.notify_one();
                (self.told)();
                tracing::error!(
                    records,
                    "the shared store was empty and has its records again, from the local copy"
                );
                Ok(())
            }
            Refilled::NotNeeded => {
                self.refilled.store(true, Ordering::SeqCst);
                (self.told)();
                Ok(())
            }
            Refilled::Busy => {
                Err(StorageError::unavailable(what, "another relay writes it back at the moment"))
            }
            Refilled::Foreign => {
                if self.pace.is_due() {
                    tracing::error!(
                        "the shared store has lost its keyring, but holds records that the local copy has not: nothing is \
                         written back; look at it with `posthaste data restore --from-copy`"
                    );
                }
                Err(StorageError::unavailable(what, "it holds records of somebody else"))
            }
        }
    }

    fn known_page(&self, kind: RecordKind, after: Option<Uuid>, limit: usize) -> Page {
        let known = self.known.read();
        let wanted = |record: &&Record| record.kind == kind && after.is_none_or(|after| record.id > after);
        let records = known.records.values().filter(wanted).take(limit.saturating_add(1));
        let mut records: Vec<Record> = records.cloned().collect();
        let more = records.len() > limit;
        records.truncate(limit);
        let next = records.last().filter(|_| more).map(|record| record.id);
        Page { records, next }
    }
}

#[async_trait]
impl ConfigStore for CopiedConfig {
    async fn get(&self, kind: RecordKind, id: Uuid) -> Result<Option<Record>, StorageError> {
        let found = self.inner.get(kind, id).await?;
        if found.is_some() || !self.is_lost().await? {
            return Ok(found);
        }
        Ok(self.known.read().records.get(&(kind, id)).cloned())
    }

    async fn find(&self, kind: RecordKind, lookup: &str) -> Result<Option<Record>, StorageError> {
        let found = self.inner.find(kind, lookup).await?;
        if found.is_some() || !self.is_lost().await? {
            return Ok(found);
        }
        let known = self.known.read();
        let mut records = known.records.values();
        Ok(records.find(|record| record.kind == kind && record.lookup.as_deref() == Some(lookup)).cloned())
    }

    async fn list(&self, kind: RecordKind, after: Option<Uuid>, limit: usize) -> Result<Page, StorageError> {
        let page = self.inner.list(kind, after, limit).await?;
        // The first page of a list tells; a store that is lost between two pages is seen by the next reader.
        if (after.is_none() || page.next.is_none()) && self.is_lost().await? {
            return Ok(self.known_page(kind, after, limit));
        }
        Ok(page)
    }

    async fn put(
        &self,
        kind: RecordKind,
        id: Uuid,
        lookup: Option<String>,
        body: String,
        expect: Expect,
    ) -> Result<u64, StorageError> {
        // A record that came first would keep the others from being written back.
        self.mend().await?;
        let version = self.inner.put(kind, id, lookup, body, expect).await?;
        self.changed.notify_one();
        Ok(version)
    }

    async fn delete(&self, kind: RecordKind, id: Uuid, version: u64) -> Result<(), StorageError> {
        self.mend().await?;
        self.inner.delete(kind, id, version).await?;
        self.changed.notify_one();
        Ok(())
    }

    async fn revision(&self) -> Result<Revision, StorageError> {
        self.inner.revision().await
    }

    async fn changes(&self, since: Revision) -> Result<Changes, StorageError> {
        let known = self.known.read().revision;
        let mut changes = self.inner.changes(since).await?;
        if changes.truncated || changes.revision.0 < known {
            self.mend().await?;
            changes = self.inner.changes(since).await?;
        }
        changes.truncated |= self.refilled.swap(false, Ordering::SeqCst);
        if changes.truncated || !changes.changes.is_empty() {
            self.changed.notify_one();
        }
        Ok(changes)
    }

    async fn changed(&self, since: Revision) -> Result<(), StorageError> {
        self.inner.changed(since).await
    }
}

/// After a change, and from a copy to the next.
const SHORTEST_REST: Duration = Duration::from_millis(500);

const LONGEST_REST: Duration = Duration::from_secs(30);

/// Copying takes a fiftieth of the time at most.
const REST_FOR_WORK: u32 = 50;

#[cfg(test)]
mod tests;
