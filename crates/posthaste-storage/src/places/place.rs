//! What is counted and held in one place. A step takes the same time however many leases are held there.

use std::{collections::HashMap, time::Duration};

use posthaste_core::Timestamp;
use uuid::Uuid;

use super::{CounterAmount, HandedAmount, HandedLease, SPANS_KEPT};
use crate::{
    Claim, Counter, CounterWindow, Half, HeldLease, LeaseId, LimitCheck, Outcome, Refusal, Settlement,
    Standing, Unit,
};

/// The counters and leases of one owner's half.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    counted: HashMap<CounterKey, Counted>,
    /// Whether a counter may have something unsaved.
    unsaved: bool,
    leases: HashMap<LeaseId, Lease>,
    /// What leases hold together, by counter.
    held: HashMap<CounterKey, i64>,
    /// Nothing lapses or ends before this; `None` where nothing ever does.
    soonest: Option<Timestamp>,
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
    /// Forgets leases that lapsed and windows that ended. A span is kept for a day more: a clock that was ahead and is set back
    /// must not find it empty.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        if self.soonest.is_none_or(|soonest| now < soonest) {
            return;
        }
        let held = &mut self.held;
        self.leases.retain(|_, lease| {
            let holds = lease.until > now;
            if !holds {
                lease.release(held);
            }
            holds
        });
        self.counted.retain(|_, counted| counted.forgotten_at().is_none_or(|at| at > now));
        let lapses = self.leases.values().map(|lease| lease.until);
        self.soonest = lapses.chain(self.counted.values().filter_map(Counted::forgotten_at)).min();
    }

    /// Something is to be forgotten then. That it may be kept for longer later on costs a sweep that finds nothing.
    fn sweep_at(&mut self, at: Timestamp) {
        self.soonest = Some(self.soonest.map_or(at, |soonest| soonest.min(at)));
    }

    /// Holds a lease until then; `false` when there is none.
    pub(super) fn renew(&mut self, lease: LeaseId, until: Timestamp) -> bool {
        let Some(held) = self.leases.get_mut(&lease) else { return false };
        held.until = until;
        self.sweep_at(until);
        true
    }

    pub(super) fn reserve(&mut self, claim: &Claim, now: Timestamp) -> Outcome {
        let until = now.plus(claim.ttl);
        if self.renew(claim.lease, until) {
            return Outcome::Granted(self.standings(claim, now));
        }
        if let Some(refusal) =
            claim.checks.iter().find_map(|check| self.refusal(check, claim.sum_of(&check.counter), now))
        {
            return Outcome::Refused(refusal);
        }
        let mut reserved = Vec::with_capacity(claim.checks.len());
        for (counter, amount) in claim.sums() {
            let opened = if counter.is_held() {
                self.hold(counter, amount);
                None
            } else {
                self.count(counter, amount, now)
            };
            reserved.push(Reserved { counter: counter.clone(), amount, opened });
        }
        self.leases.insert(claim.lease, Lease { until, reserved });
        self.sweep_at(until);
        Outcome::Granted(self.standings(claim, now))
    }

    /// Nothing is counted in a span that has ended; it is swept with the next step.
    fn standings(&self, claim: &Claim, now: Timestamp) -> Vec<Standing> {
        let standing = |counter: &Counter| {
            let resets_at = self.resets_at(counter);
            let is_open = resets_at.is_none_or(|end| end > now);
            Standing { used: if is_open { self.used(counter, now) } else { 0 }, resets_at }
        };
        claim.checks.iter().map(|check| standing(&check.counter)).collect()
    }

    /// `asked` is what the whole claim reserves of the counter.
    fn refusal(&self, check: &LimitCheck, asked: i64, now: Timestamp) -> Option<Refusal> {
        let used = self.used(&check.counter, now);
        let fits = used.saturating_add(asked) <= check.limit;
        (!fits && !check.shadow).then(|| Refusal {
            counter: check.counter.clone(),
            used,
            limit: check.limit,
            resets_at: self.resets_at(&check.counter),
        })
    }

    pub(super) fn settle(&mut self, lease: LeaseId, truth: &[Settlement]) {
        let Some(lease) = self.leases.remove(&lease) else { return };
        lease.release(&mut self.held);
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

    /// Nothing in a window that has ended, though a span may be kept.
    pub(super) fn used(&self, counter: &Counter, now: Timestamp) -> i64 {
        let key = CounterKey::of(counter);
        if counter.is_held() {
            return self.held.get(&key).copied().unwrap_or(0);
        }
        let open = self.counted.get(&key).filter(|counted| counted.end.is_none_or(|end| end > now));
        open.map_or(0, |counted| counted.used)
    }

    /// The leases that hold something of a counter.
    pub(super) fn leases(&self, counter: &Counter) -> Vec<HeldLease> {
        let holds = |lease: &Lease| lease.reserved.iter().any(|reserved| reserved.counter.is_same(counter));
        let holding = self.leases.iter().filter(|(_, lease)| holds(lease));
        holding.map(|(id, lease)| HeldLease { until: lease.until, lease: *id }).collect()
    }

    /// Every lease, for a process that goes on with them.
    pub(super) fn hand(&self, half: Half, owner: Uuid) -> impl Iterator<Item = HandedLease> {
        self.leases.iter().map(move |(id, lease)| HandedLease {
            half,
            owner,
            lease: *id,
            until: lease.until,
            reserved: lease.reserved.iter().map(Reserved::handed).collect(),
        })
    }

    /// Goes on with a lease of a process before. What it counted in windows is counted already; what it holds is not.
    pub(super) fn take(&mut self, handed: HandedLease) {
        if self.leases.contains_key(&handed.lease) {
            return;
        }
        let reserved: Vec<_> = handed.reserved.into_iter().map(Reserved::taken).collect();
        for held in reserved.iter().filter(|reserved| reserved.counter.is_held()) {
            self.hold(&held.counter, held.amount);
        }
        self.leases.insert(handed.lease, Lease { until: handed.until, reserved });
        self.sweep_at(handed.until);
    }

    fn hold(&mut self, counter: &Counter, amount: i64) {
        let held = self.held.entry(CounterKey::of(counter)).or_default();
        *held = held.saturating_add(amount);
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
        let forgotten_at = fresh.forgotten_at();
        let counted = self.counted.entry(CounterKey::of(counter)).or_insert(fresh);
        counted.add(amount);
        let opened = counted.opened;
        if let Some(at) = forgotten_at {
            self.sweep_at(at);
        }
        opened
    }

    /// Does nothing for a span that has ended and is forgotten.
    fn replace(&mut self, reserved: &Reserved, actual: i64) {
        let counted = self.counted.get_mut(&CounterKey::of(&reserved.counter));
        if let Some(counted) = counted.filter(|counted| counted.opened == reserved.opened) {
            self.unsaved = true;
            counted.replace(reserved.amount, actual);
        }
    }

    /// Adds to `taken` what counters have gained since this was asked last.
    pub(super) fn take_unsaved(&mut self, half: Half, owner: Uuid, taken: &mut Vec<CounterAmount>) {
        if !std::mem::take(&mut self.unsaved) {
            return;
        }
        for (key, counted) in self.counted.iter_mut().filter(|(_, counted)| counted.unsaved != 0) {
            let amount = std::mem::take(&mut counted.unsaved);
            taken.push(key.amount(half, owner, counted, amount));
        }
    }

    /// Takes back what could not be saved.
    pub(super) fn put_back(&mut self, gained: &CounterAmount) {
        self.unsaved = true;
        if let Some(counted) = self.counted_as(gained) {
            counted.unsaved = counted.unsaved.saturating_add(gained.amount);
        }
    }

    /// Notes where a counter stands by what is saved: what was counted since then comes on top.
    pub(super) fn note_saved(&mut self, stands: &CounterAmount) {
        if let Some(counted) = self.counted_as(stands) {
            counted.used = stands.amount.saturating_add(counted.unsaved);
            return;
        }
        let CounterAmount { start, end, amount, rolling, .. } = *stands;
        let counted = Counted { used: amount, unsaved: 0, opened: start.filter(|_| rolling), end };
        if let Some(at) = counted.forgotten_at() {
            self.sweep_at(at);
        }
        // A window that was opened since then stays.
        self.counted.entry(CounterKey::saved(stands)).or_insert(counted);
    }

    /// The window that is meant, unless it has made way for another.
    fn counted_as(&mut self, meant: &CounterAmount) -> Option<&mut Counted> {
        let opened = meant.start.filter(|_| meant.rolling);
        self.counted.get_mut(&CounterKey::saved(meant)).filter(|counted| counted.opened == opened)
    }
}

impl Reserved {
    fn handed(&self) -> HandedAmount {
        HandedAmount { counter: self.counter.clone(), amount: self.amount, opened: self.opened }
    }

    fn taken(HandedAmount { counter, amount, opened }: HandedAmount) -> Self {
        Self { counter, amount, opened }
    }
}

impl Lease {
    /// Gives back what it holds of counters that count what leases hold.
    fn release(&self, held: &mut HashMap<CounterKey, i64>) {
        for reserved in self.reserved.iter().filter(|reserved| reserved.counter.is_held()) {
            let key = CounterKey::of(&reserved.counter);
            if let Some(sum) = held.get_mut(&key) {
                *sum = sum.saturating_sub(reserved.amount);
                if *sum == 0 {
                    held.remove(&key);
                }
            }
        }
    }
}

impl Counted {
    /// When nothing needs to know of it any more; `None` for a total. A rolling window that is open when the clock is set back
    /// stays open.
    fn forgotten_at(&self) -> Option<Timestamp> {
        let kept = if self.opened.is_some() { Duration::ZERO } else { SPANS_KEPT };
        Some(self.end?.plus(kept))
    }

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
