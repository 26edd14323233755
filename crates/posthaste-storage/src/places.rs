//! The arithmetic of limits, for stores that keep counts and leases in memory.

use std::{collections::HashMap, time::Duration};

use posthaste_core::Timestamp;
use uuid::Uuid;

use crate::{
    Claim, Counter, CounterWindow, Half, LeaseId, LeaseRef, LimitCheck, Outcome, Refusal, Settlement,
    Standing, Unit,
};

/// The counters and leases of all owners. Each step is whole by itself, as one owner of it alone can take steps.
///
/// What counters have gained since they were last saved can be [taken](Self::take_unsaved) to be saved elsewhere; leases
/// are never saved, since they end with the process that holds them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    places: HashMap<(Half, Uuid), Place>,
}

/// What a counter has gained, or where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterAmount {
    /// Which half of an admission it belongs to.
    pub half: Half,
    /// Whose it is.
    pub owner: Uuid,
    /// The limit's name.
    pub name: String,
    /// What it counts.
    pub unit: Unit,
    /// Whether its window opens with a claim.
    pub rolling: bool,
    /// When its window began; `None` for a total.
    pub start: Option<Timestamp>,
    /// When its window ends; `None` for a total.
    pub end: Option<Timestamp>,
    /// How much.
    pub amount: i64,
}

impl Places {
    /// As [`AdmissionStore::reserve`](crate::AdmissionStore::reserve).
    pub fn reserve(&mut self, claim: &Claim, now: Timestamp) -> Outcome {
        let place = self.places.entry((claim.half, claim.owner)).or_default();
        place.sweep(now);
        place.reserve(claim, now)
    }

    /// As [`AdmissionStore::renew`](crate::AdmissionStore::renew).
    pub fn renew(&mut self, lease: LeaseRef, ttl: Duration, now: Timestamp) -> bool {
        let Some(place) = self.places.get_mut(&(lease.half, lease.owner)) else { return false };
        place.sweep(now);
        let Some(held) = place.leases.get_mut(&lease.lease) else { return false };
        held.until = now.plus(ttl);
        true
    }

    /// As [`AdmissionStore::settle`](crate::AdmissionStore::settle).
    pub fn settle(&mut self, lease: LeaseRef, truth: &[Settlement], now: Timestamp) {
        if let Some(place) = self.places.get_mut(&(lease.half, lease.owner)) {
            place.sweep(now);
            place.settle(lease.lease, truth);
        }
    }

    /// As [`AdmissionStore::used`](crate::AdmissionStore::used).
    pub fn used(&mut self, half: Half, owner: Uuid, counter: &Counter, now: Timestamp) -> i64 {
        let Some(place) = self.places.get_mut(&(half, owner)) else { return 0 };
        place.sweep(now);
        place.used(counter)
    }

    /// What counters have gained, or lost, since this was asked last; a window that has ended and is forgotten tells nothing
    /// any more.
    pub fn take_unsaved(&mut self) -> Vec<CounterAmount> {
        let mut taken = Vec::new();
        for ((half, owner), place) in self.places.iter_mut().filter(|(_, place)| place.unsaved) {
            place.unsaved = false;
            for (key, counted) in place.counted.iter_mut().filter(|(_, counted)| counted.unsaved != 0) {
                let amount = std::mem::take(&mut counted.unsaved);
                taken.push(key.amount(*half, *owner, counted, amount));
            }
        }
        taken
    }

    /// Takes back what could not be saved.
    pub fn put_back(&mut self, unsaved: &[CounterAmount]) {
        for gained in unsaved {
            let place = self.places.entry((gained.half, gained.owner)).or_default();
            place.unsaved = true;
            if let Some(counted) = place.counted_as(gained) {
                counted.unsaved = counted.unsaved.saturating_add(gained.amount);
            }
        }
    }

    /// Notes where counters stand by what is saved: what was counted since then comes on top.
    pub fn note_saved(&mut self, saved: &[CounterAmount]) {
        for stands in saved {
            let place = self.places.entry((stands.half, stands.owner)).or_default();
            match place.counted_as(stands) {
                Some(counted) => counted.used = stands.amount.saturating_add(counted.unsaved),
                None => {
                    let CounterAmount { start, end, amount, rolling, .. } = *stands;
                    let opened = start.filter(|_| rolling);
                    let counted = Counted { used: amount, unsaved: 0, opened, end };
                    // A window that was opened since then stays.
                    place.counted.entry(CounterKey::saved(stands)).or_insert(counted);
                }
            }
        }
    }
}

