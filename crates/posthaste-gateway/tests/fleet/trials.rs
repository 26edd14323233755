//! An account whose rest is over is tried by one relay of all.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join_all;
use posthaste_core::{AccountId, InstanceId, Timestamp};
use posthaste_gateway::Membership;
use posthaste_storage::{
    FleetHealth, FleetStore, Mark, Member, News, NewsPage, StorageError, Stores, TrialAnswer, TrialHolder,
    memory::MemoryStores,
};
use rstest::rstest;

use crate::{
    fleet::{Does, Fleet, Place, Upstream},
    pair::eventually,
    support::{Rig, at, whole},
};

#[rstest]
#[case::memory(Place::Memory)]
#[case::redis(Place::Redis)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_eight_relays_one_tries(#[case] place: Place) {
    let fleet = Fleet::new(place, 8, 1).await;
    let account = fleet.accounts[0];
    fleet.upstream.lets(account, Does::Limit(60));
    fleet.relays[0].read(&whole()).await.unwrap_err();
    eventually("all to learn", || (0..8).all(|relay| fleet.rests(relay, 0))).await;
    fleet.advance(62);
    fleet.upstream.lets(account, Does::ServeLater);
    // Four clients at each relay ask while the trial goes on.
    let clients = (0..32).map(|number| {
        let relay = Arc::clone(&fleet.relays[number % 8]);
        tokio::spawn(async move { relay.read(&whole()).await.is_ok() })
    });
    let clients: Vec<_> = clients.collect();
    eventually("all but one to be refused", || {
        clients.iter().filter(|client| client.is_finished()).count() == 31
    })
    .await;
    // The others may be refused before the trial has come as far as the upstream.
    eventually("the trial to be under way", || fleet.upstream.asked(account) >= 2).await;
    assert_eq!(fleet.upstream.asked(account), 2, "one for the limit, one trial");
    fleet.upstream.gate.add_permits(1);
    let served = join_all(clients).await.into_iter().filter(|served| *served.as_ref().unwrap()).count();
    assert_eq!(served, 1);
    eventually("all to learn", || (0..8).all(|relay| fleet.is_well(relay, 0))).await;
    fleet.upstream.lets(account, Does::Serve);
    for relay in &fleet.relays {
        assert_eq!(relay.read(&whole()).await.unwrap().status, 200);
    }
}

#[rstest]
#[case::memory(Place::Memory)]
#[case::redis(Place::Redis)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_trial_that_fails_is_no_reason_for_another(#[case] place: Place) {
    let fleet = Fleet::new(place, 4, 1).await;
    let account = fleet.accounts[0];
    fleet.upstream.lets(account, Does::Limit(60));
    for round in 1..4 {
        let asking = fleet.relays.iter().map(|relay| async move { relay.read(&whole()).await.is_ok() });
        if round == 1 {
            fleet.relays[0].read(&whole()).await.unwrap_err();
        } else {
            assert!(join_all(asking).await.into_iter().all(|served| !served));
        }
        eventually("all to learn", || (0..4).all(|relay| fleet.rests(relay, 0))).await;
        assert_eq!(fleet.upstream.asked(account), round, "one a rest");
        fleet.advance(62);
    }
}

#[rstest]
#[case::memory(Place::Memory)]
#[case::redis(Place::Redis)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_trial_of_a_relay_that_died_is_made_by_another(#[case] place: Place) {
    let mut fleet = Fleet::new(place, 2, 1).await;
    let account = fleet.accounts[0];
    fleet.upstream.lets(account, Does::Limit(60));
    fleet.relays[0].read(&whole()).await.unwrap_err();
    eventually("the other to learn", || fleet.rests(1, 0)).await;
    fleet.advance(62);
    fleet.upstream.lets(account, Does::ServeLater);
    let relay = Arc::clone(&fleet.relays[0]);
    let trying = tokio::spawn(async move { relay.read(&whole()).await.map(drop).unwrap_or_default() });
    eventually("the trial", || fleet.upstream.held.load(Ordering::SeqCst) == 1).await;
    fleet.kill(0).await;
    trying.abort();
    fleet.upstream.lets(account, Does::Serve);
    fleet.relays[1].read(&whole()).await.expect_err("the dead relay has the trial");
    fleet.advance(59);
    fleet.relays[1].read(&whole()).await.expect_err("it still has it");
    fleet.advance(2);
    assert_eq!(fleet.relays[1].read(&whole()).await.unwrap().status, 200);
    assert_eq!(fleet.upstream.asked(account), 3);
}

