//! What the scheduler has seen of an account, beside its health.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use posthaste_core::{AccountId, Timestamp};

use crate::{
    changes::Changes,
    decay::left_since,
    tuning::{HybridTuning, LatencyTuning},
};

/// Uses, requests under way, times to the first token, and the standing that `hybrid` goes by.
#[derive(Debug)]
pub(crate) struct Observed {
    /// The running number of the last use; [`NEVER`] before the first. A number and not a time, so that uses within one
    /// tick keep their order and a clock that is set back does not disturb it.
    pub(crate) last_use: u64,
    last_used_at: Timestamp,
    in_flight: Arc<AtomicU32>,
    pub(crate) first_token: PeakEwma,
    standing: Option<Standing>,
}

impl Default for Observed {
    fn default() -> Self {
        Self {
            last_use: NEVER,
            last_used_at: Timestamp::EPOCH,
            in_flight: Arc::default(),
            first_token: PeakEwma::default(),
            standing: None,
        }
    }
}

impl Observed {
    /// Of an account that nothing was seen of.
    pub(crate) fn nothing() -> &'static Self {
        static NOTHING: LazyLock<Observed> = LazyLock::new(Observed::default);
        &NOTHING
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Relaxed)
    }

    /// Counts a request that is under way; its end is noted as a change of the account.
    pub(crate) fn flight(&self, account: AccountId, changes: &Arc<Changes>) -> Flight {
        self.in_flight.fetch_add(1, Relaxed);
        Flight { in_flight: Arc::clone(&self.in_flight), account, changes: Arc::clone(changes) }
    }

    pub(crate) fn used(&mut self, number: u64, tuning: &HybridTuning, now: Timestamp) {
        (self.last_use, self.last_used_at) = (number, now);
        let standing = self.standing_at(tuning, now);
        self.standing = Some(Standing { tokens: (standing.tokens - 1.0).max(0.0), ..standing });
    }

    /// Health moves by so much.
    pub(crate) fn judged(&mut self, change: f64, tuning: &HybridTuning, now: Timestamp) {
        let standing = self.standing_at(tuning, now);
        self.standing = Some(Standing { health: (standing.health + change).clamp(0.0, 100.0), ..standing });
    }

    pub(crate) fn forget_faults(&mut self) {
        self.standing = None;
    }

    /// The standing at a moment: both numbers grow with time.
    pub(crate) fn standing_at(&self, tuning: &HybridTuning, now: Timestamp) -> Standing {
        let Some(standing) = self.standing else {
            return Standing { health: tuning.initial_health, tokens: tuning.tokens, at: now };
        };
        let micros = now.as_micros().saturating_sub(standing.at.as_micros()).max(0);
        let hours = micros as f64 / 3.6e9;
        Standing {
            health: (standing.health + tuning.recovery_per_hour * hours).min(100.0),
            tokens: (standing.tokens + tuning.tokens_per_minute * 60.0 * hours).min(tuning.tokens),
            at: now.max(standing.at),
        }
    }

    pub(crate) fn unused_for(&self, now: Timestamp) -> Duration {
        if self.last_use == NEVER { Duration::MAX } else { now.since(self.last_used_at) }
    }
}

/// Health from 0 to 100, and a bucket of tokens, as they were at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) health: f64,
    pub(crate) tokens: f64,
    at: Timestamp,
}

/// A request under way at an account; dropping it ends it.
#[derive(Debug)]
#[must_use = "a dropped flight has ended"]
pub struct Flight {
    in_flight: Arc<AtomicU32>,
    account: AccountId,
    changes: Arc<Changes>,
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Relaxed);
        self.changes.note(self.account);
    }
}

/// A mean of times that forgets, but believes a rise at once (Finagle's `PeakEwma`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeakEwma {
    micros: f64,
    at: Timestamp,
}

impl Default for PeakEwma {
    fn default() -> Self {
        Self { micros: 0.0, at: Timestamp::EPOCH }
    }
}

impl PeakEwma {
    pub(crate) fn observe(&mut self, time: Duration, tuning: &LatencyTuning, now: Timestamp) {
        let (sample, old) = (time.as_micros() as f64, left_since(self.at, now, tuning.half_life));
        let faded = self.micros * old;
        let micros = if sample > faded { sample } else { faded + sample * (1.0 - old) };
        *self = Self { micros, at: now.max(self.at) };
    }

    /// The expected time in microseconds. Without new measurements it falls towards the least, so that those that were
    /// slow, and those that nobody knows, are tried.
    pub(crate) fn expected(&self, tuning: &LatencyTuning, now: Timestamp) -> f64 {
        let least = micros(tuning.least);
        if self.micros <= least {
            return least;
        }
        (self.micros * left_since(self.at, now, tuning.half_life)).max(least)
    }
}

/// As floating point, by way of a number that processors convert in one step.
fn micros(time: Duration) -> f64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX) as f64
}

/// The number of the last use of an account that was never used: before all others.
pub(crate) const NEVER: u64 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(100_000);

    fn later(secs: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(secs))
    }

    #[test]
    fn a_rise_is_believed_at_once_and_a_fall_slowly() {
        let (tuning, mut mean) = (LatencyTuning::default(), PeakEwma::default());
        let ms = Duration::from_millis;
        assert_eq!(mean.expected(&tuning, NOW), 50_000.0);
        mean.observe(ms(400), &tuning, NOW);
        mean.observe(ms(2_000), &tuning, NOW);
        assert_eq!(mean.expected(&tuning, NOW), 2_000_000.0);
        mean.observe(ms(400), &tuning, later(120));
        let expected = mean.expected(&tuning, later(120));
        assert!((expected - 1_200_000.0).abs() < 1_000.0, "{expected}");
        assert_eq!(mean.expected(&tuning, later(100_000)), 50_000.0);
    }

    #[test]
    fn standing_falls_with_faults_and_uses_and_grows_with_time() {
        let (tuning, mut seen) = (HybridTuning::default(), Observed::default());
        seen.used(1, &tuning, NOW);
        seen.judged(-tuning.failure, &tuning, NOW);
        seen.judged(tuning.success, &tuning, NOW);
        let at = |seen: &Observed, now| {
            let Standing { health, tokens, .. } = seen.standing_at(&tuning, now);
            (health, tokens)
        };
        assert_eq!(at(&seen, NOW), (51.0, 49.0));
        assert_eq!(at(&seen, later(3_600)), (53.0, 50.0));
        for number in 2..100 {
            seen.used(number, &tuning, NOW);
            seen.judged(-tuning.limited, &tuning, NOW);
        }
        assert_eq!(at(&seen, NOW), (0.0, 0.0));
        assert_eq!(at(&seen, later(60)).1, 6.0);
        assert_eq!(at(&seen, later(3_600 * 1_000)), (100.0, 50.0));
        seen.forget_faults();
        assert_eq!(at(&seen, NOW), (70.0, 50.0));
    }

    #[test]
    fn flights_end_when_they_are_dropped_and_no_sooner() {
        let seen = Observed::default();
        let (account, changes) = (AccountId::generate(), Arc::default());
        let flights: Vec<_> = (0..3).map(|_| seen.flight(account, &changes)).collect();
        assert_eq!(seen.in_flight(), 3);
        drop(flights);
        assert_eq!(seen.in_flight(), 0);
    }
}
