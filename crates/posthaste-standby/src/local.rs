//! Counting here what the store cannot count: each relay grants its share of what was left.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use posthaste_core::{OnLoss, Timestamp};
use posthaste_storage::{
    Claim, CounterAmount, LeaseId, LeaseRef, LimitCheck, Outcome, Places, Refusal, Settlement, Standing,
    StorageError, Unit,
};

use crate::seen::{CounterId, Seen, Taken, given_back, held_part};

/// Leases and counters of this relay alone, and what it has seen of the store's.
#[derive(Default)]
pub(crate) struct Local {
    pub(crate) seen: Seen,
    places: Places,
    leases: HashMap<LeaseId, LocalLease>,
    /// What leases of the store gave back since it is away.
    given_back: HashMap<CounterId, i64>,
    /// Claims that came to nothing, whose end needs not be told to anybody.
    forgone: HashSet<LeaseId>,
    counted: Counted,
}

/// How many claims were answered here since the store is away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) granted: u64,
    pub(crate) refused: u64,
    pub(crate) closed: u64,
}

struct LocalLease {
    claim: Claim,
    /// The lease that holds in the store what this one holds here.
    mirror: Option<LeaseRef>,
}

/// Where a lease is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// Not here; in the store, if anywhere.
    Store,
    /// Here alone.
    Here,
    /// Here, and what it holds at the same time in the store as well, under this lease.
    Mirrored(LeaseRef),
}

impl LocalLease {
    fn whereabouts(&self) -> Whereabouts {
        self.mirror.map_or(Whereabouts::Here, Whereabouts::Mirrored)
    }
}

/// How far a check may go here.
struct Bound {
    /// What was used before, as far as is known.
    before: i64,
    /// What may be used here.
    share: i64,
}

impl Local {
    /// Decides a claim as each of its limits says.
    ///
    /// # Errors
    /// When a limit is closed while the store is away.
    pub(crate) fn reserve(
        &mut self,
        claim: &Claim,
        relays: usize,
        now: Timestamp,
    ) -> Result<Outcome, StorageError> {
        let is_closed = |check: &&LimitCheck| check.on_loss == OnLoss::Closed && !check.shadow;
        if let Some(closed) = claim.checks.iter().find(is_closed) {
            self.counted.closed += 1;
            self.forgo(claim.lease);
            let what = format!("limit `{}` is closed meanwhile (on-loss=closed)", closed.counter.name);
            return Err(StorageError::unavailable(what, "the shared store is away"));
        }
        let bounds: Vec<_> = claim.checks.iter().map(|check| self.bound(claim, check, relays, now)).collect();
        let checks = claim.checks.iter().zip(&bounds).map(|(check, bound)| LimitCheck {
            limit: bound.share,
            shadow: check.shadow || check.on_loss == OnLoss::Open,
            ..check.clone()
        });
        let local = Claim { checks: checks.collect(), ..claim.clone() };
        match self.places.reserve(&local, now) {
            Outcome::Granted(standings) => {
                self.counted.granted += 1;
                let lease = || LocalLease { claim: claim.clone(), mirror: None };
                self.leases.entry(claim.lease).or_insert_with(lease);
                let whole = |(standing, bound): (Standing, &Bound)| Standing {
                    used: bound.before.saturating_add(standing.used),
                    ..standing
                };
                Ok(Outcome::Granted(standings.into_iter().zip(&bounds).map(whole).collect()))
            }
            Outcome::Refused(refusal) => {
                self.counted.refused += 1;
                let at = claim.checks.iter().position(|check| check.counter == refusal.counter);
                let before = at.and_then(|at| bounds.get(at)).map_or(0, |bound| bound.before);
                Ok(Outcome::Refused(Refusal {
                    used: before.saturating_add(refusal.used),
                    limit: before.saturating_add(refusal.limit),
                    ..refusal
                }))
            }
        }
    }

    /// Renews a lease that is held here, and tells where it is.
    pub(crate) fn renew(&mut self, lease: LeaseRef, ttl: Duration, now: Timestamp) -> Whereabouts {
        let Some(local) = self.leases.get(&lease.lease) else { return Whereabouts::Store };
        self.places.renew(lease, ttl, now);
        local.whereabouts()
    }

