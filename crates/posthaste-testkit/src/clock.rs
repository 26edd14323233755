//! A clock that moves only when told to.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use posthaste_core::{Clock, Timestamp};
use tokio::time::Instant;

/// A [`Clock`] set by hand; share it as `Arc<FakeClock>`.
#[derive(Debug)]
pub struct FakeClock {
    micros: AtomicI64,
    /// Since when it goes with tokio's time.
    runs_since: OnceLock<Instant>,
}

impl FakeClock {
    /// Starts at `now`.
    pub const fn at(now: Timestamp) -> Self {
        Self { micros: AtomicI64::new(now.as_micros()), runs_since: OnceLock::new() }
    }

    /// From now on it also moves with tokio's time, which a test may have paused: then sleeping moves both.
    pub fn run(&self) {
        self.runs_since.get_or_init(Instant::now);
    }

    /// Jumps to `now`, also backwards.
    pub fn set(&self, now: Timestamp) {
        self.micros.store(now.as_micros(), Ordering::SeqCst);
    }

    /// Moves ahead and tells the new time.
    pub fn advance(&self, by: Duration) -> Timestamp {
        let moved = self.micros.update(Ordering::SeqCst, Ordering::SeqCst, |micros| {
            Timestamp::from_micros(micros).plus(by).as_micros()
        });
        Timestamp::from_micros(moved).plus(by)
    }
}

impl Default for FakeClock {
    /// Starts at 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::at(Timestamp::from_secs(1_767_225_600))
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        let set = Timestamp::from_micros(self.micros.load(Ordering::SeqCst));
        self.runs_since.get().map_or(set, |since| set.plus(since.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stands_still_until_it_is_moved() {
        let clock = FakeClock::default();
        assert_eq!(clock.now().to_string(), "2026-01-01T00:00:00Z");
        let moved = clock.advance(Duration::from_secs(90));
        assert_eq!(moved.to_string(), "2026-01-01T00:01:30Z");
        assert_eq!(clock.now(), moved);
        clock.set(Timestamp::EPOCH);
        assert_eq!(clock.now(), Timestamp::EPOCH);
    }

    #[tokio::test(start_paused = true)]
    async fn it_goes_with_the_runtimes_time_once_it_runs() {
        let clock = FakeClock::at(Timestamp::EPOCH);
        tokio::time::sleep(Duration::from_secs(5)).await;
        clock.run();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(clock.now(), Timestamp::from_secs(60));
        clock.set(Timestamp::from_secs(1_000));
        assert_eq!(clock.now(), Timestamp::from_secs(1_060));
    }
}
