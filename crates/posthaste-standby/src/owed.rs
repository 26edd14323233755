//! What is owed to the store: ends of leases and counts that it could not be told, in the order of their coming. Bounded.

use std::{collections::VecDeque, time::Duration};

use parking_lot::Mutex;
use posthaste_core::Timestamp;
use posthaste_storage::{
    AdmissionStore, Claim, Counter, CounterAmount, CounterWindow, LeaseId, LeaseRef, LimitCheck, Settlement,
    StorageError,
};
use tokio::{sync::Notify, time::Instant};

use crate::seen::Taken;

/// One thing that the store is to be told. Telling it twice is as telling it once.
#[derive(Clone, Debug)]
pub(crate) enum Debt {
    /// The end of a lease that the store surely held.
    End { taken: Taken, truth: Vec<Settlement> },
    /// The end of a lease that the store holds perhaps; `again` when it is to be told once more later.
    EndPerhaps { lease: LeaseRef, truth: Vec<Settlement>, again: bool },
    /// What was counted elsewhere. The claim's lease makes it count once; `counted` when the store has answered that it did.
    Count { claim: Claim, counted: bool },
}

impl Debt {
    /// Takes back a claim whose outcome is not known.
    pub(crate) fn undoing(claim: &Claim) -> Self {
        let nothing = |(counter, _): (&Counter, i64)| Settlement { counter: counter.clone(), actual: 0 };
        let truth = claim.sums().map(nothing).collect();
        Self::EndPerhaps { lease: claim.lease_ref(), truth, again: true }
    }

    /// Gives back what a lease holds; what it reserved of windows stays counted.
    pub(crate) fn freeing(lease: LeaseRef) -> Self {
        Self::EndPerhaps { lease, truth: Vec::new(), again: false }
    }

    /// Tells the store. What is left to be told then, or the debt as it stands after a failure.
    pub(crate) async fn pay(
        self,
        store: &dyn AdmissionStore,
        now: Timestamp,
    ) -> Result<Option<(Self, Duration)>, (Self, StorageError)> {
        match self {
            Self::End { taken, truth } => end(store, taken, truth, now).await,
            Self::EndPerhaps { lease, truth, again } => match store.settle(lease, &truth, now).await {
                Ok(()) => {
                    // A claim that was under way when it was given up may reach the store only now.
                    Ok(again.then_some((Self::EndPerhaps { lease, truth, again: false }, ONCE_MORE)))
                }
                Err(error) => Err((Self::EndPerhaps { lease, truth, again }, error)),
            },
            Self::Count { claim, counted } => count(store, claim, counted, now).await,
        }
    }
}

async fn end(
    store: &dyn AdmissionStore,
    taken: Taken,
    truth: Vec<Settlement>,
    now: Timestamp,
) -> Result<Option<(Debt, Duration)>, (Debt, StorageError)> {
    let lease = taken.claim.lease_ref();
    let held = match taken.lapsed {
        true => Ok(false),
        false => store.renew(lease, taken.claim.ttl, now).await,
    };
    match held {
        Err(error) => Err((Debt::End { taken, truth }, error)),
        Ok(true) => match store.settle(lease, &truth, now).await {
            Ok(()) => Ok(None),
            // Perhaps it was told: asking whether the lease is held would mislead from now on.
            Err(error) => Err((Debt::EndPerhaps { lease, truth, again: false }, error)),
        },
        // It lapsed, and what it reserved stays counted: the difference is counted instead. What was taken anew of it ends.
        Ok(false) => {
            let mended = async {
                store.settle(lease, &[], now).await?;
                difference(store, &taken.claim, &truth, now).await
            };
            match mended.await {
                Ok(claim) if claim.checks.is_empty() => Ok(None),
                Ok(claim) => Ok(Some((Debt::Count { claim, counted: false }, Duration::ZERO))),
                Err(error) => Err((Debt::End { taken: Taken { lapsed: true, ..taken }, truth }, error)),
            }
        }
    }
}

/// What has to be added to the counters of a lease that lapsed for them to tell the truth.
async fn difference(
    store: &dyn AdmissionStore,
    claim: &Claim,
    truth: &[Settlement],
    now: Timestamp,
) -> Result<Claim, StorageError> {
    let mut checks = Vec::new();
    for (counter, reserved) in claim.sums().filter(|(counter, _)| !counter.is_held()) {
        let Some(told) = truth.iter().find(|told| told.counter.is_same(counter)) else { continue };
        let used = store.used(claim.half, claim.owner, counter, now).await?;
        let amount = match counter.window {
            _ if used >= reserved => told.actual.saturating_sub(reserved),
            // Another window than the one in which it was reserved.
            CounterWindow::Rolling(_) => continue,
            // The store has forgotten what was reserved.
            _ => told.actual,
        };
        if amount != 0 {
            checks.push(counted(counter.clone(), amount));
        }
    }
    Ok(Claim { lease: LeaseId::generate(), ttl: COUNTED_ONCE, checks, ..claim.clone() })
}