    /// Ends a lease that is held here, and tells where it was.
    pub(crate) fn settle(&mut self, lease: LeaseRef, truth: &[Settlement], now: Timestamp) -> Whereabouts {
        let Some(local) = self.leases.remove(&lease.lease) else { return Whereabouts::Store };
        self.places.settle(lease, truth, now);
        local.whereabouts()
    }

    /// A lease of the store is over while that is away: what it reserved more than it used is free for others here.
    pub(crate) fn gave_back(&mut self, taken: &Taken, truth: &[Settlement]) {
        let claim = &taken.claim;
        for (counter, free) in given_back(claim, truth) {
            let id = self.seen.id(claim.half, claim.owner, counter);
            let back = self.given_back.entry(id).or_default();
            *back = back.saturating_add(free);
        }
    }

    /// Notes that a claim came to nothing.
    pub(crate) fn forgo(&mut self, lease: LeaseId) {
        if self.forgone.len() < MOST_FORGONE {
            self.forgone.insert(lease);
        }
    }

    /// Whether the lease came to nothing; tells it once.
    pub(crate) fn was_forgone(&mut self, lease: LeaseId) -> bool {
        self.forgone.remove(&lease)
    }

    /// What was counted here since this was asked last.
    pub(crate) fn take_counted(&mut self) -> Vec<CounterAmount> {
        self.places.take_unsaved()
    }

    /// For each lease that is held here alone: the lease, and what would hold the same in the store.
    pub(crate) fn unmirrored(&self) -> Vec<(LeaseId, Claim)> {
        let alone = self.leases.iter().filter(|(_, local)| local.mirror.is_none());
        let parts = alone.map(|(lease, local)| (*lease, held_part(&local.claim, LeaseId::generate())));
        parts.filter(|(_, part)| !part.checks.is_empty()).collect()
    }

    /// Notes what holds in the store what a lease holds here. `false` when that is over.
    pub(crate) fn mirrored(&mut self, lease: LeaseId, mirror: LeaseRef) -> bool {
        let Some(local) = self.leases.get_mut(&lease) else { return false };
        local.mirror = Some(mirror);
        true
    }

    /// What held in the store what a lease holds here has lapsed.
    pub(crate) fn mirror_lapsed(&mut self, lease: LeaseId) {
        if let Some(local) = self.leases.get_mut(&lease) {
            local.mirror = None;
        }
    }

    /// The store is back: tells how many claims were answered here meanwhile, and begins anew.
    pub(crate) fn store_is_back(&mut self) -> Counted {
        self.given_back.clear();
        std::mem::take(&mut self.counted)
    }

    /// Whether no lease is held here any more and all that was counted is taken. It is forgotten here then.
    pub(crate) fn is_idle(&mut self) -> bool {
        if !self.leases.is_empty() {
            return false;
        }
        let untaken = self.places.take_unsaved();
        if untaken.is_empty() {
            self.places = Places::default();
            return true;
        }
        self.places.put_back(&untaken);
        false
    }

    pub(crate) fn counted(&self) -> Counted {
        self.counted
    }

    fn bound(&self, claim: &Claim, check: &LimitCheck, relays: usize, now: Timestamp) -> Bound {
        let id = self.seen.id(claim.half, claim.owner, &check.counter);
        let used = self.seen.used(id, now);
        let left = check.limit.saturating_sub(used).max(0);
        let mut share = left / i64::try_from(relays).unwrap_or(i64::MAX).max(1);
        // A limit of few among many relays would shut everybody out.
        if matches!(check.counter.unit, Unit::Concurrency | Unit::Requests) && check.limit > 0 {
            share = share.max(1);
        }
        let back = self.given_back.get(&id).copied().unwrap_or(0);
        Bound { before: used.saturating_sub(back).max(0), share: share.saturating_add(back) }
    }
}

/// Whoever made such a claim tells its end at once; more are those of callers who do not.
const MOST_FORGONE: usize = 10_000;
