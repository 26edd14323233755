//! How long to wait, how often to look.

use std::{fmt, sync::Arc, time::Duration};

use posthaste_core::{Clock, SystemClock};
use posthaste_storage::FleetSize;

/// How a store is watched.
#[derive(Clone)]
pub struct StandbyOptions {
    /// What a call that a request waits for may take.
    pub deadline: Duration,
    /// After so many failed or late calls in a row the store counts as away; at least 1.
    pub failures: u32,
    /// From one look at a store that is away to the next.
    pub probe_every: Duration,
    /// The relays among which a limit is shared meanwhile.
    pub fleet: FleetSize,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
}

impl Default for StandbyOptions {
    fn default() -> Self {
        Self {
            deadline: Duration::from_millis(50),
            failures: 5,
            probe_every: Duration::from_secs(1),
            fleet: FleetSize::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

impl fmt::Debug for StandbyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deadline, failures, probe_every, fleet, clock: _ } = self;
        f.debug_struct("StandbyOptions")
            .field("deadline", deadline)
            .field("failures", failures)
            .field("probe_every", probe_every)
            .field("fleet", fleet)
            .finish_non_exhaustive()
    }
}
