//! What is told to the store when it is back, and that it is told once.

use std::{sync::Arc, time::Duration};

use posthaste_core::Clock;
use posthaste_storage::{Claim, Unit};
use posthaste_testkit::FakeClock;
use uuid::Uuid;

use crate::{
    scripted::{Mood, Scripted, WELL},
    support::{check, claim, lose, returned, take, truth, used, watched},
};

struct Scene {
    scripted: Arc<Scripted>,
    clock: Arc<FakeClock>,
    standby: posthaste_standby::Standby,
    owner: Uuid,
}

impl Scene {
    fn new() -> Self {
        let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
        let standby = watched(&scripted.stores(), &clock, 1);
        Self { scripted, clock, standby, owner: Uuid::now_v7() }
    }

    /// A request that reserves a place and 500 tokens.
    fn claim(&self) -> Claim {
        let checks = [
            check(Unit::Concurrency, 1, 100),
            check(Unit::Requests, 1, 1_000),
            check(Unit::Tokens, 500, 1_000_000),
        ];
        claim(self.owner, &checks)
    }

    async fn begin(&self) -> Claim {
        let claim = self.claim();
        assert!(take(&self.standby.stores(), &claim, self.clock.now()).await);
        claim
    }

    async fn end(&self, claim: &Claim, tokens: i64) {
        let mut truth = truth(claim, tokens);
        truth.iter_mut().filter(|told| told.counter.unit == Unit::Requests).for_each(|told| told.actual = 1);
        let admission = self.standby.stores().admission;
        admission.settle(claim.lease_ref(), &truth, self.clock.now()).await.unwrap();
    }

    async fn lose(&self, mood: Mood) {
        self.scripted.is(mood);
        lose(&self.standby, &self.clock).await;
    }

    /// The store is back, and was told what it is owed.
    async fn heal(&self) {
        self.scripted.is(WELL);
        returned(&self.standby).await;
        tokio::time::sleep(Duration::from_secs(20)).await;
    }

    /// Requests, tokens, and those who are there now.
    async fn sums(&self) -> [i64; 3] {
        let used = async |unit| used(self.scripted.inner(), self.owner, unit, self.clock.now()).await;
        [used(Unit::Requests).await, used(Unit::Tokens).await, used(Unit::Concurrency).await]
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_ends_while_the_store_is_away_is_settled_afterwards() {
    let scene = Scene::new();
    let leases = [scene.begin().await, scene.begin().await];
    scene.lose(Mood::Gone).await;
    scene.end(&leases[0], 30).await;
    assert_eq!(scene.sums().await, [2, 1_000, 2]);
    scene.heal().await;
    assert_eq!(scene.sums().await, [2, 530, 1]);
    scene.end(&leases[1], 4).await;
    assert_eq!(scene.sums().await, [2, 34, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_was_done_though_nobody_heard_of_it_counts_once() {
    let scene = Scene::new();
    scene.scripted.is(Mood::Mute);
    let unheard = scene.begin().await;
    assert_eq!(scene.sums().await, [1, 500, 1], "the store has done it");
    scene.end(&unheard, 70).await;
    scene.heal().await;
    assert_eq!(scene.sums().await, [1, 70, 0]);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_done_though_nobody_heard_of_it_counts_once() {
    let scene = Scene::new();
    let lease = scene.begin().await;
    scene.scripted.is(Mood::Mute);
    scene.end(&lease, 70).await;
    scene.heal().await;
    assert_eq!(scene.sums().await, [1, 70, 0]);
}

#[tokio::test(start_paused = true)]
async fn whoever_left_before_the_answer_leaves_nothing_behind() {
    let scene = Scene::new();
    scene.scripted.is(Mood::Mute);
    let claim = scene.claim();
    let (stores, now) = (scene.standby.stores(), scene.clock.now());
    let left = tokio::time::timeout(Duration::from_millis(10), stores.admission.reserve(&claim, now)).await;
    assert!(left.is_err());
    assert_eq!(scene.sums().await, [1, 500, 1]);
    scene.lose(Mood::Gone).await;
    stores.admission.settle(claim.lease_ref(), &truth(&claim, 0), now).await.unwrap();
    scene.heal().await;
    assert_eq!(scene.sums().await, [0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_began_without_the_store_holds_its_place_there_until_it_ends() {
    let scene = Scene::new();
    scene.lose(Mood::Gone).await;
    let long = scene.begin().await;
    let short = scene.begin().await;
    scene.end(&short, 20).await;
    scene.heal().await;
    assert_eq!(scene.sums().await, [2, 520, 1], "what is under way counts with its reserve");
    // Its lease is renewed, here and there.
    for _ in 0..6 {
        scene.clock.advance(Duration::from_secs(20));
        let admission = scene.standby.stores().admission;
        assert!(admission.renew(long.lease_ref(), crate::support::TTL, scene.clock.now()).await.unwrap());
    }
    assert_eq!(scene.sums().await, [2, 520, 1]);
    scene.end(&long, 5).await;
    scene.heal().await;
    assert_eq!(scene.sums().await, [2, 25, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_lapsed_meanwhile_is_held_again_and_freed_once() {
    let scene = Scene::new();
    let (held, ended) = (scene.begin().await, scene.begin().await);
    scene.lose(Mood::Gone).await;
    scene.clock.advance(Duration::from_secs(90));
    assert_eq!(scene.sums().await, [2, 1_000, 0], "both have lapsed in the store");
    scene.end(&ended, 30).await;
    scene.heal().await;
    assert_eq!(scene.sums().await, [2, 530, 1]);
    scene.end(&held, 4).await;
    scene.heal().await;
    assert_eq!(scene.sums().await, [2, 34, 0]);
}

#[tokio::test(start_paused = true)]
async fn the_store_may_go_away_again_while_it_is_told() {
    let scene = Scene::new();
    scene.lose(Mood::Gone).await;
    for _ in 0..10 {
        let claim = scene.begin().await;
        scene.end(&claim, 10).await;
    }
    // It does what it is told, but is not heard: the probe fails, and so does whatever comes after it.
    scene.scripted.is(Mood::Mute);
    tokio::time::sleep(Duration::from_secs(5)).await;
    scene.heal().await;
    assert_eq!(scene.sums().await, [10, 100, 0]);
    scene.lose(Mood::Silent).await;
    let claim = scene.begin().await;
    scene.end(&claim, 10).await;
    scene.heal().await;
    assert_eq!(scene.sums().await, [11, 110, 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_owed_is_told_before_the_program_ends() {
    let scene = Scene::new();
    scene.scripted.is(Mood::Mute);
    let claim = scene.begin().await;
    scene.scripted.is(WELL);
    scene.end(&claim, 70).await;
    scene.standby.settle_up().await;
    assert_eq!(scene.sums().await, [1, 70, 0]);
}
