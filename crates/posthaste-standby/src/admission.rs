//! Limits and leases while the store is slow or away.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_core::Timestamp;
use posthaste_storage::{
    AdmissionStore, Claim, Counter, FleetSize, Half, HeldLease, LeaseId, LeaseRef, Outcome, Settlement,
    Standing, StorageError,
};
use uuid::Uuid;

use crate::{
    bounded::Bounded,
    breaker::{Breaker, Does, Missed},
    local::{Counted, Local, Whereabouts},
    owed::{Debt, Debts, claims_of},
};

/// Asks the store, and decides here where it gives no answer in time.
pub(crate) struct StandbyAdmission {
    store: Arc<dyn AdmissionStore>,
    /// The same for calls that no request waits for.
    bounded: Bounded,
    breaker: Arc<Breaker>,
    fleet: FleetSize,
    local: Mutex<Local>,
    debts: Debts,
    /// What the probe claims.
    probe: Claim,
}

impl StandbyAdmission {
    pub(crate) fn new(store: Arc<dyn AdmissionStore>, breaker: Arc<Breaker>, fleet: FleetSize) -> Self {
        let probe = Claim {
            half: Half::Caller,
            owner: Uuid::now_v7(),
            lease: LeaseId::generate(),
            ttl: PROBE_LEASE,
            checks: Vec::new(),
        };
        let bounded = Bounded(Arc::clone(&store));
        Self { store, bounded, breaker, fleet, local: Mutex::default(), debts: Debts::default(), probe }
    }

    /// Whether the store does again what it is asked, writes included, and in time.
    pub(crate) async fn probe(&self) -> bool {
        self.breaker.probe(self.bounded.reserve(&self.probe, self.breaker.now())).await
    }

    /// Waits until the store is owed something.
    pub(crate) async fn owes(&self) {
        self.debts.came().await;
    }

    /// How many claims were answered here since the store is away.
    pub(crate) fn counted(&self) -> Counted {
        self.local.lock().counted()
    }

    /// The store is back; tells how many claims were answered here meanwhile.
    pub(crate) fn store_is_back(&self) -> Counted {
        self.local.lock().store_is_back()
    }

    /// Lets the leases that the store holds live on, and takes anew what those held that lapsed meanwhile.
    pub(crate) async fn keep_leases(&self) -> Result<(), StorageError> {
        let leases = self.local.lock().seen.leases();
        for some in leases.chunks(AT_ONCE) {
            let kept = some.iter().map(|claim| self.keep_lease(claim.lease_ref(), claim.ttl));
            for kept in futures_util::future::join_all(kept).await {
                kept?;
            }
        }
        Ok(())
    }

    /// Tells the store what was counted here, what is held here, and what else it is owed.
    pub(crate) async fn pay(&self) -> Result<Paid, StorageError> {
        let mut told = self.mirror().await?;
        let now = self.breaker.now();
        // One after the other: what is taken back of a count must not come before it.
        if !self.debts.has_counts() {
            let counted = self.local.lock().take_counted();
            for claim in claims_of(counted, now) {
                self.owe(Debt::Count { claim, counted: false }, Duration::ZERO);
            }
        }
        for _ in 0..MOST_ROUNDS {
            let due = self.debts.take_due(AT_ONCE);
            if due.is_empty() {
                break;
            }
            told += due.len();
            let paid = due.into_iter().map(|debt| debt.pay(&self.bounded, now));
            let mut failure = None;
            for paid in futures_util::future::join_all(paid).await {
                match paid {
                    Ok(Some((debt, wait))) => self.owe(debt, wait),
                    Ok(None) => {}
                    Err((debt, error @ StorageError::Unavailable { .. })) => {
                        self.owe(debt, Duration::ZERO);
                        failure = Some(error);
                    }
                    // The store's last word: asking again changes nothing.
                    Err((_, error)) => tracing::debug!(%error, "the store does not take what it is owed"),
                }
            }
            if let Some(error) = failure {
                return Err(error);
            }
        }
        let owed = self.debts.len();
        self.breaker.metrics().owes(owed);
        Ok(Paid { told, left: owed > 0 || !self.local.lock().is_idle() })
    }

    /// Has the store hold what leases hold here alone.
    async fn mirror(&self) -> Result<usize, StorageError> {
        let unmirrored = self.local.lock().unmirrored();
        let told = unmirrored.len();
        for (lease, part) in unmirrored {
            let mirror = part.lease_ref();
            let reserved = self.bounded.reserve(&part, self.breaker.now()).await;
            let is_held_on = reserved.is_ok() && self.local.lock().mirrored(lease, mirror);
            if !is_held_on {
                self.owe(Debt::freeing(mirror), Duration::ZERO);
            }
            reserved?;
        }
        Ok(told)
    }

    async fn keep_lease(&self, lease: LeaseRef, ttl: Duration) -> Result<bool, StorageError> {
        let now = self.breaker.now();
        if self.bounded.renew(lease, ttl, now).await? {
            return Ok(true);
        }
        let anew = self.local.lock().seen.lapsed(lease.lease);
        let Some(claim) = anew.filter(|claim| !claim.checks.is_empty()) else { return Ok(false) };
        self.bounded.reserve(&claim, now).await.map(|_| true)
    }

