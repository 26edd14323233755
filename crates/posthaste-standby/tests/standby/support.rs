//! Claims, and what counters say.

use std::{sync::Arc, time::Duration};

use posthaste_core::{Clock, OnLoss, Timestamp};
use posthaste_standby::{Standby, StandbyOptions};
use posthaste_storage::FleetSize;
use posthaste_storage::{
    Claim, Counter, CounterWindow, Half, LeaseId, LimitCheck, Outcome, Settlement, Stores, Unit,
};
use posthaste_testkit::FakeClock;
use uuid::Uuid;

pub(crate) const TTL: Duration = Duration::from_secs(60);

/// Watched stores among so many relays.
pub(crate) fn watched(stores: &Stores, clock: &Arc<FakeClock>, relays: usize) -> Standby {
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    Standby::around(
        stores,
        &StandbyOptions { clock, fleet: FleetSize::of(relays), ..StandbyOptions::default() },
    )
}

pub(crate) fn counter(unit: Unit) -> Counter {
    let window = if unit == Unit::Concurrency { CounterWindow::Held } else { CounterWindow::Total };
    Counter { name: unit.as_str().to_owned(), unit, window }
}

pub(crate) fn check(unit: Unit, amount: i64, limit: i64) -> LimitCheck {
    LimitCheck { counter: counter(unit), amount, limit, shadow: false, on_loss: OnLoss::Share }
}

pub(crate) fn claim(owner: Uuid, checks: &[LimitCheck]) -> Claim {
    let checks = checks.to_vec();
    Claim { half: Half::Caller, owner, lease: LeaseId::generate(), ttl: TTL, checks }
}

/// The truth about every counter of the claim that is no concurrency.
pub(crate) fn truth(claim: &Claim, actual: i64) -> Vec<Settlement> {
    claim.checks.iter().map(|check| Settlement { counter: check.counter.clone(), actual }).collect()
}

pub(crate) async fn take(stores: &Stores, claim: &Claim, now: Timestamp) -> bool {
    stores.admission.reserve(claim, now).await.unwrap().is_granted()
}

pub(crate) async fn refusal(stores: &Stores, claim: &Claim, now: Timestamp) -> posthaste_storage::Refusal {
    match stores.admission.reserve(claim, now).await.unwrap() {
        Outcome::Refused(refusal) => refusal,
        Outcome::Granted(standings) => panic!("granted: {standings:?}"),
    }
}

/// What the store itself says.
pub(crate) async fn used(stores: &Stores, owner: Uuid, unit: Unit, now: Timestamp) -> i64 {
    stores.admission.used(Half::Caller, owner, &counter(unit), now).await.unwrap()
}

/// Tries until it holds; with a stopped clock of tokio's that takes no time.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..3_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("waited in vain for {what}");
}

/// Has the store lost to who watches.
pub(crate) async fn lose(standby: &Standby, clock: &FakeClock) {
    for _ in 0..5 {
        let stores = standby.stores();
        let claim = claim(Uuid::now_v7(), &[]);
        let _ = stores.admission.reserve(&claim, clock.now()).await;
        stores.admission.settle(claim.lease_ref(), &[], clock.now()).await.unwrap();
    }
    assert!(standby.health().is_lost());
}

pub(crate) async fn returned(standby: &Standby) {
    eventually("the store's return", async || !standby.health().is_lost()).await;
}
