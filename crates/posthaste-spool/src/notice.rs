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

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_line_is_due_at_once_and_then_each_ten_seconds() {
        let pace = Pace::default();
        assert!(pace.is_due());
        for _ in 0..9 {
            advance(Duration::from_secs(1)).await;
            assert!(!pace.is_due());
        }
        advance(Duration::from_secs(1)).await;
        assert!(pace.is_due());
        assert!(!pace.is_due());
        pace.reset();
        assert!(pace.is_due());
    }
}