    fn reserve_here(&self, claim: &Claim, now: Timestamp) -> Result<Outcome, StorageError> {
        let outcome = self.local.lock().reserve(claim, self.fleet.get(), now);
        let metrics = self.breaker.metrics();
        match &outcome {
            Ok(Outcome::Granted(_)) => metrics.granted(),
            Ok(Outcome::Refused(_)) => metrics.refused(),
            Err(_) => metrics.closed(),
        }
        // Whoever was told that the store is away may come here when it is back already.
        self.wake();
        outcome
    }

    /// Has the store told of what changed here, where it is there to listen.
    fn wake(&self) {
        if !self.breaker.is_open() {
            self.debts.wake();
        }
    }

    fn owe(&self, debt: Debt, wait: Duration) {
        if !self.debts.owe(debt, wait) {
            self.breaker.metrics().dropped();
        }
    }
}

#[async_trait]
impl AdmissionStore for StandbyAdmission {
    async fn reserve(&self, claim: &Claim, now: Timestamp) -> Result<Outcome, StorageError> {
        match self.breaker.call((Does::Write, "reserving limits"), self.store.reserve(claim, now)).await {
            Ok(outcome) => {
                let mut local = self.local.lock();
                match &outcome {
                    Outcome::Granted(standings) => local.seen.granted(claim, standings),
                    Outcome::Refused(refusal) => {
                        let standing = Standing { used: refusal.used, resets_at: refusal.resets_at };
                        local.seen.stands(claim, &refusal.counter, standing);
                    }
                }
                Ok(outcome)
            }
            Err(Missed::Answered(error)) => Err(error),
            Err(Missed::NotAsked) => self.reserve_here(claim, now),
            Err(Missed::Unknown(_)) => {
                self.owe(Debt::undoing(claim), Duration::ZERO);
                self.reserve_here(claim, now)
            }
        }
    }

    async fn renew(&self, lease: LeaseRef, ttl: Duration, now: Timestamp) -> Result<bool, StorageError> {
        let here = self.local.lock().renew(lease, ttl, now);
        let named = lease.lease;
        let lease = match here {
            Whereabouts::Here => return Ok(true),
            Whereabouts::Mirrored(mirror) => mirror,
            Whereabouts::Store => lease,
        };
        match self.breaker.call((Does::Write, "renewing a lease"), self.keep_lease(lease, ttl)).await {
            Ok(false) if here != Whereabouts::Store => {
                self.local.lock().mirror_lapsed(named);
                Ok(true)
            }
            Ok(held) => Ok(held),
            Err(Missed::Answered(error)) => Err(error),
            // It is renewed when the store is back.
            Err(Missed::NotAsked | Missed::Unknown(_)) => Ok(true),
        }
    }

    async fn settle(
        &self,
        lease: LeaseRef,
        truth: &[Settlement],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let taken = {
            let mut local = self.local.lock();
            if local.was_forgone(lease.lease) {
                return Ok(());
            }
            match local.settle(lease, truth, now) {
                Whereabouts::Here => {
                    self.wake();
                    return Ok(());
                }
                Whereabouts::Mirrored(mirror) => {
                    self.owe(Debt::freeing(mirror), Duration::ZERO);
                    return Ok(());
                }
                Whereabouts::Store => {}
            }
            let taken = local.seen.ended(lease.lease);
            match &taken {
                Some(taken) if self.breaker.is_open() => local.gave_back(taken, truth),
                Some(taken) => local.seen.settled(taken, truth),
                None => {}
            }
            taken
        };
        if let Some(taken) = taken.as_ref().filter(|taken| taken.lapsed) {
            let (taken, truth) = (taken.clone(), truth.to_vec());
            self.owe(Debt::End { taken, truth }, Duration::ZERO);
            return Ok(());
        }
        let debt = match self
            .breaker
            .call((Does::Write, "settling a lease"), self.store.settle(lease, truth, now))
            .await
        {
            Ok(()) => return Ok(()),
            Err(Missed::Answered(error)) => return Err(error),
            Err(Missed::Unknown(_)) => Debt::EndPerhaps { lease, truth: truth.to_vec(), again: false },
            Err(Missed::NotAsked) => match taken {
                Some(taken) => Debt::End { taken, truth: truth.to_vec() },
                None => Debt::EndPerhaps { lease, truth: truth.to_vec(), again: false },
            },
        };
        self.owe(debt, Duration::ZERO);
        Ok(())
    }

    async fn used(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
    ) -> Result<i64, StorageError> {
        let what = "reading a counter";
        let used = self.breaker.call((Does::Read, what), self.store.used(half, owner, counter, now)).await;
        used.map_err(|missed| missed.into_error(what))
    }

    async fn leases(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HeldLease>, StorageError> {
        let what = "reading leases";
        let asked = self.store.leases(half, owner, counter, now, limit);
        let held = self.breaker.call((Does::Read, what), asked).await;
        held.map_err(|missed| missed.into_error(what))
    }
}

/// How much was told to the store.
pub(crate) struct Paid {
    /// So many debts and leases.
    pub(crate) told: usize,
    /// Something is left that it has to hear, now or later.
    pub(crate) left: bool,
}

/// So many times [`AT_ONCE`] is enough for one go.
const MOST_ROUNDS: usize = 64;

/// How many calls are made at the same time when the store is back.
const AT_ONCE: usize = 32;

/// The probe's lease lapses by itself.
const PROBE_LEASE: Duration = Duration::from_secs(1);
