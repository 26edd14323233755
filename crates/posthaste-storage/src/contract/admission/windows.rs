//! Promises of windows: when they open and when they end.

use std::time::Duration;

use posthaste_core::Timestamp;
use uuid::Uuid;

use super::{grant, granted, truth};
use crate::{
    Claim, CounterWindow, Half, LimitCheck, Outcome, StorageError, Stores, Unit,
    contract::{
        Promise,
        fixtures::{NOON, check, claim, concurrency, hour_from, noon_plus, requests, rolling},
    },
};

/// It counts from its first claim on for its length, whatever comes in between, and the next claim opens another.
pub async fn a_rolling_window_opens_with_its_first_claim(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let ask = || claim(owner, vec![rolling(2)]);
    let counter = rolling(2).counter;
    let used_at = async |now| stores.admission.used(Half::Caller, owner, &counter, now).await;
    assert_eq!(used_at(NOON).await?, 0);
    assert!(granted(&stores, &ask(), noon_plus(10)).await?);
    assert!(granted(&stores, &ask(), noon_plus(3_000)).await?);
    assert_eq!(used_at(noon_plus(3_609)).await?, 2);
    assert!(!granted(&stores, &ask(), noon_plus(3_609)).await?);
    assert_eq!(used_at(noon_plus(3_610)).await?, 0);
    assert!(granted(&stores, &ask(), noon_plus(4_000)).await?);
    assert_eq!(used_at(noon_plus(7_599)).await?, 1);
    assert_eq!(used_at(noon_plus(7_600)).await?, 0);
    Ok(())
}

/// A claim that another check refuses does not start the clock.
pub async fn a_refused_claim_opens_no_window(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    assert!(!granted(&stores, &claim(owner, vec![rolling(1), requests(0)]), NOON).await?);
    assert!(granted(&stores, &claim(owner, vec![rolling(1)]), noon_plus(600)).await?);
    assert!(!granted(&stores, &claim(owner, vec![rolling(1)]), noon_plus(3_700)).await?);
    Ok(())
}

/// A long answer that began in an earlier window is settled there and not in the one that is open now.
pub async fn a_late_settlement_leaves_the_next_rolling_window_alone(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let window = CounterWindow::Rolling(Duration::from_secs(3_600));
    let check = check("burst", Unit::Tokens, window, 100, 1_000);
    let long = Claim { ttl: Duration::from_secs(10_000), ..claim(owner, vec![check.clone()]) };
    let next = Claim { ttl: Duration::from_secs(10_000), ..claim(owner, vec![check.clone()]) };
    grant(&stores, &long).await?;
    assert!(granted(&stores, &next, noon_plus(4_000)).await?);
    stores.admission.settle(long.lease_ref(), &[truth(&check, 900)], noon_plus(4_001)).await?;
    let used = |now| stores.admission.used(Half::Caller, owner, &check.counter, now);
    assert_eq!(used(noon_plus(4_001)).await?, 100);
    stores.admission.settle(next.lease_ref(), &[truth(&check, 7)], noon_plus(4_002)).await?;
    assert_eq!(used(noon_plus(4_002)).await?, 7);
    Ok(())
}

/// So that a caller can be told when to come again.
pub async fn a_refusal_tells_when_its_window_ends(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let resets = async |checks: Vec<LimitCheck>, now| -> Result<Option<Timestamp>, StorageError> {
        match stores.admission.reserve(&claim(owner, checks), now).await? {
            Outcome::Refused(refusal) => Ok(refusal.resets_at),
            Outcome::Granted(_) => panic!("it does not fit"),
        }
    };
    assert_eq!(resets(vec![rolling(0)], NOON).await?, None);
    assert!(granted(&stores, &claim(owner, vec![rolling(1)]), noon_plus(60)).await?);
    assert_eq!(resets(vec![rolling(1)], noon_plus(70)).await?, Some(noon_plus(3_660)));
    assert_eq!(resets(vec![requests(0)], NOON).await?, Some(noon_plus(3_600)));
    assert_eq!(resets(vec![concurrency(0)], NOON).await?, None);
    Ok(())
}

/// The next span begins at nothing, and the one before is left as it was.
pub async fn a_span_with_another_start_is_empty(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let now = noon_plus(3_599);
    let this = check("requests", Unit::Requests, hour_from(NOON), 1, 1);
    let next = check("requests", Unit::Requests, hour_from(noon_plus(3_600)), 1, 1);
    assert!(granted(&stores, &claim(owner, vec![this.clone()]), now).await?);
    assert!(!granted(&stores, &claim(owner, vec![this.clone()]), now).await?);

    let overlapping = check("requests", Unit::Requests, hour_from(noon_plus(1_800)), 1, 1);
    assert!(granted(&stores, &claim(owner, vec![overlapping]), now).await?);
    assert_eq!(stores.admission.used(Half::Caller, owner, &this.counter, now).await?, 1);

    assert_eq!(stores.admission.used(Half::Caller, owner, &next.counter, now).await?, 0);
    assert!(granted(&stores, &claim(owner, vec![next.clone()]), noon_plus(3_600)).await?);
    assert!(!granted(&stores, &claim(owner, vec![next]), noon_plus(3_600)).await?);
    Ok(())
}

/// A total counts for ever, however much time passes between two claims.
pub async fn totals_outlive_spans(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let total = check("total", Unit::Cost, CounterWindow::Total, 600, 1_000);
    let a_year = 366 * 24 * 3_600;
    assert!(granted(&stores, &claim(owner, vec![total.clone(), requests(5)]), NOON).await?);
    assert_eq!(stores.admission.used(Half::Caller, owner, &total.counter, noon_plus(a_year)).await?, 600);
    assert!(!granted(&stores, &claim(owner, vec![total]), noon_plus(a_year)).await?);
    Ok(())
}

/// A clock that is set ahead opens the next window early, and that is all: set back, it finds the one before as it was, however
/// often it is moved.
pub async fn a_clock_that_jumps_grants_two_windows_at_most(stores: Stores) -> Promise {
    let moments = [0, 3_601, 10, 3_605, 20, 3_599, 3_700, 5];
    let spans = |now: u64| {
        let start = noon_plus(now / 3_600 * 3_600);
        check("requests", Unit::Requests, hour_from(start), 1, 5)
    };
    let kinds: [&dyn Fn(u64) -> LimitCheck; 2] = [&spans, &|_| rolling(5)];
    for check_at in kinds {
        let (owner, mut passed) = (Uuid::now_v7(), 0);
        for now in moments {
            for _ in 0..7 {
                passed +=
                    i32::from(granted(&stores, &claim(owner, vec![check_at(now)]), noon_plus(now)).await?);
            }
        }
        assert!((6..=10).contains(&passed), "{passed} of 5 in a window");
    }
    Ok(())
}
