//! Keeping the records of requests, away from the requests.
//!
//! Requests hand their trails over without waiting. When the queue is full, since the store is slow or down, records are
//! lost and counted: they explain, and nothing rests on them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use metrics::{Counter, counter};
use posthaste_core::{
    CapturedBodies, Clock, RequestId, Sealed, Secret, Telemetry, TraceContext, TracedRequest,
};
use posthaste_storage::{KeptRequest, RequestStore, Revision, StoreHealth};
use posthaste_vault::{Vault, VaultError, request_bodies_place};
use posthaste_wire::Envelope;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::{Instant, sleep},
};

use crate::{
    Call, RecordRules,
    capture::{Capture, PLACES},
    live::Live,
    trail::{Draft, Trail},
};

/// Takes trails in. One a relay.
pub(crate) struct Recorder {
    /// Nothing is recorded without it.
    queue: Option<mpsc::Sender<Entry>>,
    clock: Arc<dyn Clock>,
    revision: AtomicU64,
    /// For requests whose bodies are captured.
    places: Arc<Semaphore>,
    lost: Counter,
    /// Who is told of traced requests.
    telemetry: Arc<dyn Telemetry>,
    live: Arc<Live>,
}

enum Entry {
    Draft(Box<Draft>),
    /// Somebody waits for all that came before.
    Flush(oneshot::Sender<()>),
}

impl Recorder {
    /// Starts the task that keeps records, if any are to be kept. It ends when the recorder and every trail are gone.
    pub(crate) fn start(
        (store, vault): (Arc<dyn RequestStore>, Arc<Vault>),
        health: StoreHealth,
        rules: Option<RecordRules>,
        (clock, telemetry): (Arc<dyn Clock>, Arc<dyn Telemetry>),
        (revision, live): (Revision, Arc<Live>),
    ) -> Arc<Self> {
        let lost = counter!("posthaste_request_records_lost_total");
        let queue = rules.map(|rules| {
            let (queue, entries) = mpsc::channel(QUEUE);
            let keeper = Keeper {
                store,
                health,
                vault,
                rules,
                clock: Arc::clone(&clock),
                lost: lost.clone(),
                trimmed: None,
                kept_since: 0,
                fails: false,
            };
            tokio::spawn(keeper.run(entries));
            queue
        });
        let (revision, places) = (AtomicU64::new(revision.0), Arc::new(Semaphore::new(PLACES)));
        Arc::new(Self { queue, clock, revision, places, lost, telemetry, live })
    }

    /// Begins a request's trail.
    pub(crate) fn begin(
        self: &Arc<Self>,
        call: &Call,
        envelope: &Envelope,
        trace: Option<TraceContext>,
    ) -> Trail {
        if !self.keeps() && !self.live.is_watched() && !trace.is_some_and(|trace| trace.sampled) {
            return Trail::untrodden(trace);
        }
        let now = self.clock.now();
        let rules = call.caller.key().policy.capture.filter(|_| self.keeps());
        let capture = Capture::begin(rules, &call.body, &self.places, now);
        Trail::begin(self, call, envelope, (capture, trace), now)
    }

    /// Whether records are kept.
    pub(crate) fn keeps(&self) -> bool {
        self.queue.is_some()
    }

    /// Tells of a request that has a trace.
    pub(crate) fn tell(&self, request: Box<TracedRequest>) {
        self.telemetry.end(request);
    }

    /// Where the configuration stands, as far as is known.
    pub(crate) fn revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }

    /// The configuration has moved on.
    pub(crate) fn note_revision(&self, revision: Revision) {
        self.revision.store(revision.0, Ordering::Relaxed);
    }

    /// Who is told of requests as they come and go.
    pub(crate) fn live(&self) -> &Live {
        &self.live
    }

    /// Takes a trail that has ended.
    pub(crate) fn hand_over(&self, draft: Box<Draft>) {
        draft.tell(&self.live);
        if let Some(queue) = &self.queue
            && queue.try_send(Entry::Draft(draft)).is_err()
        {
            self.lost.increment(1);
        }
    }

    /// Waits until what was handed over is kept, or was tried to be.
    pub(crate) async fn flush(&self) {
        let Some(queue) = &self.queue else { return };
        let (done, kept) = oneshot::channel();
        if queue.send(Entry::Flush(done)).await.is_ok() {
            // An error means that the task has ended, so that nothing is left to wait for.
            let _ = kept.await;
        }
    }
}

