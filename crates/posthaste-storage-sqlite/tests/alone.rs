//! Counters of a process that is alone with its file outlive it, and meet those of another.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::{path::Path, time::Duration};

use posthaste_core::Timestamp;
use posthaste_storage::{
    Claim, Counter, CounterWindow, Half, LeaseId, LimitCheck, Settlement, Stores, Unit, contract::NOON,
};
use posthaste_storage_sqlite::SqliteStores;
use uuid::Uuid;

const OWNER: Uuid = Uuid::from_u128(7);

fn counters() -> [Counter; 4] {
    let named = |name: &str, unit, window| Counter { name: name.to_owned(), unit, window };
    let day = CounterWindow::Span { start: NOON, end: NOON.plus(Duration::from_secs(86_400)) };
    [
        named("total", Unit::Requests, CounterWindow::Total),
        named("day", Unit::Cost, day),
        named("hour", Unit::Tokens, CounterWindow::Rolling(Duration::from_secs(3_600))),
        named("at-once", Unit::Concurrency, CounterWindow::Held),
    ]
}

fn claim() -> Claim {
    let check = |counter| LimitCheck {
        counter,
        amount: 10,
        limit: 1_000,
        shadow: false,
        on_loss: Default::default(),
    };
    let checks = counters().map(check).to_vec();
    let (half, ttl) = (Half::Caller, Duration::from_secs(60));
    Claim { half, owner: OWNER, lease: LeaseId::generate(), ttl, checks }
}

async fn used(stores: &Stores, now: Timestamp) -> [i64; 4] {
    let mut used = [0; 4];
    for (used, counter) in used.iter_mut().zip(counters()) {
        *used = stores.admission.used(Half::Caller, OWNER, &counter, now).await.unwrap();
    }
    used
}

/// Waits until the file holds what `want` says.
async fn until_saved(path: &Path, want: [i64; 4]) {
    let beside = SqliteStores::open(path).unwrap();
    for _ in 0..500 {
        if used(&beside.stores(), NOON).await == want {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(used(&beside.stores(), NOON).await, want);
}

#[tokio::test]
async fn what_was_reserved_is_saved_without_a_close_and_its_lease_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    let killed = SqliteStores::open_alone(&path).unwrap();
    assert!(killed.stores().admission.reserve(&claim(), NOON).await.unwrap().is_granted());
    assert_eq!(used(&killed.stores(), NOON).await, [10, 10, 10, 10]);
    until_saved(&path, [10, 10, 10, 0]).await;
    let next = SqliteStores::open_alone(&path).unwrap();
    assert_eq!(used(&next.stores(), NOON).await, [10, 10, 10, 0]);
    // The window that was open goes on; a later one is another.
    let later = NOON.plus(Duration::from_secs(3_600));
    assert_eq!(used(&next.stores(), later).await, [10, 10, 0, 0]);
}

#[tokio::test]
async fn a_close_saves_the_truth_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    let opened = SqliteStores::open_alone(&path).unwrap();
    let claim = claim();
    let stores = opened.stores();
    assert!(stores.admission.reserve(&claim, NOON).await.unwrap().is_granted());
    let [total, day, hour, _] = counters();
    let truth = [(total, 1), (day, 3), (hour, 25)].map(|(counter, actual)| Settlement { counter, actual });
    stores.admission.settle(claim.lease_ref(), &truth, NOON).await.unwrap();
    opened.close().await.unwrap();
    assert_eq!(used(&SqliteStores::open(&path).unwrap().stores(), NOON).await, [1, 3, 25, 0]);
}

#[tokio::test]
async fn two_for_a_while_lose_nothing_of_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    let (old, new) = (SqliteStores::open_alone(&path).unwrap(), SqliteStores::open_alone(&path).unwrap());
    for _ in 0..3 {
        old.stores().admission.reserve(&claim(), NOON).await.unwrap();
        new.stores().admission.reserve(&claim(), NOON).await.unwrap();
    }
    until_saved(&path, [60, 60, 60, 0]).await;
    // The next save tells each of the other's.
    new.stores().admission.reserve(&claim(), NOON).await.unwrap();
    until_saved(&path, [70, 70, 70, 0]).await;
    for _ in 0..500 {
        if used(&new.stores(), NOON).await == [70, 70, 70, 40] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(used(&new.stores(), NOON).await, [70, 70, 70, 40]);
}

#[tokio::test]
async fn windows_that_are_over_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    let opened = SqliteStores::open_alone(&path).unwrap();
    opened.stores().admission.reserve(&claim(), NOON).await.unwrap();
    until_saved(&path, [10, 10, 10, 0]).await;
    let after = NOON.plus(Duration::from_secs(2 * 86_400));
    opened.stores().admission.reserve(&claim(), after).await.unwrap();
    opened.close().await.unwrap();
    // Asked as of then, the file knows nothing any more of the windows of that day.
    assert_eq!(used(&SqliteStores::open(&path).unwrap().stores(), NOON).await[1], 0);
}

#[tokio::test]
async fn k1_a_clock_that_was_days_ahead_leaves_limits_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    let opened = SqliteStores::open_alone(&path).unwrap();
    let ahead = NOON.plus(Duration::from_secs(3 * 86_400));
    let mut early = claim();
    early.checks.retain(|check| check.counter.name != "day");
    opened.stores().admission.reserve(&early, ahead).await.unwrap();
    // Back again: what is counted now stays counted, however often it is saved.
    for claims in 1..=4 {
        assert!(opened.stores().admission.reserve(&claim(), NOON).await.unwrap().is_granted());
        until_day_is_saved(&path, claims * 10).await;
        assert_eq!(used(&opened.stores(), NOON).await[1], claims * 10);
    }
}

async fn until_day_is_saved(path: &Path, want: i64) {
    let beside = SqliteStores::open(path).unwrap();
    for _ in 0..500 {
        if used(&beside.stores(), NOON).await[1] == want {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(used(&beside.stores(), NOON).await[1], want);
}
