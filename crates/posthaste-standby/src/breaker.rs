//! One breaker for a store: it counts failures in a row, and keeps calls away from a store that is away.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use posthaste_core::{Clock, Timestamp};
use posthaste_storage::{StorageError, StoreHealth, StoreLoss};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use crate::{StandbyOptions, metrics::Metrics};

/// Whether calls reach the store. Shared by all of its ports.
pub(crate) struct Breaker {
    deadline: Duration,
    failures: u32,
    clock: Arc<dyn Clock>,
    health: StoreHealth,
    metrics: Metrics,
    /// Failures in a row, of reading and of writing.
    runs: [AtomicU32; 2],
    /// The same as what `away` tells, for those in a hurry.
    is_open: AtomicBool,
    away: watch::Sender<Option<Instant>>,
    /// Whether the log tells of the present loss.
    is_told: AtomicBool,
    /// The first failure that the log does not tell of.
    untold: Mutex<Option<Instant>>,
}

/// What a call does. A replica, or a store that is full, still reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    Read,
    Write,
}

/// Why a call has no answer.
#[derive(Debug)]
pub(crate) enum Missed {
    /// The store was not asked, since it is away.
    NotAsked,
    /// The store was asked. Whether it did what it was asked is not known.
    Unknown(StorageError),
    /// The store answered, though not with what was wished.
    Answered(StorageError),
}

impl Missed {
    /// The error for a caller whom nobody can help.
    pub(crate) fn into_error(self, what: &str) -> StorageError {
        match self {
            Self::NotAsked => StorageError::unavailable(what, "the shared store is away"),
            Self::Unknown(error) | Self::Answered(error) => error,
        }
    }
}

impl Breaker {
    pub(crate) fn new(options: &StandbyOptions) -> Self {
        Self {
            deadline: options.deadline,
            failures: options.failures.max(1),
            clock: Arc::clone(&options.clock),
            health: StoreHealth::watched(),
            metrics: Metrics::new(),
            runs: Default::default(),
            is_open: AtomicBool::new(false),
            away: watch::Sender::new(None),
            is_told: AtomicBool::new(false),
            untold: Mutex::default(),
        }
    }

    pub(crate) fn health(&self) -> &StoreHealth {
        &self.health
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether the store is away.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }

    /// Makes a call that a request waits for: bounded by the deadline, and not made at all while the store is away.
    pub(crate) async fn call<T>(
        &self,
        (does, what): (Does, &str),
        call: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, Missed> {
        if self.is_open() {
            return Err(Missed::NotAsked);
        }
        match timeout(self.deadline, call).await {
            Ok(outcome) => self.judge(does, outcome),
            Err(_) => {
                let late = format!("no answer within {} ms", self.deadline.as_millis());
                let error = StorageError::unavailable(what, late);
                self.failed(does, &error);
                Err(Missed::Unknown(error))
            }
        }
    }

    /// The same for a call that nobody waits for: the store's own time-outs hold.
    pub(crate) async fn patient_call<T>(
        &self,
        does: Does,
        call: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, Missed> {
        if self.is_open() {
            return Err(Missed::NotAsked);
        }
        self.judge(does, call.await)
    }

    /// Asks a store that may be away whether it answers as fast as it should. It is not cut short: what the store's client
    /// learns from its own time-outs is what makes it connect anew.
    pub(crate) async fn probe<T>(&self, call: impl Future<Output = Result<T, StorageError>>) -> bool {
        let begun = Instant::now();
        let answered = !matches!(call.await, Err(StorageError::Unavailable { .. }));
        answered && begun.elapsed() <= self.deadline
    }

    /// Waits until the store is back; at once where it is not away.
    pub(crate) async fn until_closed(&self) {
        let mut away = self.away.subscribe();
        // Never fails: the sender lives as long as this does.
        let _ = away.wait_for(Option::is_none).await;
    }

    /// Waits until the store is away.
    pub(crate) async fn until_open(&self) {
        let mut away = self.away.subscribe();
        let _ = away.wait_for(Option::is_some).await;
    }

    /// Lets calls through again; tells for how long they were not.
    pub(crate) fn close(&self) -> Duration {
        let since = self.away.send_replace(None);
        self.runs.iter().for_each(|run| run.store(0, Ordering::Release));
        self.is_open.store(false, Ordering::Release);
        self.health.note_return();
        self.metrics.available(true);
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// For how long the store has been away.
    pub(crate) fn away_for(&self) -> Duration {
        self.away.borrow().map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn judge<T>(&self, does: Does, outcome: Result<T, StorageError>) -> Result<T, Missed> {
        match outcome {
            Err(error @ StorageError::Unavailable { .. }) => {
                self.failed(does, &error);
                Err(Missed::Unknown(error))
            }
            outcome => {
                // Who writes reads as well.
                let ends = |of: Does| of == Does::Read || does == Does::Write;
                for run in [Does::Read, Does::Write].into_iter().filter(|of| ends(*of)).map(|of| self.run(of))
                {
                    // To store a nought for each of many calls would be a quarrel over one line of the cache.
                    if run.load(Ordering::Relaxed) != 0 {
                        run.store(0, Ordering::Release);
                    }
                }
                outcome.map_err(Missed::Answered)
            }
        }
    }

    fn run(&self, does: Does) -> &AtomicU32 {
        let [reads, writes] = &self.runs;
        match does {
            Does::Read => reads,
            Does::Write => writes,
        }
    }

    /// Notes that a call failed, or was too late.
    pub(crate) fn failed(&self, does: Does, error: &StorageError) {
        self.health.note_failure();
        self.metrics.failed();
        if self.run(does).fetch_add(1, Ordering::AcqRel) + 1 < self.failures || self.is_open() {
            return self.tell_of_lasting_trouble(error);
        }
        let opened = self.away.send_if_modified(|away| {
            let opens = away.is_none();
            away.get_or_insert_with(Instant::now);
            opens
        });
        if !opened {
            return;
        }
        self.is_open.store(true, Ordering::Release);
        let reason = in_words(error);
        self.health.note_loss(StoreLoss { since: self.now(), reason: reason.clone() });
        self.metrics.available(false);
        self.metrics.lost();
        *self.untold.lock() = None;
        // A store that comes and goes is told of now and then; the reminders tell the rest.
        let speaks = self.health.may_remind();
        self.is_told.store(speaks, Ordering::Release);
        if speaks {
            tracing::error!(
                reason,
                "the shared store is away: requests go on, limits are kept as their on-loss says until it is back"
            );
        }
    }

    /// Whether a line about a store that is still away may go to the log.
    pub(crate) fn may_remind(&self) -> bool {
        let may = self.health.may_remind();
        if may {
            self.is_told.store(true, Ordering::Release);
        }
        may
    }

    /// Whether the log tells of the loss that is over now, so that it has to tell of its end.
    pub(crate) fn was_told(&self) -> bool {
        self.is_told.swap(false, Ordering::AcqRel)
    }

    /// A failure now and then is nothing; an outage has a line of its own. What lies between, such as commands of one kind
    /// that the server refuses, must not go unseen.
    fn tell_of_lasting_trouble(&self, error: &StorageError) {
        let mut untold = self.untold.lock();
        let since = *untold.get_or_insert_with(Instant::now);
        if self.is_open() || since.elapsed() < LASTING || !self.health.may_speak() {
            return;
        }
        *untold = None;
        tracing::warn!(reason = in_words(error), "the shared store fails some of its calls, or is late");
    }
}

/// From the first failure that is not told to the line that tells of it, if there are more.
const LASTING: Duration = Duration::from_secs(10);

/// An error with its causes.
fn in_words(error: &StorageError) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}