/// The counters and leases of one owner's half.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    counted: HashMap<CounterKey, Counted>,
    /// Whether a counter may have something unsaved.
    unsaved: bool,
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

#[derive(Clone, Debug, PartialEq, Eq)]
struct Counted {
    used: i64,
    /// How much of it nobody saved yet.
    unsaved: i64,
    /// When a rolling window opened.
    opened: Option<Timestamp>,
    end: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Lease {
    until: Timestamp,
    reserved: Vec<Reserved>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
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
        if let Some(refusal) =
            claim.checks.iter().find_map(|check| self.refusal(check, claim.sum_of(&check.counter)))
        {
            return Outcome::Refused(refusal);
        }
        let mut reserved = Vec::with_capacity(claim.checks.len());
        for (counter, amount) in claim.sums() {
            let opened = if counter.is_held() { None } else { self.count(counter, amount, now) };
            reserved.push(Reserved { counter: counter.clone(), amount, opened });
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

    /// `asked` is what the whole claim reserves of the counter.
    fn refusal(&self, check: &LimitCheck, asked: i64) -> Option<Refusal> {
        let used = self.used(&check.counter);
        let fits = used.saturating_add(asked) <= check.limit;
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
            if let Some(told) = truth.iter().find(|told| told.counter.is_same(&reserved.counter)) {
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
        if !counter.is_held() {
            return self.counted.get(&CounterKey::of(counter)).map_or(0, |counted| counted.used);
        }
        let reserved = self.leases.values().flat_map(|lease| &lease.reserved);
        let held = reserved.filter(|reserved| reserved.counter.is_same(counter));
        held.fold(0, |sum: i64, reserved| sum.saturating_add(reserved.amount))
    }

    /// Tells which of the rolling windows it counted in.
    fn count(&mut self, counter: &Counter, amount: i64, now: Timestamp) -> Option<Timestamp> {
        let (opened, end) = match counter.window {
            CounterWindow::Span { end, .. } => (None, Some(end)),
            CounterWindow::Rolling(length) => (Some(now), Some(now.plus(length))),
            CounterWindow::Held | CounterWindow::Total => (None, None),
        };
        self.unsaved = true;
        let fresh = Counted { used: 0, unsaved: 0, opened, end };
        let counted = self.counted.entry(CounterKey::of(counter)).or_insert(fresh);
        counted.add(amount);
        counted.opened
    }

    /// Does nothing for a span that has ended and is forgotten.
    fn replace(&mut self, reserved: &Reserved, actual: i64) {
        let counted = self.counted.get_mut(&CounterKey::of(&reserved.counter));
        if let Some(counted) = counted.filter(|counted| counted.opened == reserved.opened) {
            self.unsaved = true;
            counted.replace(reserved.amount, actual);
        }
    }

    /// The window that is meant, unless it has made way for another.
    fn counted_as(&mut self, meant: &CounterAmount) -> Option<&mut Counted> {
        let opened = meant.start.filter(|_| meant.rolling);
        self.counted.get_mut(&CounterKey::saved(meant)).filter(|counted| counted.opened == opened)
    }
}

impl Counted {
    fn add(&mut self, amount: i64) {
        self.used = self.used.saturating_add(amount);
        self.unsaved = self.unsaved.saturating_add(amount);
    }

    fn replace(&mut self, reserved: i64, actual: i64) {
        self.used = self.used.saturating_sub(reserved).saturating_add(actual);
        self.unsaved = self.unsaved.saturating_sub(reserved).saturating_add(actual);
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

    fn saved(amount: &CounterAmount) -> Self {
        let start = amount.start.filter(|_| !amount.rolling);
        Self { name: amount.name.clone(), unit: amount.unit, start, rolling: amount.rolling }
    }

    fn amount(&self, half: Half, owner: Uuid, counted: &Counted, amount: i64) -> CounterAmount {
        CounterAmount {
            half,
            owner,
            name: self.name.clone(),
            unit: self.unit,
            rolling: self.rolling,
            start: self.start.or(counted.opened),
            end: counted.end,
            amount,
        }
    }
}
