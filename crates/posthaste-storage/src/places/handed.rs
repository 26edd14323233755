//! Leases on their way from one process to the next.

use posthaste_core::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Places;
use crate::{Counter, Half, LeaseId};

/// A lease that another process goes on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedLease {
    /// Which half of an admission it belongs to.
    pub half: Half,
    /// Whose.
    pub owner: Uuid,
    /// Which.
    pub lease: LeaseId,
    /// When it lapses, unless it is renewed.
    pub until: Timestamp,
    /// What it reserved.
    pub reserved: Vec<HandedAmount>,
}

/// What a lease reserved of a counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedAmount {
    /// The counter.
    pub counter: Counter,
    /// How much.
    pub amount: i64,
    /// Which of the rolling windows it was counted in, by the moment that opened it.
    pub opened: Option<Timestamp>,
}

impl Places {
    /// Every lease that is held, for a process that goes on with them.
    pub fn hand_leases(&self) -> Vec<HandedLease> {
        self.places.iter().flat_map(|((half, owner), place)| place.hand(*half, *owner)).collect()
    }

    /// Goes on with leases of a process before. Counters come another way, as they are
    /// [saved](Self::note_saved); taking a lease twice does nothing.
    pub fn take_leases(&mut self, handed: Vec<HandedLease>) {
        for lease in handed {
            self.places.entry((lease.half, lease.owner)).or_default().take(lease);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Claim, CounterWindow, LeaseRef, LimitCheck, Outcome, Settlement, Unit, contract::NOON};

    const HOUR: Duration = Duration::from_secs(3_600);
    const OWNER: Uuid = Uuid::from_u128(7);

    fn counter(unit: Unit, window: CounterWindow) -> Counter {
        Counter { name: "limit".to_owned(), unit, window }
    }

    fn seats() -> Counter {
        counter(Unit::Concurrency, CounterWindow::Held)
    }

    fn hourly() -> Counter {
        counter(Unit::Tokens, CounterWindow::Rolling(HOUR))
    }

    fn claim() -> Claim {
        let check = |counter, amount, limit| LimitCheck {
            counter,
            amount,
            limit,
            shadow: false,
            on_loss: Default::default(),
        };
        Claim {
            half: Half::Caller,
            owner: OWNER,
            lease: LeaseId::generate(),
            ttl: HOUR,
            checks: vec![check(seats(), 1, 1), check(hourly(), 500, 10_000)],
        }
    }

    /// What a process before has left in the file and handed on, by way of the form in which it travels.
    fn handed(before: &mut Places) -> Places {
        let leases = serde_json::to_string(&before.hand_leases()).unwrap();
        let mut after = Places::default();
        after.note_saved(&before.take_unsaved());
        after.take_leases(serde_json::from_str(&leases).unwrap());
        after
    }

    #[test]
    fn the_next_process_holds_what_the_one_before_held() {
        let (mut before, claim) = (Places::default(), claim());
        assert!(before.reserve(&claim, NOON).is_granted());
        let mut after = handed(&mut before);
        assert_eq!(after.used(Half::Caller, OWNER, &seats(), NOON), 1);
        let another = Claim { lease: LeaseId::generate(), ..claim };
        assert!(matches!(after.reserve(&another, NOON), Outcome::Refused(_)), "the only seat is taken");
    }

    #[test]
    fn the_next_process_settles_what_the_one_before_reserved() {
        let (mut before, claim) = (Places::default(), claim());
        assert!(before.reserve(&claim, NOON).is_granted());
        let mut after = handed(&mut before);
        after.settle(claim.lease_ref(), &[Settlement { counter: hourly(), actual: 120 }], NOON);
        assert_eq!(after.used(Half::Caller, OWNER, &seats(), NOON), 0);
        assert_eq!(after.used(Half::Caller, OWNER, &hourly(), NOON), 120);
        let gained: Vec<_> = after.take_unsaved().iter().map(|gained| gained.amount).collect();
        assert_eq!(gained, [-380], "what the file still has too much");
    }

    #[test]
    fn a_lease_that_is_not_renewed_lapses_there_as_well() {
        let (mut before, claim) = (Places::default(), claim());
        assert!(before.reserve(&claim, NOON).is_granted());
        let mut after = handed(&mut before);
        let lease = LeaseRef { half: Half::Caller, owner: OWNER, lease: claim.lease };
        assert!(after.renew(lease, HOUR, NOON.plus(HOUR / 2)));
        assert_eq!(after.used(Half::Caller, OWNER, &seats(), NOON.plus(HOUR)), 1, "it was renewed");
        assert_eq!(after.used(Half::Caller, OWNER, &seats(), NOON.plus(2 * HOUR)), 0);
    }

    #[test]
    fn what_is_handed_twice_is_held_once() {
        let (mut before, claim) = (Places::default(), claim());
        assert!(before.reserve(&claim, NOON).is_granted());
        let leases = before.hand_leases();
        let mut after = handed(&mut before);
        after.take_leases(leases);
        assert_eq!(after.used(Half::Caller, OWNER, &seats(), NOON), 1);
    }
}
