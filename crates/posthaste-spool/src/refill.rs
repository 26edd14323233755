//! Bringing records back into a store that has lost all of them.

use std::time::Duration;

use posthaste_core::Timestamp;
use posthaste_storage::{ConfigStore, Expect, LockStore, Record, RecordKind, StorageError};
use uuid::Uuid;

use crate::copy::{ConfigCopy, KEYRING};

/// How a refill went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refilled {
    /// The store has all records again: so many were written.
    Done(usize),
    /// The store has a keyring: it was not lost, or somebody else was quicker.
    NotNeeded,
    /// Somebody else is at it.
    Busy,
    /// The store has no keyring, but records that are not the copy's: nobody but an operator can tell whose they are.
    Foreign,
}

/// Whether a store has lost what the copy has: it has no keyring, which is the first record that a store gets.
///
/// # Errors
/// When the store fails.
pub async fn is_lost(store: &dyn ConfigStore, copy: &ConfigCopy) -> Result<bool, StorageError> {
    Ok(copy.has_keyring() && store.get(KEYRING.0, KEYRING.1).await?.is_none())
}

/// Writes all records of a copy into a store that has none at all, under a lock, the keyring last: a store without one is
/// known to be lost until everything is back. Where an earlier refill was cut off in between, the rest is written.
///
/// Whether the copy is this relay's and opens, the caller has made sure of. Versions begin anew.
///
/// # Errors
/// When the store fails; what was written until then stays, and the next refill goes on from there.
pub async fn refill(
    store: &dyn ConfigStore,
    locks: &dyn LockStore,
    copy: &ConfigCopy,
    now: Timestamp,
) -> Result<Refilled, StorageError> {
    if !is_lost(store, copy).await? {
        return Ok(Refilled::NotNeeded);
    }
    let holder = Uuid::new_v4();
    if locks.acquire(LOCK, holder, LOCK_TIME, now).await?.is_none() {
        return Ok(Refilled::Busy);
    }
    let refilled = refill_locked(store, copy).await;
    if let Err(error) = locks.release(LOCK, holder).await {
        tracing::debug!(%error, "the lock of the refill lapses by itself");
    }
    refilled
}

async fn refill_locked(store: &dyn ConfigStore, copy: &ConfigCopy) -> Result<Refilled, StorageError> {
    if !is_lost(store, copy).await? {
        return Ok(Refilled::NotNeeded);
    }
    for kind in RecordKind::ALL {
        let there = all(store, kind).await?;
        if !there.iter().all(|record| is_ours(record, copy)) {
            return Ok(Refilled::Foreign);
        }
    }
    let mut written = 0;
    let keyring_last = copy.records.values().filter(|record| (record.kind, record.id) != KEYRING);
    for record in keyring_last.chain(copy.records.get(&KEYRING)) {
        let Record { kind, id, lookup, body, .. } = record.clone();
        match store.put(kind, id, lookup, body, Expect::Absent).await {
            Ok(_) => written += 1,
            Err(StorageError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Refilled::Done(written))
}

/// Whether an earlier refill from this copy can have written a record.
fn is_ours(record: &Record, copy: &ConfigCopy) -> bool {
    let ours = copy.records.get(&(record.kind, record.id));
    ours.is_some_and(|ours| ours.body == record.body && ours.lookup == record.lookup)
}

/// How a copy and a store compare.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// Records of the copy that the store has not, the keyring last.
    pub missing: Vec<Record>,
    /// How many are the same in both.
    pub same: usize,
    /// How many are others in the store.
    pub differing: usize,
    /// Whether the store has a keyring of its own, under which the copy's records do not open.
    pub other_keyring: bool,
}

/// Compares a copy with what a store has now.
///
/// # Errors
/// When the store fails.
pub async fn compare(store: &dyn ConfigStore, copy: &ConfigCopy) -> Result<Comparison, StorageError> {
    let mut comparison = Comparison::default();
    for record in copy.records.values() {
        match store.get(record.kind, record.id).await? {
            None => comparison.missing.push(record.clone()),
            Some(there) if there.body == record.body && there.lookup == record.lookup => comparison.same += 1,
            Some(_) => {
                comparison.differing += 1;
                comparison.other_keyring |= (record.kind, record.id) == KEYRING;
            }
        }
    }
    comparison.missing.sort_by_key(|record| (record.kind, record.id) == KEYRING);
    Ok(comparison)
}

/// Writes records that a store has not; tells how many were written, and which it did not take, since their name is
/// another record's by now.
///
/// # Errors
/// When the store fails; what was written until then stays.
pub async fn bring_back(
    store: &dyn ConfigStore,
    missing: &[Record],
) -> Result<(usize, Vec<String>), StorageError> {
    let (mut written, mut refused) = (0, Vec::new());
    for record in missing {
        let Record { kind, id, lookup, body, .. } = record.clone();
        match store.put(kind, id, lookup, body, Expect::Absent).await {
            Ok(_) => written += 1,
            Err(error @ (StorageError::Conflict { .. } | StorageError::Taken { .. })) => {
                refused.push(error.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    Ok((written, refused))
}

/// Every record of a kind.
pub(crate) async fn all(store: &dyn ConfigStore, kind: RecordKind) -> Result<Vec<Record>, StorageError> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(kind, after, PAGE).await?;
        all.extend(page.records);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(all),
        }
    }
}

const PAGE: usize = 500;

const LOCK: &str = "config-refill";

/// Far more than writing ten thousand records takes.
const LOCK_TIME: Duration = Duration::from_secs(60);
