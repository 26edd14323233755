//! Metrics of the journey. Handles are made once; on the hot path each is one atomic addition.
//!
//! Labels come from closed enums, never from client text.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use posthaste_core::{
    AttemptOutcome, CooldownReason, CostBasis, Dialect, FaultKind, LimitEvent, LimitUnit, NanoUsd,
    ProviderKind, StopEnd, Usage,
};
use posthaste_storage::Half;

use crate::live::{LiveTotals, Overheads, OwnTime, Tally};

/// Every handle.
pub(crate) struct Metrics {
    answered: [Counter; Dialect::ALL.len()],
    refused: [Counter; FaultKind::ALL.len()],
    attempts: [[Counter; OUTCOMES.len()]; ProviderKind::ALL.len()],
    tokens: [Counter; TOKEN_CLASSES.len()],
    cost: Counter,
    unpriced: Counter,
    thresholds: [[Counter; LimitEvent::THRESHOLDS.len()]; LIMIT_UNITS.len()],
    rests: [Counter; CooldownReason::ALL.len()],
    recoveries: Counter,
    calls_answered: Counter,
    results_dropped: Counter,
    first_content: Histogram,
    duration: Histogram,
    overhead: Histogram,
    accounts: [Gauge; ACCOUNT_STATES.len()],
    remembered: [Gauge; REMEMBERED.len()],
    verdicts: [Counter; VERDICTS.len()],
    leases: [Gauge; HALVES.len()],
    claims: [[Counter; CLAIMS.len()]; HALVES.len()],
    longest_gap: Histogram,
    open: Gauge,
    open_now: Arc<AtomicU64>,
    open_streams: Arc<AtomicU64>,
    tally: Tally,
    overheads: Overheads,
}

/// Counts an attempt as open for as long as it lives.
pub(crate) struct OpenAttempt {
    gauge: Gauge,
    open_now: Arc<AtomicU64>,
    /// Where its client wants a stream.
    open_streams: Option<Arc<AtomicU64>>,
}

/// Counts a lease as held for as long as it lives.
pub(crate) struct OpenLease(Gauge);

