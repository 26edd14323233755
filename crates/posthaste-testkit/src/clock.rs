//! A clock that moves only when told to.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use posthaste_core::{Clock, Timestamp};

/// A [`Clock`] set by hand; share it as `Arc<FakeClock>`.
#[derive(Debug)]
pub struct FakeClock {
    micros: AtomicI64,
}

impl FakeClock {
    /// Starts at `now`.
    pub const fn at(now: Timestamp) -> Self {
        Self { micros: AtomicI64::new(now.as_micros()) }
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
        Timestamp::from_micros(self.micros.load(Ordering::SeqCst))
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
}
