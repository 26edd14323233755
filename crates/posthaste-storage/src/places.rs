//! The arithmetic of limits, for stores that keep counts and leases in memory.

mod handed;
mod place;

use std::{collections::HashMap, time::Duration};

use posthaste_core::Timestamp;
use uuid::Uuid;

pub use self::handed::{HandedAmount, HandedLease};
use self::place::Place;
use crate::{Claim, Counter, Half, HeldLease, LeaseRef, Outcome, Settlement, Unit};

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
        place.renew(lease.lease, now.plus(ttl))
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

    /// As [`AdmissionStore::leases`](crate::AdmissionStore::leases).
    pub fn leases(
        &mut self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
        limit: usize,
    ) -> Vec<HeldLease> {
        let Some(place) = self.places.get_mut(&(half, owner)) else { return Vec::new() };
        place.sweep(now);
        let mut leases = place.leases(counter);
        leases.sort_unstable();
        leases.truncate(limit);
        leases
    }

    /// What counters have gained, or lost, since this was asked last; a window that has ended and is forgotten tells nothing
    /// any more.
    pub fn take_unsaved(&mut self) -> Vec<CounterAmount> {
        let mut taken = Vec::new();
        for ((half, owner), place) in &mut self.places {
            place.take_unsaved(*half, *owner, &mut taken);
        }
        taken
    }

    /// Takes back what could not be saved.
    pub fn put_back(&mut self, unsaved: &[CounterAmount]) {
        for gained in unsaved {
            self.places.entry((gained.half, gained.owner)).or_default().put_back(gained);
        }
    }

    /// Notes where counters stand by what is saved: what was counted since then comes on top.
    pub fn note_saved(&mut self, saved: &[CounterAmount]) {
        for stands in saved {
            self.places.entry((stands.half, stands.owner)).or_default().note_saved(stands);
        }
    }
}

/// How long a span is kept behind its end. Rolling windows are not: one that is open when the clock is set back stays open.
pub const SPANS_KEPT: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CounterWindow, LeaseId, LimitCheck, contract::NOON};

    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3_600);

    fn after(length: Duration) -> Timestamp {
        NOON.plus(length)
    }

    fn check(window: CounterWindow, amount: i64) -> LimitCheck {
        let counter = Counter { name: "tokens".to_owned(), unit: Unit::Tokens, window };
        LimitCheck { counter, amount, limit: 10_000, shadow: false, on_loss: Default::default() }
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