async fn count(
    store: &dyn AdmissionStore,
    claim: Claim,
    counted: bool,
    now: Timestamp,
) -> Result<Option<(Debt, Duration)>, (Debt, StorageError)> {
    if !counted {
        let adding = async {
            let mut claim = claim.clone();
            // A counter that the store has forgotten must not go below nothing, which would be a gift.
            for check in claim.checks.iter_mut().filter(|check| check.amount < 0) {
                let used = store.used(claim.half, claim.owner, &check.counter, now).await?;
                check.amount = check.amount.max(used.max(0).saturating_neg());
            }
            store.reserve(&claim, now).await
        };
        if let Err(error) = adding.await {
            return Err((Debt::Count { claim, counted }, error));
        }
    }
    // The lease has done its work. Nothing is told of its counters, so that they keep what it reserved.
    match store.settle(claim.lease_ref(), &[], now).await {
        Ok(()) => Ok(None),
        Err(error) => Err((Debt::Count { claim, counted: true }, error)),
    }
}

/// The claims that add what counters gained to the store's, one for each owner.
pub(crate) fn claims_of(gained: Vec<CounterAmount>, now: Timestamp) -> Vec<Claim> {
    let mut claims: Vec<Claim> = Vec::new();
    for gained in gained.into_iter().filter(|gained| gained.amount != 0) {
        let Some(window) = window_of(&gained, now) else { continue };
        let counter = Counter { name: gained.name, unit: gained.unit, window };
        let check = counted(counter, gained.amount);
        let same = |claim: &&mut Claim| claim.half == gained.half && claim.owner == gained.owner;
        // An owner's counters come one after the other.
        match claims.last_mut().filter(same) {
            Some(claim) => claim.checks.push(check),
            None => claims.push(Claim {
                half: gained.half,
                owner: gained.owner,
                lease: LeaseId::generate(),
                ttl: COUNTED_ONCE,
                checks: vec![check],
            }),
        }
    }
    claims
}

/// `None` for a window that is over.
fn window_of(gained: &CounterAmount, now: Timestamp) -> Option<CounterWindow> {
    match (gained.start, gained.end) {
        (_, Some(end)) if end <= now => None,
        (Some(start), Some(end)) if gained.rolling => Some(CounterWindow::Rolling(end.since(start))),
        (Some(start), Some(end)) => Some(CounterWindow::Span { start, end }),
        _ => Some(CounterWindow::Total),
    }
}

fn counted(counter: Counter, amount: i64) -> LimitCheck {
    LimitCheck { counter, amount, limit: i64::MAX, shadow: true, on_loss: Default::default() }
}

/// All debts.
#[derive(Default)]
pub(crate) struct Debts {
    queue: Mutex<VecDeque<(Instant, Debt)>>,
    came: Notify,
}

impl Debts {
    /// Takes a debt on, due after `wait`; `false` when there are too many, and this one is forgotten.
    pub(crate) fn owe(&self, debt: Debt, wait: Duration) -> bool {
        let mut queue = self.queue.lock();
        if queue.len() >= MOST_DEBTS {
            return false;
        }
        queue.push_back((Instant::now() + wait, debt));
        drop(queue);
        self.came.notify_one();
        true
    }

    /// Takes debts that are due, the oldest first.
    pub(crate) fn take_due(&self, most: usize) -> Vec<Debt> {
        let (mut queue, now) = (self.queue.lock(), Instant::now());
        let (mut taken, mut at) = (Vec::new(), 0);
        while taken.len() < most && at < queue.len() {
            match queue.get(at) {
                Some((due, _)) if *due <= now => taken.extend(queue.remove(at).map(|(_, debt)| debt)),
                _ => at += 1,
            }
        }
        taken
    }

    /// Whether counts are among them.
    pub(crate) fn has_counts(&self) -> bool {
        self.queue.lock().iter().any(|(_, debt)| matches!(debt, Debt::Count { .. }))
    }

    /// How many there are, those included that are not due yet.
    pub(crate) fn len(&self) -> usize {
        self.queue.lock().len()
    }

    /// Ends the wait for a debt.
    pub(crate) fn wake(&self) {
        self.came.notify_one();
    }

    /// Waits until a debt comes.
    pub(crate) async fn came(&self) {
        self.came.notified().await;
    }
}

/// Some 30 MB.
const MOST_DEBTS: usize = 50_000;

/// Longer than any command that was given up can still be on its way in a connection.
const ONCE_MORE: Duration = Duration::from_secs(5);

/// For so long a repeated count is known for what it is.
const COUNTED_ONCE: Duration = Duration::from_secs(86_400);
