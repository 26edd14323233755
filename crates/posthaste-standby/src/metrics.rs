//! What operators see of a store that is watched. Handles are made once.

use std::time::Duration;

use metrics::{Counter, Gauge, counter, gauge};

pub(crate) struct Metrics {
    available: Gauge,
    losses: Counter,
    lost_seconds: Counter,
    failures: Counter,
    granted: Counter,
    refused: Counter,
    closed: Counter,
    owed: Gauge,
    dropped: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let claims =
            |outcome: &'static str| counter!("posthaste_store_local_claims_total", "outcome" => outcome);
        let metrics = Self {
            available: gauge!("posthaste_store_available"),
            losses: counter!("posthaste_store_losses_total"),
            lost_seconds: counter!("posthaste_store_lost_seconds_total"),
            failures: counter!("posthaste_store_failures_total"),
            granted: claims("granted"),
            refused: claims("refused"),
            closed: claims("closed"),
            owed: gauge!("posthaste_store_owed"),
            dropped: counter!("posthaste_store_owed_dropped_total"),
        };
        metrics.available(true);
        metrics
    }

    pub(crate) fn available(&self, is: bool) {
        self.available.set(f64::from(u8::from(is)));
    }

    pub(crate) fn lost(&self) {
        self.losses.increment(1);
    }

    pub(crate) fn lost_for(&self, time: Duration) {
        self.lost_seconds.increment(time.as_secs());
    }

    pub(crate) fn failed(&self) {
        self.failures.increment(1);
    }

    pub(crate) fn granted(&self) {
        self.granted.increment(1);
    }

    pub(crate) fn refused(&self) {
        self.refused.increment(1);
    }

    pub(crate) fn closed(&self) {
        self.closed.increment(1);
    }

    /// How much waits to be told to the store.
    pub(crate) fn owes(&self, entries: usize) {
        self.owed.set(f64::from(u32::try_from(entries).unwrap_or(u32::MAX)));
    }

    pub(crate) fn dropped(&self) {
        self.dropped.increment(1);
    }
}
