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
        place.used(counter, now)
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
    /// Forgets leases that lapsed and windows that ended. A span is kept for a day more: a clock that was ahead and is set back
    /// must not find it empty.
    fn sweep(&mut self, now: Timestamp) {
        self.leases.retain(|_, lease| lease.until > now);
        let kept = |counted: &Counted| if counted.opened.is_some() { Duration::ZERO } else { SPANS_KEPT };
        self.counted.retain(|_, counted| counted.end.is_none_or(|end| end.plus(kept(counted)) > now));
    }

    fn reserve(&mut self, claim: &Claim, now: Timestamp) -> Outcome {
        if let Some(held) = self.leases.get_mut(&claim.lease) {
            held.until = now.plus(claim.ttl);
            return Outcome::Granted(self.standings(claim, now));
        }
        if let Some(refusal) =
            claim.checks.iter().find_map(|check| self.refusal(check, claim.sum_of(&check.counter), now))
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

    /// Nothing in a window that has ended, though a span may be kept.
    fn used(&self, counter: &Counter, now: Timestamp) -> i64 {
        if !counter.is_held() {
            let counted = self.counted.get(&CounterKey::of(counter));
            let open = counted.filter(|counted| counted.end.is_none_or(|end| end > now));
            return open.map_or(0, |counted| counted.used);
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

/// How long a span is kept behind its end. Rolling windows are not: one that is open when the clock is set back stays open.
pub const SPANS_KEPT: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::NOON;

    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3_600);

    fn after(length: Duration) -> Timestamp {
        NOON.plus(length)
    }

    fn check(window: CounterWindow, amount: i64) -> LimitCheck {
        let counter = Counter { name: "tokens".to_owned(), unit: Unit::Tokens, window };
        LimitCheck { counter, amount, limit: 10_000, shadow: false }
    }

    fn hourly(amount: i64) -> LimitCheck {
        check(CounterWindow::Span { start: NOON, end: after(HOUR) }, amount)
    }

    fn rolling(amount: i64) -> LimitCheck {
        check(CounterWindow::Rolling(HOUR), amount)
    }

    fn claim(check: &LimitCheck) -> Claim {
        let (lease, checks) = (LeaseId::generate(), vec![check.clone()]);
        Claim { half: Half::Caller, owner: OWNER, lease, ttl: 3 * HOUR, checks }
    }

    fn reserve(places: &mut Places, check: &LimitCheck, now: Timestamp) -> LeaseRef {
        let claim = claim(check);
        assert!(places.reserve(&claim, now).is_granted());
        claim.lease_ref()
    }

    fn settle(places: &mut Places, lease: LeaseRef, check: &LimitCheck, actual: i64, now: Timestamp) {
        places.settle(lease, &[Settlement { counter: check.counter.clone(), actual }], now);
    }

    fn used(places: &mut Places, check: &LimitCheck, now: Timestamp) -> i64 {
        places.used(Half::Caller, OWNER, &check.counter, now)
    }

    fn amounts(unsaved: &[CounterAmount]) -> Vec<i64> {
        unsaved.iter().map(|gained| gained.amount).collect()
    }

    const OWNER: Uuid = Uuid::from_u128(7);

    #[test]
    fn what_was_gained_is_taken_once_with_all_that_tells_whose_it_is() {
        let (mut places, hourly) = (Places::default(), hourly(500));
        assert_eq!(places.take_unsaved(), []);
        let lease = reserve(&mut places, &hourly, NOON);
        let expected = CounterAmount {
            half: Half::Caller,
            owner: OWNER,
            name: "tokens".to_owned(),
            unit: Unit::Tokens,
            rolling: false,
            start: Some(NOON),
            end: Some(after(HOUR)),
            amount: 500,
        };
        assert_eq!(places.take_unsaved(), [expected]);
        assert_eq!(places.take_unsaved(), []);
        settle(&mut places, lease, &hourly, 300, NOON);
        assert_eq!(amounts(&places.take_unsaved()), [-200], "what was reserved too much is given back");
        assert_eq!(used(&mut places, &hourly, NOON), 300);
    }

    /// Only what has changed is told: another counter of the same owner does not tell its nothing.
    #[test]
    fn a_counter_that_gained_nothing_is_left_out() {
        let (mut places, total) = (Places::default(), check(CounterWindow::Total, 40));
        reserve(&mut places, &hourly(500), NOON);
        places.take_unsaved();
        reserve(&mut places, &total, NOON);
        assert_eq!(amounts(&places.take_unsaved()), [40]);
    }

    #[test]
    fn a_rolling_window_is_taken_with_the_moment_it_opened() {
        let (mut places, rolling) = (Places::default(), rolling(5));
        reserve(&mut places, &rolling, after(MINUTE));
        let taken = places.take_unsaved();
        assert_eq!((taken[0].rolling, taken[0].start), (true, Some(after(MINUTE))));
        assert_eq!((taken[0].end, taken[0].amount), (Some(after(MINUTE).plus(HOUR)), 5));
    }

    #[test]
    fn what_could_not_be_saved_is_taken_again_with_what_came_since() {
        for check in [hourly(500), rolling(500)] {
            let mut places = Places::default();
            reserve(&mut places, &check, NOON);
            let taken = places.take_unsaved();
            places.put_back(&taken);
            assert_eq!(places.take_unsaved(), taken);
            reserve(&mut places, &check, after(MINUTE));
            places.put_back(&taken);
            assert_eq!(amounts(&places.take_unsaved()), [1_000]);
            assert_eq!(used(&mut places, &check, after(MINUTE)), 1_000, "nothing is counted twice");
        }
    }

    #[test]
    fn at_a_rolling_windows_end_the_next_one_begins() {
        let (mut places, rolling) = (Places::default(), rolling(500));
        reserve(&mut places, &rolling, NOON);
        reserve(&mut places, &rolling, after(HOUR));
        assert_eq!(used(&mut places, &rolling, after(HOUR)), 500);
    }

    #[test]
    fn what_belongs_to_a_window_that_is_gone_is_not_put_into_the_next() {
        let (mut places, rolling) = (Places::default(), rolling(500));
        reserve(&mut places, &rolling, NOON);
        let taken = places.take_unsaved();
        reserve(&mut places, &rolling, after(2 * HOUR));
        places.put_back(&taken);
        assert_eq!(amounts(&places.take_unsaved()), [500]);
        places.note_saved(&taken);
        assert_eq!(used(&mut places, &rolling, after(2 * HOUR)), 500);
    }

    #[test]
    fn what_is_saved_is_where_a_counter_goes_on() {
        for check in [hourly(500), rolling(500), check(CounterWindow::Total, 500)] {
            let mut before = Places::default();
            reserve(&mut before, &check, NOON);
            let saved = before.take_unsaved();

            let mut places = Places::default();
            places.note_saved(&saved);
            assert_eq!(places.take_unsaved(), [], "it is saved already");
            assert_eq!(used(&mut places, &check, after(MINUTE)), 500);
            let lease = reserve(&mut places, &check, after(MINUTE));
            settle(&mut places, lease, &check, 20, after(MINUTE));
            assert_eq!(used(&mut places, &check, after(MINUTE)), 520);
            let is_total = check.counter.window == CounterWindow::Total;
            let left = if is_total { 520 } else { 0 };
            assert_eq!(used(&mut places, &check, after(HOUR)), left, "its window ends when it did");
        }
    }

    #[test]
    fn what_was_counted_since_it_was_saved_comes_on_top() {
        let (mut places, hourly) = (Places::default(), hourly(500));
        reserve(&mut places, &hourly, NOON);
        let saved = places.take_unsaved();
        reserve(&mut places, &hourly, NOON);
        // Another instance saved 7,000 of its own.
        places.note_saved(&[CounterAmount { amount: 7_500, ..saved[0].clone() }]);
        assert_eq!(used(&mut places, &hourly, NOON), 8_000);
        assert_eq!(amounts(&places.take_unsaved()), [500]);
    }

    #[test]
    fn a_claim_in_a_span_that_has_just_ended_stands_at_nothing() {
        let (mut places, hourly) = (Places::default(), hourly(500));
        let mut stand = |now| match places.reserve(&claim(&hourly), now) {
            Outcome::Granted(standings) => (standings[0].used, standings[0].resets_at),
            Outcome::Refused(refusal) => panic!("it fits: {refusal:?}"),
        };
        assert_eq!(stand(after(HOUR - MINUTE)), (500, Some(after(HOUR))));
        assert_eq!(stand(after(HOUR)), (0, Some(after(HOUR))));
    }
}
