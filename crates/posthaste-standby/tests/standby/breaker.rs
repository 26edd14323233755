//! The deadline, and who reaches the store.

use std::{sync::Arc, time::Duration};

use posthaste_core::Clock;
use posthaste_storage::{Expect, RecordKind, StorageError, Unit};
use posthaste_testkit::FakeClock;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    scripted::{Mood, Scripted, WELL},
    support::{check, claim, lose, returned, take, used, watched},
};

#[tokio::test(start_paused = true)]
async fn a_request_waits_no_longer_than_the_deadline() {
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let standby = watched(&scripted.stores(), &clock, 1);
    scripted.is(Mood::Silent);
    let (claim, begun) = (claim(Uuid::now_v7(), &[check(Unit::Requests, 1, 10)]), Instant::now());
    assert!(take(&standby.stores(), &claim, clock.now()).await, "it is decided here");
    assert_eq!(begun.elapsed(), Duration::from_millis(50));
    assert!(!standby.health().is_lost(), "one late answer is no outage");
    assert_eq!(standby.health().failures(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_slow_but_in_time_is_left_alone() {
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let standby = watched(&scripted.stores(), &clock, 1);
    scripted.is(Mood::Well(Duration::from_millis(49)));
    let owner = Uuid::now_v7();
    for _ in 0..20 {
        assert!(take(&standby.stores(), &claim(owner, &[check(Unit::Requests, 1, 20)]), clock.now()).await);
    }
    assert_eq!((standby.health().failures(), standby.health().is_lost()), (0, false));
    scripted.is(WELL);
    assert_eq!(used(scripted.inner(), owner, Unit::Requests, clock.now()).await, 20);
}

#[tokio::test(start_paused = true)]
async fn after_five_failures_in_a_row_no_call_reaches_the_store() {
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let standby = watched(&scripted.stores(), &clock, 1);
    scripted.is(Mood::Silent);
    let owner = Uuid::now_v7();
    let ask = async || {
        take(&standby.stores(), &claim(owner, &[check(Unit::Requests, 1, 1_000)]), clock.now()).await
    };
    for _ in 0..5 {
        assert!(!standby.health().is_lost());
        assert!(ask().await);
    }
    let loss = standby.health().loss().expect("the store is lost");
    assert_eq!(loss.since, clock.now());
    assert!(loss.reason.contains("no answer within 50 ms"), "{}", loss.reason);
    let (calls, begun) = (scripted.calls(), Instant::now());
    for _ in 0..100 {
        assert!(ask().await);
    }
    assert_eq!((scripted.calls(), begun.elapsed()), (calls, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn one_probe_each_second_finds_the_store_again() {
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let standby = watched(&scripted.stores(), &clock, 1);
    scripted.is(Mood::Gone);
    lose(&standby, &clock).await;
    let calls = scripted.calls();
    tokio::time::sleep(Duration::from_millis(10_500)).await;
    assert_eq!(
        scripted.calls() - calls,
        10,
        "one call each: the rest of a look is left out when the first fails"
    );
    scripted.is(Mood::Well(Duration::from_millis(60)));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(standby.health().is_lost(), "an answer that comes too late is none");
    scripted.is(WELL);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!standby.health().is_lost());
    let (owner, calls) = (Uuid::now_v7(), scripted.calls());
    assert!(take(&standby.stores(), &claim(owner, &[check(Unit::Requests, 1, 1)]), clock.now()).await);
    assert!(scripted.calls() > calls);
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_between_begins_the_count_anew() {
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let standby = watched(&scripted.stores(), &clock, 1);
    for _ in 0..3 {
        scripted.is(Mood::Gone);
        for _ in 0..4 {
            take(&standby.stores(), &claim(Uuid::now_v7(), &[]), clock.now()).await;
        }
        scripted.is(WELL);
        take(&standby.stores(), &claim(Uuid::now_v7(), &[]), clock.now()).await;
    }
    assert!(!standby.health().is_lost());
}

#[tokio::test(start_paused = true)]
async fn what_the_store_answers_is_no_failure() {
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let stores = watched(&scripted.stores(), &clock, 1);
    let config = stores.stores().config;
    for _ in 0..10 {
        let id = Uuid::now_v7();
        let put = config.put(RecordKind::Account, id, None, "{}".to_owned(), Expect::Version(3)).await;
        assert!(matches!(put, Err(StorageError::Conflict { .. })), "{put:?}");
    }
    assert_eq!((stores.health().failures(), stores.health().is_lost()), (0, false));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_only_reads_is_away() {
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let standby = watched(&scripted.stores(), &clock, 1);
    scripted.is(Mood::ReadOnly);
    for _ in 0..5 {
        take(&standby.stores(), &claim(Uuid::now_v7(), &[]), clock.now()).await;
        // Reading goes well, and is no sign that all is.
        assert!(standby.health().is_lost() || standby.stores().config.revision().await.is_ok());
    }
    let reason = standby.health().loss().expect("writes are what limits need").reason;
    assert!(reason.contains("READONLY"), "{reason}");
    scripted.is(WELL);
    returned(&standby).await;
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_never_given_without_the_store() {
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let standby = watched(&scripted.stores(), &clock, 1);
    scripted.is(Mood::Gone);
    lose(&standby, &clock).await;
    let (calls, locks) = (scripted.calls(), standby.stores().locks);
    let taken = locks.acquire("token", Uuid::now_v7(), Duration::from_secs(1), clock.now()).await;
    assert!(matches!(taken, Err(StorageError::Unavailable { .. })), "{taken:?}");
    assert_eq!(scripted.calls(), calls);
}
