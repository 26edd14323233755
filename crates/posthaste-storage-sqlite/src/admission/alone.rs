//! Counts and leases of a process that is alone with its file: claims are answered from memory, and what counters gained
//! is written behind them.
//!
//! A claim that waited for the disk would make every request wait that is under a limit. Counters are saved 20 ms after a
//! change, as gains and not as totals, so that two processes that have the file at once for a while (an old server that
//! drains beside a new one) lose nothing of each other's counts; each learns of the other's with its next save. Leases are
//! not saved: they end with the process.

use std::{
    fmt,
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
    AdmissionStore, Claim, Counter, Half, HandedLease, HeldLease, LeaseRef, Outcome, Places, SPANS_KEPT,
    Settlement, StorageError,
};
use rusqlite::Connection;
use tokio::{runtime::Handle, sync::watch};
use uuid::Uuid;

use super::saved;
use crate::{error::Failure, stores::Database};

/// All counters in memory, and the file behind them.
pub(crate) struct Alone {
    database: Arc<Database>,
    state: Mutex<State>,
    /// Whether somebody is about to save.
    save_due: AtomicBool,
    /// The moment that was told last, in microseconds. A later one from before the clock was set back does not count: what is
    /// counted now would be forgotten by it.
    now: AtomicI64,
    /// One save at a time, so that what is read back is never older than what is known.
    saving: tokio::sync::Mutex<()>,
}

struct State {
    places: Places,
    stage: Stage,
}

/// Who counts.
enum Stage {
    /// This process.
    Here,
    /// Nobody until the sender is gone: another process is about to go on with it.
    Paused(watch::Receiver<()>),
    /// Another process, which is asked.
    There(Arc<dyn AdmissionStore>),
}

/// What came of a step.
enum Step<T> {
    /// It was taken here.
    Taken(T),
    /// It is to be taken there.
    There(Arc<dyn AdmissionStore>),
}

impl fmt::Debug for Alone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alone").finish_non_exhaustive()
    }
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
        let state = Mutex::new(State { places, stage: Stage::Here });
        Arc::new(Self { database, state, save_due, now, saving })
    }

    /// Takes a step where counting is done now.
    async fn step<T>(&self, mut step: impl FnMut(&mut Places) -> T) -> Step<T> {
        loop {
            let mut paused = {
                let mut state = self.state.lock();
                match &state.stage {
                    Stage::Here => return Step::Taken(step(&mut state.places)),
                    Stage::There(there) => return Step::There(Arc::clone(there)),
                    Stage::Paused(over) => over.clone(),
                }
            };
            // It ends with an error, as nothing is ever sent.
            let _ = paused.changed().await;
        }
    }

    /// Has everybody wait, and saves what was not saved yet.
    pub(crate) async fn pause(self: &Arc<Self>) -> Result<PausedAdmission, StorageError> {
        let (over, paused) = watch::channel(());
        {
            let mut state = self.state.lock();
            if !matches!(state.stage, Stage::Here) {
                let busy = "another process is taking it over already";
                return Err(StorageError::unavailable("handing over what limits count", busy));
            }
            state.stage = Stage::Paused(paused);
        }
        let paused = PausedAdmission { alone: Arc::clone(self), over: Some(over) };
        self.save().await?;
        Ok(paused)
    }

    /// Goes on with what another process has counted and saved until now, and with its leases.
    pub(crate) async fn take(&self, leases: Vec<HandedLease>) -> Result<(), StorageError> {
        let read = |connection: &Connection| saved::all(connection);
        let stands = self.database.readers.read("reading counters", read).await?;
        let mut state = self.state.lock();
        state.places.note_saved(&stands);
        state.places.take_leases(leases);
        Ok(())
    }

    /// Saves what was not saved yet.
    pub(crate) async fn save(&self) -> Result<(), StorageError> {
        let _one_at_a_time = self.saving.lock().await;
        let gained = self.state.lock().places.take_unsaved();
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
                self.state.lock().places.note_saved(&stands);
                Ok(())
            }
            Err(error) => {
                self.state.lock().places.put_back(&gained);
                Err(error)
            }
        }
    }
}

/// Saves soon, for all changes until then.
fn save_soon(alone: &Arc<Alone>, now: Timestamp) {
    alone.now.store(now.as_micros(), Ordering::Relaxed);
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

/// Limits of a process while another is about to go on counting them: whoever asks waits. Dropping it lets this process
/// go on as if nothing had been.
#[derive(Debug)]
pub struct PausedAdmission {
    alone: Arc<Alone>,
    /// `None` once it has been handed on.
    over: Option<watch::Sender<()>>,
}

impl PausedAdmission {
    /// The leases that are held.
    pub fn leases(&self) -> Vec<HandedLease> {
        self.alone.state.lock().places.hand_leases()
    }

    /// Has `there` asked from now on. A settlement and a renewal that it does not take are done here.
    pub fn hand_to(mut self, there: Arc<dyn AdmissionStore>) {
        self.alone.state.lock().stage = Stage::There(there);
        self.over = None;
    }
}

impl Drop for PausedAdmission {
    fn drop(&mut self) {
        if self.over.is_some() {
            self.alone.state.lock().stage = Stage::Here;
        }
    }
}

/// The port.
#[derive(Debug)]
pub(crate) struct AloneAdmission(pub(crate) Arc<Alone>);

#[async_trait]
impl AdmissionStore for AloneAdmission {
    async fn reserve(&self, claim: &Claim, now: Timestamp) -> Result<Outcome, StorageError> {
        match self.0.step(|places| places.reserve(claim, now)).await {
            Step::Taken(outcome) => {
                if outcome.is_granted() {
                    save_soon(&self.0, now);
                }
                Ok(outcome)
            }
            Step::There(there) => there.reserve(claim, now).await,
        }
    }

    async fn renew(&self, lease: LeaseRef, ttl: Duration, now: Timestamp) -> Result<bool, StorageError> {
        match self.0.step(|places| places.renew(lease, ttl, now)).await {
            Step::Taken(renewed) => Ok(renewed),
            Step::There(there) => match there.renew(lease, ttl, now).await {
                Ok(renewed) => Ok(renewed),
                Err(_) => Ok(self.0.state.lock().places.renew(lease, ttl, now)),
            },
        }
    }

    async fn settle(
        &self,
        lease: LeaseRef,
        truth: &[Settlement],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        if let Step::There(there) = self.0.step(|places| places.settle(lease, truth, now)).await {
            match there.settle(lease, truth, now).await {
                Ok(()) => return Ok(()),
                Err(_) => self.0.state.lock().places.settle(lease, truth, now),
            }
        }
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
        match self.0.step(|places| places.used(half, owner, counter, now)).await {
            Step::Taken(used) => Ok(used),
            Step::There(there) => there.used(half, owner, counter, now).await,
        }
    }

    async fn leases(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HeldLease>, StorageError> {
        match self.0.step(|places| places.leases(half, owner, counter, now, limit)).await {
            Step::Taken(leases) => Ok(leases),
            Step::There(there) => there.leases(half, owner, counter, now, limit).await,
        }
    }
}

/// As long as the ledger's rows wait for each other.
const SAVE_EVERY: Duration = Duration::from_millis(20);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);
