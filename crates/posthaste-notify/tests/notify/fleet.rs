//! Several relays that share a store.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use posthaste_core::{NoticeEvent, Timestamp};
use posthaste_storage::{Fence, LockStore, StorageError, memory::MemoryStores};
use posthaste_storage_redis::{RedisOptions, RedisStores};
use posthaste_testkit::{MemoryTransport, spawn_redis};
use uuid::Uuid;

use crate::support::{Bench, bodies, down, errors, hook, notice, pass, taking, types};

/// Relays on one store, with one receiver.
fn relays(locks: &Arc<dyn LockStore>, transport: &MemoryTransport, count: usize) -> Vec<Bench> {
    let relay = || Bench::sharing(Arc::new(transport.clone()), Arc::clone(locks), |_| {});
    let relays: Vec<_> = std::iter::repeat_with(relay).take(count).collect();
    let channel = hook("all");
    relays.iter().for_each(|relay| relay.notifier.set_channels(vec![channel.clone()]));
    relays
}

#[tokio::test(start_paused = true)]
async fn what_all_relays_find_is_told_by_one() {
    let (locks, transport) = (MemoryStores::stores().locks, taking());
    let relays = relays(&locks, &transport, 5);
    relays.iter().for_each(|relay| relay.tell(down()));
    pass(1).await;
    assert_eq!(types(&transport, "/all"), ["pool_down"]);
    relays.iter().for_each(|relay| relay.tell(NoticeEvent::PoolServes));
    pass(1).await;
    assert_eq!(types(&transport, "/all"), ["pool_down", "pool_down"]);
    // It is over, so the next time is told again.
    relays.iter().rev().for_each(|relay| relay.tell(down()));
    pass(1).await;
    assert_eq!(types(&transport, "/all").len(), 3);
    relays[3].tell(errors());
    pass(1).await;
    assert_eq!(types(&transport, "/all").len(), 4, "something else");
}

#[tokio::test(start_paused = true)]
async fn after_an_end_whoever_finds_the_next_tells_it() {
    let (locks, transport) = (MemoryStores::stores().locks, taking());
    let relays = relays(&locks, &transport, 3);
    let all = |event: &NoticeEvent| relays.iter().for_each(|relay| relay.tell(event.clone()));
    for (done, relay) in relays.iter().enumerate() {
        for event in [down(), NoticeEvent::PoolServes] {
            all(&event);
            // Long enough for the claim of an end, and not for that of a beginning.
            pass(61).await;
        }
        relay.tell(down());
        pass(1).await;
        assert_eq!(types(&transport, "/all").len(), 4 * done + 3, "one of them claimed the first time");
        all(&NoticeEvent::PoolServes);
        pass(61).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_did_not_tell_of_it_tells_its_end_to_the_same() {
    let (locks, transport) = (MemoryStores::stores().locks, taking());
    let relays = relays(&locks, &transport, 2);
    relays.iter().for_each(|relay| relay.tell(down()));
    pass(7_200).await;
    relays[1].tell(NoticeEvent::PoolServes);
    pass(1).await;
    assert_eq!(types(&transport, "/all"), ["pool_down", "pool_down"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relays_on_one_redis_tell_it_once() {
    let redis = spawn_redis();
    let transport = taking();
    let channel = hook("all");
    let mut relays = Vec::new();
    for _ in 0..3 {
        let stores = RedisStores::connect(RedisOptions::new(redis.url())).await.unwrap().stores();
        let relay = Bench::sharing(Arc::new(transport.clone()), stores.locks, |_| {});
        relay.notifier.set_channels(vec![channel.clone()]);
        relays.push(relay);
    }
    let told_of = |pools: std::ops::Range<u128>| {
        let keys: Vec<_> = pools.map(|pool| notice(pool, down()).dedup_key()).collect();
        let told = bodies(&transport, "/all").into_iter();
        told.filter(|body| keys.iter().any(|key| body["data"]["key"] == **key)).count()
    };
    let rounds = [down(), NoticeEvent::PoolServes, down(), NoticeEvent::PoolServes];
    for (round, event) in (1..).zip(rounds) {
        relays.iter().for_each(|relay| relay.tell(event.clone()));
        // Something of its own of each: once that is told, it has looked at what came before.
        for (number, relay) in (0..).zip(&relays) {
            relay.tell_of(100 * round + number, down());
        }
        while told_of(100..1_000) < relays.len() * usize::try_from(round).unwrap() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(told_of(1..2), usize::try_from(round).unwrap(), "{event:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_relay_without_a_channel_for_it_claims_nothing() {
    let (locks, transport) = (MemoryStores::stores().locks, taking());
    let relays = relays(&locks, &transport, 2);
    // This one has not heard of the channel yet.
    relays[0].notifier.set_channels(Vec::new());
    relays[0].tell(down());
    pass(1).await;
    relays[1].tell(down());
    pass(1).await;
    assert_eq!(types(&transport, "/all"), ["pool_down"]);
}

/// A store that is away: it refuses, or does not answer.
struct Away {
    silent: bool,
}

#[async_trait]
impl LockStore for Away {
    async fn acquire(
        &self,
        _: &str,
        _: Uuid,
        _: Duration,
        _: Timestamp,
    ) -> Result<Option<Fence>, StorageError> {
        if self.silent {
            std::future::pending::<()>().await;
        }
        Err(StorageError::unavailable("taking a lock", "away"))
    }

    async fn release(&self, _: &str, _: Uuid) -> Result<(), StorageError> {
        self.acquire("", Uuid::nil(), Duration::ZERO, Timestamp::EPOCH).await.map(drop)
    }
}

#[tokio::test(start_paused = true)]
async fn that_the_store_is_away_is_told_without_it() {
    for silent in [false, true] {
        let (locks, transport): (Arc<dyn LockStore>, _) = (Arc::new(Away { silent }), taking());
        let relays = relays(&locks, &transport, 1);
        relays[0].tell(down());
        pass(5).await;
        relays[0].tell(NoticeEvent::PoolServes);
        pass(30).await;
        assert_eq!(types(&transport, "/all"), ["pool_down", "pool_down"], "silent: {silent}");
    }
}
