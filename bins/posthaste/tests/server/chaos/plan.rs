//! What a run is told.

use std::time::Duration;

/// One run.
pub(super) struct Plan {
    pub(super) store: Store,
    pub(super) relays: usize,
    pub(super) seconds: u64,
    pub(super) seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Store {
    Embedded,
    Redis,
}

impl Plan {
    /// What `cargo xtask chaos` asks for.
    pub(super) fn told() -> Self {
        let store = match told("STORE").as_deref() {
            Some("redis") => Store::Redis,
            None | Some("embedded") => Store::Embedded,
            Some(other) => panic!("no store is named {other}"),
        };
        let relays = match store {
            // One process serves from a file at a time.
            Store::Embedded => 1,
            Store::Redis => number("RELAYS", 3),
        };
        Self {
            store,
            relays: usize::try_from(relays).unwrap(),
            seconds: number("SECONDS", 60),
            seed: number("SEED", 1),
        }
    }

    /// How long a fault lasts.
    pub(super) const fn beat(&self) -> Duration {
        Duration::from_millis(if self.seconds < 30 { 1_500 } else { 3_000 })
    }
}

/// A number that the run was told.
pub(super) fn number(name: &str, otherwise: u64) -> u64 {
    told(name)
        .map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text}")))
}

#[expect(clippy::disallowed_methods, reason = "the way by which a task talks to the test that it starts")]
fn told(name: &str) -> Option<String> {
    std::env::var(format!("POSTHASTE_CHAOS_{name}")).ok()
}