/// The task behind the queue.
struct Keeper {
    store: Arc<dyn RequestStore>,
    health: StoreHealth,
    vault: Arc<Vault>,
    rules: RecordRules,
    clock: Arc<dyn Clock>,
    lost: Counter,
    trimmed: Option<Instant>,
    /// How many were kept since then.
    kept_since: u64,
    /// Whether the store failed the last time, so that an outage is told once.
    fails: bool,
}

impl Keeper {
    async fn run(mut self, mut entries: mpsc::Receiver<Entry>) {
        let mut taken = Vec::new();
        while entries.recv_many(&mut taken, BATCH).await > 0 {
            let hurry = taken.iter().any(|entry| matches!(entry, Entry::Flush(_)));
            if !hurry && taken.len() < BATCH {
                // Sleeping instead of receiving: a sleeping task costs those who hand over nothing.
                sleep(GATHERING).await;
            }
            while taken.len() < BATCH
                && let Ok(entry) = entries.try_recv()
            {
                taken.push(entry);
            }
            let (mut kept, mut waiting) = (Vec::with_capacity(taken.len()), Vec::new());
            for (number, entry) in taken.drain(..).enumerate() {
                if number % AT_ONCE == AT_ONCE - 1 {
                    tokio::task::yield_now().await;
                }
                match entry {
                    Entry::Draft(draft) => kept.push(self.finish(*draft)),
                    Entry::Flush(done) => waiting.push(done),
                }
            }
            self.keep(&kept).await;
            for waiting in waiting {
                // Whoever no longer waits need not be told.
                let _ = waiting.send(());
            }
            self.trim().await;
        }
    }

    fn finish(&self, draft: Draft) -> KeptRequest {
        let (mut record, bodies) = draft.finish();
        let sealed = bodies.map(|bodies| self.seal(record.id, &bodies)).transpose();
        record.bodies_missed |= sealed.is_err();
        KeptRequest { record, bodies: sealed.unwrap_or_default() }
    }

    fn seal(&self, request: RequestId, bodies: &CapturedBodies) -> Result<Sealed, VaultError> {
        // A structure of texts and numbers can always be written.
        let json = serde_json::to_string(bodies).unwrap_or_default();
        let sealed = self.vault.seal(&request_bodies_place(request), &Secret::new(json));
        sealed.inspect_err(
            |error| tracing::warn!(%error, "captured bodies cannot be sealed, so they are not kept"),
        )
    }

    async fn keep(&mut self, kept: &[KeptRequest]) {
        if kept.is_empty() {
            return;
        }
        match self.store.put(kept, self.rules.keep).await {
            Ok(()) => {
                self.fails = false;
                self.kept_since = self.kept_since.saturating_add(kept.len() as u64);
            }
            Err(error) => {
                self.lost.increment(kept.len() as u64);
                if !std::mem::replace(&mut self.fails, true) && !self.health.tells_of(&error) {
                    tracing::warn!(%error, "requests cannot be recorded; they are served and booked all the same");
                }
            }
        }
    }

    /// Forgets what is old or too much: now and then, and before there is a tenth more than is wanted.
    async fn trim(&mut self) {
        let recent = self.trimmed.is_some_and(|last| last.elapsed() < BETWEEN_TRIMS);
        let few = self.kept_since.saturating_mul(10) < self.rules.most;
        if self.kept_since == 0 || (recent && few) {
            return;
        }
        (self.trimmed, self.kept_since) = (Some(Instant::now()), 0);
        let before = self.clock.now().minus(self.rules.keep);
        loop {
            match self.store.trim(before, self.rules.most).await {
                Ok(0) => return,
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => {
                    if !self.health.tells_of(&error) {
                        tracing::warn!(%error, "old records of requests cannot be forgotten; trying again later");
                    }
                    return;
                }
            }
        }
    }
}

/// Trails that wait; beyond that they are lost. Some 20 MB at most.
const QUEUE: usize = 4_096;

/// Records that are written together: so few that rows of the books do not wait long behind them.
const BATCH: usize = 128;

/// Records that are put into words before whoever else waits for the processor gets on: a tenth of a millisecond.
const AT_ONCE: usize = 16;

/// How long a record waits for others.
const GATHERING: Duration = Duration::from_millis(100);

const BETWEEN_TRIMS: Duration = Duration::from_secs(60);
