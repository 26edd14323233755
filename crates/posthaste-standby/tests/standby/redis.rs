//! A real server: killed, stopped, slow, swallowed, emptied, full, and refusing.

use std::{sync::Arc, time::Duration};

use posthaste_core::{AccountId, ClientKeyId, Clock};
use posthaste_standby::Standby;
use posthaste_storage::{AffinityKey, LimitCheck, Stores, Unit};
use posthaste_storage_redis::{RedisOptions, RedisStores};
use posthaste_testkit::{FakeClock, SpawnedRedis, spawn_redis, spawn_redis_with};
use rustix::process::{Pid, Signal, kill_process};
use uuid::Uuid;

use crate::{
    proxy::Proxy,
    support::{check, claim, eventually, returned, take, truth, used, watched},
};

/// Two relays on one server, each with a way of its own.
struct Pair {
    relays: [Standby; 2],
    /// Each relay's stores as operators use them.
    direct: [Stores; 2],
    clock: Arc<FakeClock>,
    owner: Uuid,
}

const CHECKS: [Unit; 3] = [Unit::Concurrency, Unit::Requests, Unit::Tokens];

impl Pair {
    async fn at(urls: [String; 2]) -> Self {
        let clock = Arc::new(FakeClock::default());
        let [first, second] = urls;
        let direct = [connect(first).await, connect(second).await];
        let relays = [watched(&direct[0], &clock, 2), watched(&direct[1], &clock, 2)];
        let pair = Self { relays, direct, clock, owner: Uuid::now_v7() };
        // What a first call has to load is not part of any trouble.
        for relay in 0..2 {
            eventually("a relay's first calls", async || {
                let warm = claim(Uuid::now_v7(), &[check(Unit::Requests, 1, 10)]);
                take(&pair.relays[relay].stores(), &warm, pair.clock.now()).await;
                pair.relays[relay]
                    .stores()
                    .admission
                    .settle(warm.lease_ref(), &[], pair.clock.now())
                    .await
                    .unwrap();
                !pair.relays[relay].health().is_lost()
            })
            .await;
        }
        pair
    }

    /// A request of 500 tokens at most, which uses `tokens`; whether it was let in.
    async fn request(&self, relay: usize, limit: i64, tokens: i64) -> bool {
        let checks = CHECKS.map(|unit| match unit {
            Unit::Tokens => check(unit, 500, 1_000_000),
            _ => check(unit, 1, limit),
        });
        let (stores, now) = (self.relays[relay].stores(), self.clock.now());
        let claim = claim(self.owner, &checks);
        if !take(&stores, &claim, now).await {
            return false;
        }
        let mut truth = truth(&claim, 1);
        truth
            .iter_mut()
            .filter(|told| told.counter.unit == Unit::Tokens)
            .for_each(|told| told.actual = tokens);
        stores.admission.settle(claim.lease_ref(), &truth, now).await.unwrap();
        true
    }

    /// Has both relays notice that the server is away; how many requests were let in meanwhile.
    async fn lose(&self, limit: i64) -> i64 {
        let mut granted = 0;
        for relay in 0..2 {
            eventually("the loss", async || {
                granted += i64::from(self.request(relay, limit, 7).await);
                self.relays[relay].health().is_lost()
            })
            .await;
        }
        granted
    }

    async fn returned(&self) {
        returned(&self.relays[0]).await;
        returned(&self.relays[1]).await;
    }

