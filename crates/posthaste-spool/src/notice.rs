//! Telling of trouble once, and then now and then.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Lets a line through each [`EVERY`] at most.
#[derive(Default)]
pub(crate) struct Pace(Mutex<Option<Instant>>);

impl Pace {
    /// Whether it is time for a line; the next one waits.
    pub(crate) fn is_due(&self) -> bool {
        let now = Instant::now();
        let mut last = self.0.lock();
        let due = last.is_none_or(|last| now.duration_since(last) >= EVERY);
        if due {
            *last = Some(now);
        }
        due
    }

    /// The next trouble is told at once.
    pub(crate) fn reset(&self) {
        *self.0.lock() = None;
    }
}

const EVERY: Duration = Duration::from_secs(10);
