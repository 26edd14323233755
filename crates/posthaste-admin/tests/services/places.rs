//! Places that are held of limits on what is done at the same time.

use std::time::Duration;

use posthaste_admin::{NewKey, ReleaseInput};
use posthaste_core::{Limit, Timestamp};
use posthaste_storage::{Claim, Counter, CounterWindow, Half, LeaseId, LimitCheck, Unit};
use uuid::{NoContext, Uuid};

use crate::support::{Bench, quiet};

/// A place that was taken so long ago and lapses in `ttl`.
async fn held(bench: &Bench, owner: Uuid, ago: Duration, ttl: Duration) -> Claim {
    let now = bench.now();
    let seconds = u64::try_from(now.minus(ago).as_micros()).unwrap() / 1_000_000;
    let lease = LeaseId(Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, 0)));
    let counter =
        Counter { name: "at-once".to_owned(), unit: Unit::Concurrency, window: CounterWindow::Held };
    let check = LimitCheck { counter, amount: 1, limit: 9_999, shadow: false, on_loss: Default::default() };
    let claim = Claim { half: Half::Caller, owner, lease, ttl, checks: vec![check] };
    assert!(bench.stores.admission.reserve(&claim, now).await.unwrap().is_granted());
    claim
}

/// A client key that may do as much at once.
async fn key(bench: &Bench) -> Uuid {
    let limit = serde_json::json!({
        "name": "at-once", "unit": "concurrency", "amount": 9_999, "window": { "window": "now" },
    });
    let limits = vec![serde_json::from_value::<Limit>(limit).unwrap()];
    let new = NewKey { name: "team".to_owned(), limits, ..NewKey::default() };
    bench.admin.keys().create(new).await.unwrap().view.id.uuid()
}

async fn is_held(bench: &Bench, claim: &Claim, now: Timestamp) -> bool {
    bench.stores.admission.renew(claim.lease_ref(), claim.ttl, now).await.unwrap()
}

#[tokio::test]
async fn old_places_are_given_back_wherever_they_stand_among_young_ones() {
    let bench = quiet().await;
    let owner = key(&bench).await;
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    // The young ones lapse first, so that they stand in front: more of them than are told at once.
    let mut young = Vec::new();
    for _ in 0..1_500 {
        young.push(held(&bench, owner, minutes(0), minutes(1)).await);
    }
    let mut old = Vec::new();
    for _ in 0..1_200 {
        old.push(held(&bench, owner, minutes(60), minutes(10)).await);
    }
    let input = ReleaseInput { older_than_seconds: 30 * 60 };
    assert_eq!(bench.admin.live().release("team", &input).await.unwrap().released, 1_200);
    for claim in &old {
        assert!(!is_held(&bench, claim, bench.now()).await);
    }
    for claim in &young {
        assert!(is_held(&bench, claim, bench.now()).await);
    }
    assert_eq!(bench.admin.live().release("team", &input).await.unwrap().released, 0);
    let all = ReleaseInput::default();
    assert_eq!(bench.admin.live().release("team", &all).await.unwrap().released, 1_500);
}