    async fn sums_are(&self, requests: i64, tokens: i64) {
        let mut last = [0; 3];
        for _ in 0..1_500 {
            let now = self.clock.now();
            let (store, owner) = (&self.direct[0], self.owner);
            last = [
                used(store, owner, Unit::Requests, now).await,
                used(store, owner, Unit::Tokens, now).await,
                used(store, owner, Unit::Concurrency, now).await,
            ];
            if last == [requests, tokens, 0] {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the store says {last:?}, and it should be {requests} requests of {tokens} tokens");
    }
}

async fn connect(url: String) -> Stores {
    let options = RedisOptions { command_timeout: Duration::from_millis(1_500), ..RedisOptions::new(url) };
    let redis = RedisStores::connect(options).await.unwrap();
    let stores = redis.stores();
    // The ports keep the connections.
    drop(redis);
    stores
}

fn signal(redis: &SpawnedRedis, signal: Signal) {
    let id = i32::try_from(redis.process_id().unwrap()).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_two_relays_go_on_while_redis_is_killed_and_agree_afterwards() {
    let mut redis = spawn_redis_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let pair = Pair::at([redis.url(), redis.url()]).await;
    let mut requests = 0;
    for at in 0..20 {
        requests += i64::from(pair.request(at % 2, 100, 7).await);
    }
    pair.sums_are(requests, 7 * requests).await;
    redis.kill();
    requests += pair.lose(100).await;
    let mut refused = 0;
    for at in 0..300 {
        match pair.request(at % 2, 100, 7).await {
            true => requests += 1,
            false => refused += 1,
        }
    }
    assert!(refused > 100 && requests <= 100, "{requests} were let in, {refused} refused");
    assert!(requests >= 90, "{requests}: nearly all of the limit is granted");
    redis.restart();
    pair.returned().await;
    pair.sums_are(requests, 7 * requests).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_a_redis_that_is_stopped_for_a_while_counts_everything_once() {
    let redis = spawn_redis();
    let pair = Pair::at([redis.url(), redis.url()]).await;
    let mut requests = i64::from(pair.request(0, 1_000, 7).await);
    signal(&redis, Signal::STOP);
    requests += pair.lose(1_000).await;
    for at in 0..100 {
        requests += i64::from(pair.request(at % 2, 1_000, 7).await);
    }
    signal(&redis, Signal::CONT);
    pair.returned().await;
    for at in 0..10 {
        requests += i64::from(pair.request(at % 2, 1_000, 7).await);
    }
    assert!(requests >= 110, "{requests}");
    pair.sums_are(requests, 7 * requests).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_a_redis_that_is_500_ms_away_or_swallows_everything_is_left_alone() {
    let redis = spawn_redis();
    let proxy = Proxy::to(redis.port()).await;
    let pair = Pair::at([proxy.url(), proxy.url()]).await;
    let mut requests = 0;
    for fault in [500, 0] {
        match fault {
            0 => proxy.swallow(true),
            millis => proxy.delay(Duration::from_millis(millis)),
        }
        requests += pair.lose(1_000).await;
        for at in 0..50 {
            requests += i64::from(pair.request(at % 2, 1_000, 7).await);
        }
        let reason = pair.relays[0].health().loss().unwrap().reason;
        assert!(reason.contains("no answer"), "{reason}");
        proxy.delay(Duration::ZERO);
        proxy.swallow(false);
        pair.returned().await;
    }
    pair.sums_are(requests, 7 * requests).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_a_redis_that_is_10_ms_away_is_used() {
    let redis = spawn_redis();
    let proxy = Proxy::to(redis.port()).await;
    let pair = Pair::at([proxy.url(), proxy.url()]).await;
    proxy.delay(Duration::from_millis(10));
    let mut requests = 0;
    for at in 0..20 {
        requests += i64::from(pair.request(at % 2, 1_000, 7).await);
    }
    assert_eq!(requests, 20);
    // A busy machine may be late now and then; what it is late with is counted all the same.
    pair.sums_are(20, 140).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s4_a_relay_that_alone_is_cut_off_keeps_to_its_share_and_the_sums_agree_afterwards() {
    let redis = spawn_redis();
    let proxy = Proxy::to(redis.port()).await;
    let pair = Pair::at([redis.url(), proxy.url()]).await;
    let mut requests = [0, 0];
    for _ in 0..20 {
        requests[0] += i64::from(pair.request(0, 100, 7).await);
        requests[1] += i64::from(pair.request(1, 100, 7).await);
    }
    proxy.swallow(true);
    let mut alone = 0;
    for _ in 0..100 {
        alone += i64::from(pair.request(1, 100, 7).await);
    }
    assert!((20..=30).contains(&alone), "{alone}: half of the 60 that were left");
    proxy.swallow(false);
    returned(&pair.relays[1]).await;
    let requests = requests[0] + requests[1] + alone;
    pair.sums_are(requests, 7 * requests).await;
    // What was let in there is known here.
    let mut rest = 0;
    for _ in 0..100 {
        rest += i64::from(pair.request(0, 100, 7).await);
    }
    assert_eq!(requests + rest, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s5_a_redis_that_was_emptied_is_used_on_and_never_counts_below_nothing() {
    let redis = spawn_redis();
    let pair = Pair::at([redis.url(), redis.url()]).await;
    let (stores, now) = (pair.relays[0].stores(), pair.clock.now());
    let held = claim(pair.owner, &[check(Unit::Concurrency, 1, 10), check(Unit::Tokens, 500, 1_000_000)]);
    assert!(take(&stores, &held, now).await);
    redis.command("FLUSHALL");
    assert!(pair.request(1, 10, 7).await);
    assert!(!pair.relays[0].health().is_lost() && !pair.relays[1].health().is_lost());
    // The renewal finds the lease gone, and takes its place anew.
    assert!(stores.admission.renew(held.lease_ref(), crate::support::TTL, now).await.unwrap());
    assert_eq!(used(&pair.direct[0], pair.owner, Unit::Concurrency, now).await, 1);
    stores.admission.settle(held.lease_ref(), &truth(&held, 20), now).await.unwrap();
    pair.sums_are(1, 27).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s5_a_redis_that_is_full_is_not_back_before_it_takes_plain_writes() {
    let redis = spawn_redis();
    let pair = Pair::at([redis.url(), redis.url()]).await;
    let (stores, now) = (pair.relays[0].stores(), pair.clock.now());
    let checks = CHECKS.map(|unit| match unit {
        Unit::Tokens => check(unit, 500, 1_000_000),
        _ => check(unit, 1, 3),
    });
    let claim = claim(pair.owner, &checks);
    assert!(take(&stores, &claim, now).await);
    redis.command("CONFIG SET maxmemory 1");
    // A script whose first write deletes something may write on in a full server, as one that settles.
    let mut truth = truth(&claim, 1);
    for told in truth.iter_mut().filter(|told| told.counter.unit == Unit::Tokens) {
        told.actual = 7;
    }
    stores.admission.settle(claim.lease_ref(), &truth, now).await.unwrap();
    pair.sums_are(1, 7).await;
    let affinity = pair.relays[0].stores().affinity;
    let key = AffinityKey { tenant: ClientKeyId::generate(), conversation: [1; 16] };
    for _ in 0..5 {
        let home = affinity.settle_at(key, AccountId::generate(), Duration::from_secs(60), pair.clock.now());
        home.await.unwrap();
    }
    let reason = pair.relays[0].health().loss().unwrap().reason;
    assert!(reason.contains("`maxmemory`"), "{reason}");
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(pair.relays[0].health().is_lost(), "a server that takes no plain write is not back");
    redis.command("CONFIG SET maxmemory 0");
    pair.returned().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s5_what_redis_refuses_is_a_loss_that_names_the_setting_and_loosens_nothing() {
    let redis = spawn_redis();
    let pair = Pair::at([redis.url(), redis.url()]).await;
    let closed = LimitCheck { on_loss: posthaste_core::OnLoss::Closed, ..check(Unit::Requests, 1, 1_000) };
    // Where somebody holds a lease, a full server refuses the next one.
    let held = claim(pair.owner, &[check(Unit::Concurrency, 1, 100)]);
    assert!(take(&pair.relays[0].stores(), &held, pair.clock.now()).await);
    let mut requests = 0;
    for (trouble, mended, setting) in [
        ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", "maxmemory"),
        ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", "data.redis_url"),
        ("ACL SETUSER default -evalsha -eval", "ACL SETUSER default +@all", "ACL SETUSER"),
    ] {
        redis.command(trouble);
        requests += pair.lose(1_000).await;
        let reason = pair.relays[0].health().loss().unwrap().reason;
        assert!(reason.contains(setting), "{trouble}: {reason}");
        let refused = claim(pair.owner, std::slice::from_ref(&closed));
        assert!(pair.relays[0].stores().admission.reserve(&refused, pair.clock.now()).await.is_err());
        redis.command(mended);
        pair.returned().await;
    }
    pair.relays[0].stores().admission.settle(held.lease_ref(), &[], pair.clock.now()).await.unwrap();
    pair.sums_are(requests, 7 * requests).await;
}
