//! Counts and leases in memory.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_core::Timestamp;
use uuid::Uuid;

use crate::{
    AdmissionStore, Claim, Counter, CounterWindow, Half, LeaseId, LeaseRef, LimitCheck, Outcome, Refusal,
    Settlement, StorageError, Unit,
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

/// What tells counters apart: a span is known by its start.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct CounterKey {
    name: String,
    unit: Unit,
    start: Option<Timestamp>,
}

struct Counted {
    used: i64,
    end: Option<Timestamp>,
}

struct Lease {
    until: Timestamp,
    reserved: Vec<(Counter, i64)>,
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
            return Outcome::Granted;
        }
        if let Some(refusal) = claim.checks.iter().find_map(|check| self.refusal(check)) {
            return Outcome::Refused(refusal);
        }
        let reserved = claim.checks.iter().map(|check| (check.counter.clone(), check.amount)).collect();
        for check in claim.checks.iter().filter(|check| !check.counter.is_held()) {
            self.count(&check.counter, check.amount);
        }
        self.leases.insert(claim.lease, Lease { until: now.plus(claim.ttl), reserved });
        Outcome::Granted
    }

    fn refusal(&self, check: &LimitCheck) -> Option<Refusal> {
        let used = self.used(&check.counter);
        let fits = used.saturating_add(check.amount) <= check.limit;
        (!fits && !check.shadow).then(|| Refusal { counter: check.counter.clone(), used, limit: check.limit })
    }

    fn settle(&mut self, lease: LeaseId, truth: &[Settlement]) {
        let Some(lease) = self.leases.remove(&lease) else { return };
        for (counter, amount) in lease.reserved.iter().filter(|(counter, _)| !counter.is_held()) {
            let key = CounterKey::of(counter);
            if let Some(told) = truth.iter().find(|told| CounterKey::of(&told.counter) == key) {
                self.replace(counter, *amount, told.actual);
            }
        }
    }

    fn used(&self, counter: &Counter) -> i64 {
        let key = CounterKey::of(counter);
        if !counter.is_held() {
            return self.counted.get(&key).map_or(0, |counted| counted.used);
        }
        let reserved = self.leases.values().flat_map(|lease| &lease.reserved);
        let held = reserved.filter(|(counter, _)| CounterKey::of(counter) == key);
        held.fold(0, |sum: i64, (_, amount)| sum.saturating_add(*amount))
    }

    fn count(&mut self, counter: &Counter, amount: i64) {
        let end = match counter.window {
            CounterWindow::Span { end, .. } => Some(end),
            CounterWindow::Held | CounterWindow::Total => None,
        };
        let counted = self.counted.entry(CounterKey::of(counter)).or_insert(Counted { used: 0, end });
        counted.used = counted.used.saturating_add(amount);
    }

    /// Does nothing for a span that has ended and is forgotten.
    fn replace(&mut self, counter: &Counter, reserved: i64, actual: i64) {
        if let Some(counted) = self.counted.get_mut(&CounterKey::of(counter)) {
            counted.used = counted.used.saturating_sub(reserved).saturating_add(actual);
        }
    }
}

impl CounterKey {
    fn of(counter: &Counter) -> Self {
        let start = match counter.window {
            CounterWindow::Span { start, .. } => Some(start),
            CounterWindow::Held | CounterWindow::Total => None,
        };
        Self { name: counter.name.clone(), unit: counter.unit, start }
    }
}
