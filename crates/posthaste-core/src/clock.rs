//! Wall time as a port, so that tests can set it.

use crate::Timestamp;

/// Tells the wall time: for expiry, budgets and records. Waits and deadlines use `tokio::time`.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from(jiff::Timestamp::now())
    }
}
