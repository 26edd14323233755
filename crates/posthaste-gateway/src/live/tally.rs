//! What was counted since the relay began, and how much of it within the last minute.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use posthaste_core::{AttemptOutcome, NanoUsd, Usage};
use tokio::time::Instant;

/// Counts of this relay, since it began where nothing else is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveTotals {
    /// Requests that were given an answer, be it an upstream's error.
    pub answered: u64,
    /// Requests that the relay itself refused or could not have served.
    pub refused: u64,
    /// Attempts at upstreams that are over.
    pub attempts: u64,
    /// Those of them that failed or were cut off.
    pub failed: u64,
    /// Prompt tokens, cached ones included.
    pub input_tokens: u64,
    /// Answer tokens.
    pub output_tokens: u64,
    /// What they cost.
    pub cost: NanoUsd,
    /// Attempts under way.
    pub in_flight: u64,
    /// Those of them whose client wants a stream.
    pub open_streams: u64,
    /// Attempts that ended within the last minute.
    pub requests_per_minute: u64,
    /// Tokens of these.
    pub tokens_per_minute: u64,
}

/// Counts. Each count is one addition, and of an attempt also a short lock.
pub(crate) struct Tally {
    answered: AtomicU64,
    refused: AtomicU64,
    attempts: AtomicU64,
    failed: AtomicU64,
    input_tokens: AtomicU64,
    output_tokens: AtomicU64,
    cost_nano_usd: AtomicU64,
    began: Instant,
    minute: Mutex<[Second; SECONDS]>,
}

#[derive(Clone, Copy, Default)]
struct Second {
    /// Which it is, since the count began, from 1; 0 for none.
    number: u64,
    attempts: u64,
    tokens: u64,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            answered: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            attempts: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            input_tokens: AtomicU64::new(0),
            output_tokens: AtomicU64::new(0),
            cost_nano_usd: AtomicU64::new(0),
            began: Instant::now(),
            minute: Mutex::new([Second::default(); SECONDS]),
        }
    }

    pub(crate) fn answered(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn attempt_ended(&self, outcome: AttemptOutcome) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        if matches!(outcome, AttemptOutcome::Failed(_) | AttemptOutcome::Cut) {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn charged(&self, usage: &Usage, cost: NanoUsd) {
        self.input_tokens.fetch_add(usage.prompt(), Ordering::Relaxed);
        self.output_tokens.fetch_add(usage.output, Ordering::Relaxed);
        self.cost_nano_usd.fetch_add(u64::try_from(cost.as_nanos()).unwrap_or(0), Ordering::Relaxed);
        let number = self.second();
        let mut minute = self.minute.lock();
        let second = &mut minute[place(number)];
        if second.number != number {
            *second = Second { number, ..Second::default() };
        }
        second.attempts += 1;
        second.tokens = second.tokens.saturating_add(usage.total());
    }

    /// The counts as they are; those of what is under way come from whoever keeps them.
    pub(crate) fn totals(&self, in_flight: u64, open_streams: u64) -> LiveTotals {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let oldest = self.second().saturating_sub(SECONDS as u64 - 1).max(1);
        let minute = *self.minute.lock();
        let within = || minute.iter().filter(|second| second.number >= oldest);
        LiveTotals {
            answered: read(&self.answered),
            refused: read(&self.refused),
            attempts: read(&self.attempts),
            failed: read(&self.failed),
            input_tokens: read(&self.input_tokens),
            output_tokens: read(&self.output_tokens),
            cost: NanoUsd::from_nanos(i64::try_from(read(&self.cost_nano_usd)).unwrap_or(i64::MAX)),
            in_flight,
            open_streams,
            requests_per_minute: within().map(|second| second.attempts).sum(),
            tokens_per_minute: within().map(|second| second.tokens).fold(0, u64::saturating_add),
        }
    }

    fn second(&self) -> u64 {
        self.began.elapsed().as_secs() + 1
    }
}

fn place(number: u64) -> usize {
    usize::try_from(number % SECONDS as u64).unwrap_or(0)
}

const SECONDS: usize = 60;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use posthaste_core::FaultKind;
    use tokio::time::advance;

    use super::*;

    fn charge(tally: &Tally, output: u64) {
        tally.attempt_ended(AttemptOutcome::Complete);
        tally.charged(&Usage { input: 10, output, ..Usage::default() }, NanoUsd::from_nanos(7));
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_minute_slides_and_the_whole_grows() {
        let tally = Tally::new();
        charge(&tally, 1);
        advance(Duration::from_secs(30)).await;
        charge(&tally, 2);
        charge(&tally, 3);
        let totals = tally.totals(4, 2);
        assert_eq!((totals.requests_per_minute, totals.tokens_per_minute), (3, 36));
        assert_eq!((totals.in_flight, totals.open_streams), (4, 2));
        advance(Duration::from_secs(30)).await;
        assert_eq!(tally.totals(0, 0).requests_per_minute, 2, "the first is a minute old");
        advance(Duration::from_secs(45)).await;
        let totals = tally.totals(0, 0);
        assert_eq!((totals.requests_per_minute, totals.tokens_per_minute), (0, 0));
        assert_eq!((totals.attempts, totals.input_tokens, totals.output_tokens), (3, 30, 6));
        assert_eq!(totals.cost, NanoUsd::from_nanos(21));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_an_attempt_too_and_a_client_that_left_is_none() {
        let tally = Tally::new();
        for outcome in
            [AttemptOutcome::Failed(FaultKind::Timeout), AttemptOutcome::Cut, AttemptOutcome::Cancelled]
        {
            tally.attempt_ended(outcome);
        }
        let totals = tally.totals(0, 0);
        assert_eq!((totals.attempts, totals.failed), (3, 2));
    }
}
