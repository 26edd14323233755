//! Steps as the script reads them: `lua/limits.lua` has their form.

use std::time::Duration;

use posthaste_core::Timestamp;
use posthaste_storage::{Claim, Counter, CounterWindow, LeaseId, LimitCheck, Settlement};

use super::{Place, place};
use crate::{keys::counter_field, msgpack::Packer, script::ttl_millis};

/// One step on an owner's limits.
pub(super) struct Step {
    pub(super) packed: Packer,
    /// Whether it needs the key of the totals.
    pub(super) totals: bool,
}

impl Step {
    /// Tries a claim.
    pub(super) fn reserve(claim: &Claim, now: Timestamp) -> Self {
        let mut step = Self::begin(4 + claim.checks.len(), RESERVE, claim.lease.0.as_bytes(), now);
        step.packed.number(micros(claim.ttl));
        for check in &claim.checks {
            step.check(check, now);
        }
        step
    }

    /// Prolongs a lease.
    pub(super) fn renew(lease: LeaseId, ttl: Duration, now: Timestamp) -> Self {
        let mut step = Self::begin(4, RENEW, lease.0.as_bytes(), now);
        step.packed.number(micros(ttl));
        step
    }

    /// Ends a lease. What is held needs no truth, and a window that has ended takes none.
    pub(super) fn settle(lease: LeaseId, truth: &[Settlement], now: Timestamp) -> Self {
        let counted = |told: &&Settlement| !matches!(place(&told.counter, now), Place::Held | Place::Past);
        let told: Vec<_> = truth.iter().filter(counted).collect();
        let mut step = Self::begin(3 + 2 * told.len(), SETTLE, lease.0.as_bytes(), now);
        for Settlement { counter, actual } in told {
            step.packed.bytes(counter_field(counter)).amount(*actual);
            step.totals |= counter.window == CounterWindow::Total;
        }
        step
    }

    /// Asks what leases hold of a counter.
    pub(super) fn look(counter: &Counter, now: Timestamp) -> Self {
        Self::begin(3, LOOK, &counter_field(counter), now)
    }

    fn begin(length: usize, kind: i64, of: &[u8], now: Timestamp) -> Self {
        let mut packed = Packer::default();
        packed.list(length).number(kind).bytes(of).number(now.as_micros());
        Self { packed, totals: false }
    }

    fn check(&mut self, check: &LimitCheck, now: Timestamp) {
        let place = place(&check.counter, now);
        self.totals |= place == Place::Total;
        let (kind, length) = match place {
            Place::Held => (0, 4),
            Place::Span => (1, 5),
            Place::Rolling => (2, 6),
            Place::Total => (3, 4),
            Place::Past => (4, 4),
        };
        let kind = kind + if check.shadow { SHADOW } else { 0 };
        let packed = self.packed.list(length).number(kind);
        packed.bytes(counter_field(&check.counter)).amount(check.amount).amount(check.limit);
        match check.counter.window {
            CounterWindow::Span { end, .. } if place == Place::Span => {
                packed.number(ttl_millis(end.since(now).saturating_add(SLACK)));
            }
            CounterWindow::Rolling(length) if place == Place::Rolling => {
                packed.number(ttl_millis(length.saturating_add(SLACK))).number(now.plus(length).as_micros());
            }
            _ => {}
        }
    }
}

/// For how long a lease holds, as far as doubles tell.
fn micros(ttl: Duration) -> i64 {
    const LONGEST: i64 = 100 * 365 * 24 * 3_600_000_000;
    i64::try_from(ttl.as_micros()).map_or(LONGEST, |micros| micros.min(LONGEST))
}

/// For how long windows outlive their end, so that relays whose clocks differ a little see the same.
const SLACK: Duration = Duration::from_secs(60);

const RESERVE: i64 = 0;
const RENEW: i64 = 1;
const SETTLE: i64 = 2;
const LOOK: i64 = 3;
const SHADOW: i64 = 8;
