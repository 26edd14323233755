//! What limits do while the store is away.

use std::{sync::Arc, time::Duration};

use posthaste_core::{Clock, OnLoss};
use posthaste_storage::{LimitCheck, StorageError, Unit};
use posthaste_testkit::FakeClock;
use uuid::Uuid;

use crate::{
    scripted::{Mood, Scripted, WELL},
    support::{check, claim, lose, refusal, returned, take, truth, used, watched},
};

#[tokio::test(start_paused = true)]
async fn two_relays_grant_no_more_than_the_limit_and_count_it_afterwards() {
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let relays = [watched(&scripted.stores(), &clock, 2), watched(&scripted.stores(), &clock, 2)];
    let (owner, now) = (Uuid::now_v7(), clock.now());
    let checks = [check(Unit::Requests, 1, 100), check(Unit::Tokens, 10, 1_000_000)];
    for relay in relays.iter().cycle().take(20) {
        let claim = claim(owner, &checks);
        assert!(take(&relay.stores(), &claim, now).await);
        relay.stores().admission.settle(claim.lease_ref(), &truth(&claim, 1), now).await.unwrap();
    }
    scripted.is(Mood::Gone);
    let mut granted = 0;
    for relay in &relays {
        lose(relay, &clock).await;
        for _ in 0..100 {
            let claim = claim(owner, &checks);
            if take(&relay.stores(), &claim, now).await {
                granted += 1;
                relay.stores().admission.settle(claim.lease_ref(), &truth(&claim, 1), now).await.unwrap();
            }
        }
    }
    // The first relay had seen 19, the second 20; both grant half of what was left.
    assert_eq!(granted, 40 + 40);
    scripted.is(WELL);
    for relay in &relays {
        returned(relay).await;
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    let store = scripted.inner();
    assert_eq!(used(store, owner, Unit::Requests, now).await, 100);
    assert_eq!(used(store, owner, Unit::Tokens, now).await, 100);
    let told = refusal(&relays[0].stores(), &claim(owner, &checks), now).await;
    assert_eq!((told.used, told.limit), (100, 100));
}

#[tokio::test(start_paused = true)]
async fn of_a_limit_of_which_nothing_is_known_each_relay_has_its_part_and_one_at_least() {
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let standby = watched(&scripted.stores(), &clock, 4);
    scripted.is(Mood::Gone);
    lose(&standby, &clock).await;
    let (stores, now) = (standby.stores(), clock.now());
    let granted = async |check: LimitCheck| {
        let owner = Uuid::now_v7();
        for granted in 0..100 {
            if !take(&stores, &claim(owner, std::slice::from_ref(&check)), now).await {
                return granted;
            }
        }
        100
    };
    assert_eq!(granted(check(Unit::Requests, 1, 40)).await, 10);
    assert_eq!(granted(check(Unit::Requests, 1, 2)).await, 1);
    assert_eq!(granted(check(Unit::Requests, 1, 0)).await, 0);
    assert_eq!(granted(check(Unit::Concurrency, 1, 3)).await, 1);
    assert_eq!(granted(check(Unit::Cost, 30, 400)).await, 3);
    assert_eq!(granted(LimitCheck { shadow: true, ..check(Unit::Requests, 1, 1) }).await, 100);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_tells_what_is_known() {
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let standby = watched(&scripted.stores(), &clock, 2);
    let (stores, owner, now) = (standby.stores(), Uuid::now_v7(), clock.now());
    let checks = [check(Unit::Requests, 1, 10)];
    for _ in 0..4 {
        assert!(take(&stores, &claim(owner, &checks), now).await);
    }
    scripted.is(Mood::Gone);
    lose(&standby, &clock).await;
    for _ in 0..3 {
        assert!(take(&stores, &claim(owner, &checks), now).await);
    }
    let told = refusal(&stores, &claim(owner, &checks), now).await;
    assert_eq!((told.used, told.limit), (7, 7));
}

#[tokio::test(start_paused = true)]
async fn a_closed_limit_refuses_and_an_open_one_does_not() {
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let standby = watched(&scripted.stores(), &clock, 2);
    let (stores, owner, now) = (standby.stores(), Uuid::now_v7(), clock.now());
    let of = |on_loss| LimitCheck { on_loss, ..check(Unit::Requests, 1, 10) };
    scripted.is(Mood::Gone);
    lose(&standby, &clock).await;
    let closed = claim(Uuid::now_v7(), &[of(OnLoss::Closed)]);
    let error = stores.admission.reserve(&closed, now).await.unwrap_err();
    assert!(matches!(error, StorageError::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().contains("limit `requests` is closed"), "{error}");
    // Whoever was refused tells the end of its claim all the same.
    stores.admission.settle(closed.lease_ref(), &truth(&closed, 0), now).await.unwrap();
    for _ in 0..30 {
        assert!(take(&stores, &claim(owner, &[of(OnLoss::Open)]), now).await);
    }
    let watching = LimitCheck { shadow: true, ..of(OnLoss::Closed) };
    assert!(take(&stores, &claim(Uuid::now_v7(), &[watching]), now).await, "a shadow refuses nobody");
    scripted.is(WELL);
    returned(&standby).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(used(scripted.inner(), owner, Unit::Requests, now).await, 30, "what was let through counts");
    assert_eq!(used(scripted.inner(), closed.owner, Unit::Requests, now).await, 0);
}

#[tokio::test(start_paused = true)]
async fn concurrency_that_the_store_had_granted_is_free_again_when_it_ends() {
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let standby = watched(&scripted.stores(), &clock, 2);
    let (stores, owner, now) = (standby.stores(), Uuid::now_v7(), clock.now());
    let checks = [check(Unit::Concurrency, 1, 6)];
    let before: Vec<_> = (0..6).map(|_| claim(owner, &checks)).collect();
    for claim in &before {
        assert!(take(&stores, claim, now).await);
    }
    scripted.is(Mood::Gone);
    lose(&standby, &clock).await;
    // One at least, though the other relay may think the same.
    assert!(take(&stores, &claim(owner, &checks), now).await);
    assert!(!take(&stores, &claim(owner, &checks), now).await);
    for ended in &before[..4] {
        stores.admission.settle(ended.lease_ref(), &[], now).await.unwrap();
    }
    for _ in 0..4 {
        assert!(take(&stores, &claim(owner, &checks), now).await);
    }
    assert!(!take(&stores, &claim(owner, &checks), now).await);
}

#[tokio::test(start_paused = true)]
async fn what_ended_before_the_loss_is_known_to_be_free() {
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let standby = watched(&scripted.stores(), &clock, 2);
    let (stores, owner, now) = (standby.stores(), Uuid::now_v7(), clock.now());
    let checks = [check(Unit::Concurrency, 1, 6), check(Unit::Tokens, 500, 4_000)];
    for _ in 0..4 {
        let claim = claim(owner, &checks);
        assert!(take(&stores, &claim, now).await);
        stores.admission.settle(claim.lease_ref(), &truth(&claim, 250), now).await.unwrap();
    }
    scripted.is(Mood::Gone);
    lose(&standby, &clock).await;
    // Half of the places, and half of the 3,000 tokens that are left.
    for _ in 0..3 {
        assert!(take(&stores, &claim(owner, &checks), now).await);
    }
    assert_eq!(refusal(&stores, &claim(owner, &checks[..1]), now).await.counter.unit, Unit::Concurrency);
    assert_eq!(refusal(&stores, &claim(owner, &checks[1..]), now).await.counter.unit, Unit::Tokens);
}
