//! What the store told while it was there: where counters stand, and which leases it holds for this relay. Bounded.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use posthaste_core::Timestamp;
use posthaste_storage::{Claim, Counter, CounterWindow, Half, LeaseId, LimitCheck, Settlement, Standing};
use uuid::Uuid;

/// A counter by a hash of what tells it from all others: a name would cost an allocation on each claim, and of two counters
/// in 2^64 that are taken for one, the worst is a share that is off while the store is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CounterId(u64);

/// A lease that the store holds.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) claim: Claim,
    /// It lapsed while the store was away. What it holds at the same time may have been taken anew, what it had reserved of
    /// windows stays counted in the store as it is.
    pub(crate) lapsed: bool,
}

#[derive(Default)]
pub(crate) struct Seen {
    hasher: RandomState,
    /// Two generations: when the young one is full, the old one is forgotten.
    young: HashMap<CounterId, Standing>,
    old: HashMap<CounterId, Standing>,
    taken: HashMap<LeaseId, Taken>,
}

impl Seen {
    pub(crate) fn id(&self, half: Half, owner: Uuid, counter: &Counter) -> CounterId {
        let start = match counter.window {
            CounterWindow::Span { start, .. } => Some(start),
            CounterWindow::Held | CounterWindow::Rolling(_) | CounterWindow::Total => None,
        };
        let rolling = matches!(counter.window, CounterWindow::Rolling(_));
        CounterId(self.hasher.hash_one((half, owner, &counter.name, counter.unit, start, rolling)))
    }

    /// Notes a claim that the store granted.
    pub(crate) fn granted(&mut self, claim: &Claim, standings: &[Standing]) {
        for (check, standing) in claim.checks.iter().zip(standings) {
            self.stands(claim, &check.counter, *standing);
        }
        if self.taken.len() < MOST_LEASES {
            self.taken.insert(claim.lease, Taken { claim: claim.clone(), lapsed: false });
        }
    }

    /// Notes where a counter stands.
    pub(crate) fn stands(&mut self, claim: &Claim, counter: &Counter, standing: Standing) {
        let id = self.id(claim.half, claim.owner, counter);
        if self.young.len() >= MOST_COUNTERS && !self.young.contains_key(&id) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id, standing);
    }

    /// Where a counter stood last: 0 where nothing is known of it, or its window is over.
    pub(crate) fn used(&self, id: CounterId, now: Timestamp) -> i64 {
        let standing = self.young.get(&id).or_else(|| self.old.get(&id));
        let open = standing.filter(|standing| standing.resets_at.is_none_or(|end| end > now));
        open.map_or(0, |standing| standing.used.max(0))
    }

    /// The lease is over.
    pub(crate) fn ended(&mut self, lease: LeaseId) -> Option<Taken> {
        self.taken.remove(&lease)
    }

    /// A lease was settled: its counters stand where the truth puts them, until the store tells better.
    pub(crate) fn settled(&mut self, taken: &Taken, truth: &[Settlement]) {
        let claim = &taken.claim;
        for (counter, back) in given_back(claim, truth) {
            let id = self.id(claim.half, claim.owner, counter);
            let standing = match self.young.get_mut(&id) {
                Some(standing) => Some(standing),
                None => self.old.get_mut(&id),
            };
            if let Some(standing) = standing {
                standing.used = standing.used.saturating_sub(back);
            }
        }
    }

    /// The store does not know the lease any more; what it would have to be asked for, where it is still wanted here.
    pub(crate) fn lapsed(&mut self, lease: LeaseId) -> Option<Claim> {
        let taken = self.taken.get_mut(&lease)?;
        taken.lapsed = true;
        Some(held_part(&taken.claim, lease))
    }

    /// Every lease that the store holds.
    pub(crate) fn leases(&self) -> Vec<Claim> {
        self.taken.values().map(|taken| taken.claim.clone()).collect()
    }
}

/// What is free of each counter of a claim now that it is over, beside what it used: less than nothing where it used more
/// than it had reserved.
pub(crate) fn given_back<'a>(
    claim: &'a Claim,
    truth: &'a [Settlement],
) -> impl Iterator<Item = (&'a Counter, i64)> {
    claim.sums().filter_map(|(counter, reserved)| {
        let actual = match truth.iter().find(|told| told.counter.is_same(counter)) {
            _ if counter.is_held() => 0,
            told => told?.actual,
        };
        Some((counter, reserved.saturating_sub(actual)))
    })
}

/// What a claim holds at the same time, under another lease, and refused by nobody: it is held already.
pub(crate) fn held_part(claim: &Claim, lease: LeaseId) -> Claim {
    let held = claim.checks.iter().filter(|check| check.counter.is_held());
    let checks = held.map(|check| LimitCheck { shadow: true, ..check.clone() }).collect();
    Claim { lease, checks, ..claim.clone() }
}

/// Of each generation; some 10 MB for both.
const MOST_COUNTERS: usize = 50_000;

/// More requests at the same time are not kept account of: what their leases reserved stays counted after a long loss.
const MOST_LEASES: usize = 50_000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use posthaste_storage::Unit;

    use super::*;

    const NOON: Timestamp = Timestamp::from_secs(1_790_000_000);

    fn claim(name: &str) -> Claim {
        let counter = Counter { name: name.to_owned(), unit: Unit::Requests, window: CounterWindow::Total };
        let check = LimitCheck { counter, amount: 1, limit: 10, shadow: false, on_loss: Default::default() };
        let (owner, lease) = (Uuid::nil(), LeaseId::generate());
        Claim { half: Half::Caller, owner, lease, ttl: Duration::from_secs(60), checks: vec![check] }
    }

    #[test]
    fn memory_is_bounded_and_the_latest_is_kept() {
        let mut seen = Seen::default();
        for number in 0..3 * MOST_COUNTERS {
            let claim = claim(&number.to_string());
            seen.granted(&claim, &[Standing { used: 7, resets_at: None }]);
        }
        assert!(seen.young.len() <= MOST_COUNTERS && seen.old.len() <= MOST_COUNTERS);
        assert_eq!(seen.taken.len(), MOST_LEASES);
        let id = |name: &str| seen.id(Half::Caller, Uuid::nil(), &claim(name).checks[0].counter);
        assert_eq!(seen.used(id(&(3 * MOST_COUNTERS - 1).to_string()), NOON), 7);
        assert_eq!(seen.used(id("0"), NOON), 0);
    }

    #[test]
    fn a_window_that_is_over_tells_nothing() {
        let mut seen = Seen::default();
        let claim = claim("requests");
        let end = NOON.plus(Duration::from_secs(60));
        seen.granted(&claim, &[Standing { used: 7, resets_at: Some(end) }]);
        let id = seen.id(claim.half, claim.owner, &claim.checks[0].counter);
        assert_eq!(seen.used(id, NOON), 7);
        assert_eq!(seen.used(id, end), 0);
    }
}
