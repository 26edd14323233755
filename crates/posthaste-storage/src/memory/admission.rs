//! Counts and leases in memory.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_core::Timestamp;
use uuid::Uuid;

use crate::{
    AdmissionStore, Claim, Counter, CounterWindow, Half, LeaseId, LeaseRef, LimitCheck, Outcome, Refusal,
    Settlement, Standing, StorageError, Unit,
};

/// Keeps one [`Place`] for each half and owner.
#[derive(Default)]
pub(super) struct MemoryAdmission {
    places: Mutex<HashMap<(Half, Uuid), Place>>,
}

#[async_trait]
impl AdmissionStore for MemoryAdmission {
    async fn reserve(&self, claim: &Claim, now: Timestamp) -> Result<Outcome, StorageError> {
        let mut places = self.places.lock();
        let place = places.entry((claim.half, claim.owner)).or_default();
        place.sweep(now);
        Ok(place.reserve(claim, now))
    }

    async fn renew(&self, lease: LeaseRef, ttl: Duration, now: Timestamp) -> Result<bool, StorageError> {
        let mut places = self.places.lock();
        let Some(place) = places.get_mut(&(lease.half, lease.owner)) else { return Ok(false) };
        place.sweep(now);
        let Some(held) = place.leases.get_mut(&lease.lease) else { return Ok(false) };
        held.until = now.plus(ttl);
        Ok(true)
    }

    async fn settle(
        &self,
        lease: LeaseRef,
        truth: &[Settlement],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        if let Some(place) = self.places.lock().get_mut(&(lease.half, lease.owner)) {
            place.sweep(now);
            place.settle(lease.lease, truth);
        }
        Ok(())
    }

    async fn used(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
    ) -> Result<i64, StorageError> {
        let mut places = self.places.lock();
        let Some(place) = places.get_mut(&(half, owner)) else { return Ok(0) };
        place.sweep(now);
        Ok(place.used(counter))
    }
}

/// The counters and leases of one owner's half.
#[derive(Default)]
struct Place {
    counted: HashMap<CounterKey, Counted>,
    leases: HashMap<LeaseId, Lease>,
}

/// What tells counters apart: a span is known by its start, a rolling window by being one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct CounterKey {
    name: String,
    unit: Unit,
    start: Option<Timestamp>,
    rolling: bool,
}

struct Counted {
    used: i64,
    /// When a rolling window opened.
    opened: Option<Timestamp>,
    end: Option<Timestamp>,
}

struct Lease {
    until: Timestamp,
    reserved: Vec<Reserved>,
}

struct Reserved {
    counter: Counter,
    amount: i64,
    /// Which of the rolling windows it was counted in.
    opened: Option<Timestamp>,
}

impl Place {
    /// Forgets leases that lapsed and spans that ended.
    fn sweep(&mut self, now: Timestamp) {
        self.leases.retain(|_, lease| lease.until > now);
        self.counted.retain(|_, counted| counted.end.is_none_or(|end| end > now));
    }

    fn reserve(&mut self, claim: &Claim, now: Timestamp) -> Outcome {
        if let Some(held) = self.leases.get_mut(&claim.lease) {
            held.until = now.plus(claim.ttl);
            return Outcome::Granted(self.standings(claim, now));
        }
        if let Some(refusal) = claim.checks.iter().find_map(|check| self.refusal(check)) {
            return Outcome::Refused(refusal);
        }
        let mut reserved = Vec::with_capacity(claim.checks.len());
        for LimitCheck { counter, amount, .. } in &claim.checks {
            let opened = if counter.is_held() { None } else { self.count(counter, *amount, now) };
            reserved.push(Reserved { counter: counter.clone(), amount: *amount, opened });
        }
        self.leases.insert(claim.lease, Lease { until: now.plus(claim.ttl), reserved });
        Outcome::Granted(self.standings(claim, now))
    }

    /// Nothing is counted in a span that has ended; it is swept with the next step.
    fn standings(&self, claim: &Claim, now: Timestamp) -> Vec<Standing> {
        let standing = |counter: &Counter| {
            let resets_at = self.resets_at(counter);
            let is_open = resets_at.is_none_or(|end| end > now);
            Standing { used: if is_open { self.used(counter) } else { 0 }, resets_at }
        };
        claim.checks.iter().map(|check| standing(&check.counter)).collect()
    }

    fn refusal(&self, check: &LimitCheck) -> Option<Refusal> {
        let used = self.used(&check.counter);
        let fits = used.saturating_add(check.amount) <= check.limit;
        (!fits && !check.shadow).then(|| Refusal {
            counter: check.counter.clone(),
            used,
            limit: check.limit,
            resets_at: self.resets_at(&check.counter),
        })
    }

    fn settle(&mut self, lease: LeaseId, truth: &[Settlement]) {
        let Some(lease) = self.leases.remove(&lease) else { return };
        for reserved in lease.reserved.iter().filter(|reserved| !reserved.counter.is_held()) {
            let key = CounterKey::of(&reserved.counter);
            if let Some(told) = truth.iter().find(|told| CounterKey::of(&told.counter) == key) {
                self.replace(reserved, told.actual);
            }
        }
    }

    fn resets_at(&self, counter: &Counter) -> Option<Timestamp> {
        match counter.window {
            CounterWindow::Span { end, .. } => Some(end),
            CounterWindow::Rolling(_) => self.counted.get(&CounterKey::of(counter))?.end,
            CounterWindow::Held | CounterWindow::Total => None,
        }
    }

    fn used(&self, counter: &Counter) -> i64 {
        let key = CounterKey::of(counter);
        if !counter.is_held() {
            return self.counted.get(&key).map_or(0, |counted| counted.used);
        }
        let reserved = self.leases.values().flat_map(|lease| &lease.reserved);
        let held = reserved.filter(|reserved| CounterKey::of(&reserved.counter) == key);
        held.fold(0, |sum: i64, reserved| sum.saturating_add(reserved.amount))
    }

    /// Tells which of the rolling windows it counted in.
    fn count(&mut self, counter: &Counter, amount: i64, now: Timestamp) -> Option<Timestamp> {
        let (opened, end) = match counter.window {
            CounterWindow::Span { end, .. } => (None, Some(end)),
            CounterWindow::Rolling(length) => (Some(now), Some(now.plus(length))),
            CounterWindow::Held | CounterWindow::Total => (None, None),
        };
        let counted = self.counted.entry(CounterKey::of(counter)).or_insert(Counted { used: 0, opened, end });
        counted.used = counted.used.saturating_add(amount);
        counted.opened
    }

    /// Does nothing for a span that has ended and is forgotten.
    fn replace(&mut self, reserved: &Reserved, actual: i64) {
        let counted = self.counted.get_mut(&CounterKey::of(&reserved.counter));
        if let Some(counted) = counted.filter(|counted| counted.opened == reserved.opened) {
            counted.used = counted.used.saturating_sub(reserved.amount).saturating_add(actual);
        }
    }
}

impl CounterKey {
    fn of(counter: &Counter) -> Self {
        let start = match counter.window {
            CounterWindow::Span { start, .. } => Some(start),
            CounterWindow::Held | CounterWindow::Rolling(_) | CounterWindow::Total => None,
        };
        let rolling = matches!(counter.window, CounterWindow::Rolling(_));
        Self { name: counter.name.clone(), unit: counter.unit, start, rolling }
    }
}