#[rstest]
#[case::memory(Place::Memory)]
#[case::redis(Place::Redis)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_trial_whose_client_leaves_is_made_by_another(#[case] place: Place) {
    let fleet = Fleet::new(place, 2, 1).await;
    let account = fleet.accounts[0];
    fleet.upstream.lets(account, Does::Limit(60));
    fleet.relays[0].read(&whole()).await.unwrap_err();
    eventually("the other to learn", || fleet.rests(1, 0)).await;
    fleet.advance(62);
    fleet.upstream.lets(account, Does::ServeLater);
    let relay = Arc::clone(&fleet.relays[0]);
    let trying = tokio::spawn(async move { relay.read(&whole()).await.map(drop).unwrap_or_default() });
    eventually("the trial", || fleet.upstream.held.load(Ordering::SeqCst) == 1).await;
    fleet.upstream.lets(account, Does::Serve);
    trying.abort();
    // Whether the end of the trial has been told, only the next question shows; no more of them than before it would lapse.
    for _ in 0..50 {
        if fleet.relays[1].read(&whole()).await.is_ok() {
            return;
        }
        fleet.advance(1);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("waited in vain for the trial");
}

/// Where the store does not answer, each relay decides alone, as it did before there were others.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_that_does_not_answer_keeps_nobody_from_trying() {
    let stores = MemoryStores::stores();
    let fleet = Arc::new(Mute(Arc::clone(&stores.fleet)));
    let upstream = Arc::new(Upstream::default());
    let account = at("a0", "https://a0.test".to_owned(), 50);
    let id = account.id;
    let rig = Rig::on(vec![account], Arc::clone(&upstream) as _, Stores { fleet, ..stores }).await;
    let membership = Membership { patience: Duration::from_millis(50), ..Membership::default() };
    let (relay, size) = (rig.relay.clone(), membership.size.clone());
    size.set(9);
    let joined = tokio::spawn(async move { relay.join_fleet(&membership).await });
    eventually("it to join", || size.get() == 1).await;
    upstream.lets(id, Does::Limit(60));
    rig.read(&whole()).await.unwrap_err();
    rig.clock.advance(Duration::from_secs(62));
    upstream.lets(id, Does::Serve);
    assert_eq!(rig.read(&whole()).await.unwrap().status, 200);
    joined.abort();
}

/// Does not say who may try an account.
struct Mute(Arc<dyn FleetStore>);

#[async_trait]
impl FleetStore for Mute {
    async fn announce(
        &self,
        member: &Member,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Vec<Member>, StorageError> {
        self.0.announce(member, ttl, now).await
    }

    async fn leave(&self, id: InstanceId) -> Result<(), StorageError> {
        self.0.leave(id).await
    }

    async fn instances(&self, now: Timestamp) -> Result<Vec<Member>, StorageError> {
        self.0.instances(now).await
    }

    async fn tell(&self, news: &News, now: Timestamp) -> Result<(), StorageError> {
        self.0.tell(news, now).await
    }

    async fn health(&self, now: Timestamp) -> Result<FleetHealth, StorageError> {
        self.0.health(now).await
    }

    async fn news(&self, mark: Mark) -> Result<NewsPage, StorageError> {
        self.0.news(mark).await
    }

    async fn try_trial(
        &self,
        _: AccountId,
        _: TrialHolder,
        _: Duration,
        _: Timestamp,
    ) -> Result<TrialAnswer, StorageError> {
        std::future::pending().await
    }

    async fn end_trial(&self, account: AccountId, holder: TrialHolder) -> Result<(), StorageError> {
        self.0.end_trial(account, holder).await
    }
}
