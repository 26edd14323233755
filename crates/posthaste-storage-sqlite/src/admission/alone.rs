//! Counts and leases of a process that is alone with its file: claims are answered from memory, and what counters gained
//! is written behind them.
//!
//! A claim that waited for the disk would make every request wait that is under a limit. Counters are saved 20 ms after a
//! change, as gains and not as totals, so that two processes that have the file at once for a while (an old server that
//! drains beside a new one) lose nothing of each other's counts; each learns of the other's with its next save. Leases are
//! not saved: they end with the process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_core::Timestamp;
use posthaste_storage::{
    AdmissionStore, Claim, Counter, Half, HeldLease, LeaseRef, Outcome, Places, SPANS_KEPT, Settlement,
    StorageError,
};
use rusqlite::Connection;
use tokio::runtime::Handle;
use uuid::Uuid;

use super::saved;
use crate::{error::Failure, stores::Database};

/// All counters in memory, and the file behind them.
#[derive(Debug)]
pub(crate) struct Alone {
    database: Arc<Database>,
    places: Mutex<Places>,
    /// Whether somebody is about to save.
    save_due: AtomicBool,
    /// The latest moment that was told, in microseconds.
    now: AtomicI64,
    /// One save at a time, so that what is read back is never older than what is known.
    saving: tokio::sync::Mutex<()>,
}

/// Reads all counters, and ends the leases of those who were here before.
pub(crate) fn load(connection: &Connection) -> Result<Places, Failure> {
    connection.execute("DELETE FROM lease", [])?;
    let mut places = Places::default();
    places.note_saved(&saved::all(connection)?);
    Ok(places)
}

impl Alone {
    pub(crate) fn new(database: Arc<Database>, places: Places) -> Arc<Self> {
        let (save_due, saving) = (AtomicBool::new(false), tokio::sync::Mutex::new(()));
        let now = AtomicI64::new(i64::MIN);
        Arc::new(Self { database, places: Mutex::new(places), save_due, now, saving })
    }

    /// Saves what was not saved yet.
    pub(crate) async fn save(&self) -> Result<(), StorageError> {
        let _one_at_a_time = self.saving.lock().await;
        let gained = self.places.lock().take_unsaved();
        if gained.is_empty() {
            return Ok(());
        }
        let gained = Arc::new(gained);
        let given = Arc::clone(&gained);
        // Not at once, for the case that the clock is set back.
        let now = Timestamp::from_micros(self.now.load(Ordering::Relaxed)).minus(SPANS_KEPT);
        let write = move |connection: &Connection| saved::add(connection, &given, now);
        match self.database.writer.write("saving counters", write).await {
            Ok(stands) => {
                self.places.lock().note_saved(&stands);
                Ok(())
            }
            Err(error) => {
                self.places.lock().put_back(&gained);
                Err(error)
            }
        }
    }
}

/// Saves soon, for all changes until then.
fn save_soon(alone: &Arc<Alone>, now: Timestamp) {
    alone.now.fetch_max(now.as_micros(), Ordering::Relaxed);
    if alone.save_due.swap(true, Ordering::AcqRel) {
        return;
    }
    // Without a runtime the program is ending, and saves when it closes the store.
    let Ok(runtime) = Handle::try_current() else { return };
    let alone = Arc::clone(alone);
    runtime.spawn(async move {
        let mut pause = SAVE_EVERY;
        loop {
            tokio::time::sleep(pause).await;
            alone.save_due.store(false, Ordering::Release);
            let Err(error) = alone.save().await else { return };
            if alone.save_due.swap(true, Ordering::AcqRel) {
                // Somebody else tries again.
                return;
            }
            if pause == SAVE_EVERY {
                tracing::error!(%error, "counters of limits cannot be saved; they are kept in memory until they can");
            }
            pause = PAUSE_AFTER_FAILURE;
        }
    });
}

/// The port.
#[derive(Debug)]
pub(crate) struct AloneAdmission(pub(crate) Arc<Alone>);

#[async_trait]
impl AdmissionStore for AloneAdmission {
    async fn reserve(&self, claim: &Claim, now: Timestamp) -> Result<Outcome, StorageError> {
        let outcome = self.0.places.lock().reserve(claim, now);
        if outcome.is_granted() {
            save_soon(&self.0, now);
        }
        Ok(outcome)
    }

    async fn renew(&self, lease: LeaseRef, ttl: Duration, now: Timestamp) -> Result<bool, StorageError> {
        Ok(self.0.places.lock().renew(lease, ttl, now))
    }

    async fn settle(
        &self,
        lease: LeaseRef,
        truth: &[Settlement],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        self.0.places.lock().settle(lease, truth, now);
        save_soon(&self.0, now);
        Ok(())
    }

    async fn used(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
    ) -> Result<i64, StorageError> {
        Ok(self.0.places.lock().used(half, owner, counter, now))
    }

    async fn leases(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HeldLease>, StorageError> {
        Ok(self.0.places.lock().leases(half, owner, counter, now, limit))
    }
}

/// As long as the ledger's rows wait for each other.
const SAVE_EVERY: Duration = Duration::from_millis(20);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);