/// What comes of a claim on limits.
#[derive(Clone, Copy)]
pub(crate) enum Claimed {
    Granted,
    Refused,
    /// The store could not be asked.
    Failed,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            answered: Dialect::ALL.map(|dialect| counter!("posthaste_answers_total", "dialect" => dialect.as_str())),
            refused: FaultKind::ALL.map(|kind| counter!("posthaste_faults_total", "kind" => kind.as_str())),
            attempts: ProviderKind::ALL.map(|provider| {
                OUTCOMES.map(|outcome| {
                    counter!("posthaste_attempts_total", "provider" => provider.as_str(), "outcome" => outcome)
                })
            }),
            tokens: TOKEN_CLASSES.map(|class| counter!("posthaste_tokens_total", "class" => class)),
            cost: counter!("posthaste_cost_nano_usd_total"),
            unpriced: counter!("posthaste_unpriced_attempts_total"),
            thresholds: LIMIT_UNITS.map(|unit| {
                LimitEvent::THRESHOLDS.map(|percent| {
                    counter!("posthaste_limit_thresholds_total", "unit" => unit.as_str(), "percent" => percent.to_string())
                })
            }),
            rests: CooldownReason::ALL
                .map(|reason| counter!("posthaste_account_rests_total", "reason" => reason.as_str())),
            recoveries: counter!("posthaste_account_recoveries_total"),
            calls_answered: counter!("posthaste_repairs_total", "kind" => "call_answered"),
            results_dropped: counter!("posthaste_repairs_total", "kind" => "result_dropped"),
            first_content: histogram!("posthaste_first_content_seconds"),
            duration: histogram!("posthaste_attempt_seconds"),
            overhead: histogram!("posthaste_overhead_seconds"),
            accounts: ACCOUNT_STATES.map(|state| gauge!("posthaste_accounts", "state" => state)),
            remembered: REMEMBERED.map(|what| gauge!("posthaste_remembered", "what" => what)),
            verdicts: VERDICTS.map(|end| counter!("posthaste_verdicts_total", "verdict" => end.as_str())),
            leases: HALVES.map(|half| gauge!("posthaste_leases", "half" => half.as_str())),
            claims: HALVES.map(|half| {
                CLAIMS.map(|outcome| {
                    counter!("posthaste_lease_claims_total", "half" => half.as_str(), "outcome" => outcome)
                })
            }),
            longest_gap: histogram!("posthaste_longest_gap_seconds"),
            open: gauge!("posthaste_open_attempts"),
            open_now: Arc::default(),
            open_streams: Arc::default(),
            tally: Tally::new(),
            overheads: Overheads::new(),
        }
    }

    pub(crate) fn answered(&self, dialect: Dialect) {
        self.answered[dialect.index()].increment(1);
        self.tally.answered();
    }

    pub(crate) fn refused(&self, kind: FaultKind) {
        self.refused[kind.index()].increment(1);
        self.tally.refused();
    }

    pub(crate) fn threshold_reached(&self, unit: LimitUnit, percent: u8) {
        let unit = LIMIT_UNITS.iter().position(|known| *known == unit);
        let percent = LimitEvent::THRESHOLDS.iter().position(|known| *known == percent);
        if let (Some(unit), Some(percent)) = (unit, percent) {
            self.thresholds[unit][percent].increment(1);
        }
    }

    pub(crate) fn rest_began(&self, reason: CooldownReason) {
        self.rests[reason.index()].increment(1);
    }

    pub(crate) fn rest_ended(&self) {
        self.recoveries.increment(1);
    }

    pub(crate) fn repaired(&self, answered: usize, dropped: usize) {
        self.calls_answered.increment(answered as u64);
        self.results_dropped.increment(dropped as u64);
    }

    pub(crate) fn attempt_opened(&self, streamed: bool) -> OpenAttempt {
        self.open.increment(1.0);
        self.open_now.fetch_add(1, Ordering::Relaxed);
        let open_streams = streamed.then(|| Arc::clone(&self.open_streams));
        if let Some(open) = &open_streams {
            open.fetch_add(1, Ordering::Relaxed);
        }
        OpenAttempt { gauge: self.open.clone(), open_now: Arc::clone(&self.open_now), open_streams }
    }

    pub(crate) fn open_attempts(&self) -> u64 {
        self.open_now.load(Ordering::Relaxed)
    }

    /// What operators watch.
    pub(crate) fn totals(&self) -> LiveTotals {
        self.tally.totals(self.open_attempts(), self.open_streams.load(Ordering::Relaxed))
    }

    pub(crate) fn attempt_ended(
        &self,
        provider: ProviderKind,
        outcome: AttemptOutcome,
        duration: Duration,
        first_content: Option<Duration>,
    ) {
        self.attempts[provider.index()][outcome_index(outcome)].increment(1);
        self.tally.attempt_ended(outcome);
        self.duration.record(duration);
        if let Some(first_content) = first_content {
            self.first_content.record(first_content);
        }
    }

    /// What the relay itself took of a request's time until its answer began.
    pub(crate) fn overhead(&self, took: Duration) {
        self.overhead.record(took);
        self.overheads.note(took);
    }

    /// What it took of the latest requests.
    pub(crate) fn own_time(&self) -> Option<OwnTime> {
        self.overheads.told()
    }

    /// How many accounts are ready, rest, and are switched off.
    pub(crate) fn accounts(&self, counts: [usize; ACCOUNT_STATES.len()]) {
        for (gauge, count) in self.accounts.iter().zip(counts) {
            gauge.set(count as f64);
        }
    }

    /// How much is remembered in maps that are bounded.
    pub(crate) fn remembered(&self, counts: [u64; REMEMBERED.len()]) {
        for (gauge, count) in self.remembered.iter().zip(counts) {
            gauge.set(count as f64);
        }
    }

    /// What came of a turn to an account.
    pub(crate) fn verdict(&self, end: StopEnd) {
        if let Some(place) = VERDICTS.iter().position(|verdict| *verdict == end) {
            self.verdicts[place].increment(1);
        }
    }

    /// What came of a claim on limits.
    pub(crate) fn claimed(&self, half: Half, outcome: Claimed) {
        self.claims[half as usize][outcome as usize].increment(1);
    }

    /// A lease is held for as long as what is given back lives.
    pub(crate) fn lease(&self, half: Half) -> OpenLease {
        let gauge = self.leases[half as usize].clone();
        gauge.increment(1.0);
        OpenLease(gauge)
    }

    /// The longest silence of an upstream amid an answer.
    pub(crate) fn longest_gap(&self, gap: Duration) {
        self.longest_gap.record(gap);
    }

    pub(crate) fn charged(&self, usage: &Usage, cost: NanoUsd, basis: CostBasis) {
        let classes = [
            usage.input,
            usage.output,
            usage.cache_read,
            usage.cache_write_5m.saturating_add(usage.cache_write_1h),
        ];
        for (counter, amount) in self.tokens.iter().zip(classes) {
            counter.increment(amount);
        }
        self.tally.charged(usage, cost);
        self.cost.increment(u64::try_from(cost.as_nanos()).unwrap_or(0));
        if basis == CostBasis::Unpriced {
            self.unpriced.increment(1);
        }
    }
}

impl Drop for OpenAttempt {
    fn drop(&mut self) {
        self.gauge.decrement(1.0);
        self.open_now.fetch_sub(1, Ordering::Relaxed);
        if let Some(open) = &self.open_streams {
            open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for OpenLease {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// What may come of a turn, as far as the journey goes on by it.
const VERDICTS: [StopEnd; 6] =
    [StopEnd::Delivered, StopEnd::Next, StopEnd::Again, StopEnd::Renew, StopEnd::NotServed, StopEnd::Final];
/// The maps whose sizes are told, in the order in which they are.
pub(crate) const REMEMBERED: [&str; 5] =
    ["conversations", "client_keys", "unknown_keys", "tool_calls", "answers"];
/// In the order of their declaration.
const HALVES: [Half; 2] = [Half::Caller, Half::Seat];
/// In the order of [`Claimed`].
const CLAIMS: [&str; 3] = ["granted", "refused", "failed"];
pub(crate) const ACCOUNT_STATES: [&str; 3] = ["ready", "resting", "off"];
const OUTCOMES: [&str; 5] = ["complete", "client_fault", "failed", "cut", "cancelled"];
const LIMIT_UNITS: [LimitUnit; 3] = [LimitUnit::Requests, LimitUnit::Tokens, LimitUnit::Cost];
const TOKEN_CLASSES: [&str; 4] = ["input", "output", "cache_read", "cache_write"];

const fn outcome_index(outcome: AttemptOutcome) -> usize {
    match outcome {
        AttemptOutcome::Complete => 0,
        AttemptOutcome::ClientFault => 1,
        AttemptOutcome::Failed(_) => 2,
        AttemptOutcome::Cut => 3,
        AttemptOutcome::Cancelled => 4,
    }
}
