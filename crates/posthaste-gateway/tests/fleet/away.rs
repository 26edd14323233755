//! The Redis that relays share goes away, and comes back.
//!
//! The books are kept elsewhere here: what becomes of them is another question.

use std::{
    io::Write,
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use posthaste_core::{Clock, FaultKind, Limit, LimitUnit, LimitWindow, OnLoss};
use posthaste_standby::{Standby, StandbyOptions};
use posthaste_storage::FleetSize;
use posthaste_storage::{Counter, CounterWindow, Half, Stores, Unit, memory::MemoryStores};
use posthaste_storage_redis::{RedisOptions, RedisStores};
use posthaste_testkit::{AccountSetters, FakeClock, SpawnedRedis, account, spawn_redis_with};
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

use crate::{
    pair::{Upstream, limit},
    support::{Rig, whole},
};

/// A relay that somebody stands by, and its Redis.
struct Stood {
    relay: Rig,
    standby: Standby,
    /// The stores as operators use them.
    direct: Stores,
    upstream: Arc<Upstream>,
    redis: SpawnedRedis,
}

impl Stood {
    async fn with(limits: Vec<Limit>) -> Self {
        let redis = spawn_redis_with(&["--appendonly", "yes", "--appendfsync", "always"]);
        let upstream = Arc::new(Upstream::default());
        let options = RedisOptions::new(redis.url());
        let direct = RedisStores::connect(options).await.unwrap().stores();
        let direct = Stores { ledger: MemoryStores::stores().ledger, ..direct };
        let account = account("a0").with_base_url("https://a0.test");
        let founder = Rig::on(vec![account], Arc::clone(&upstream) as _, direct.clone()).await;
        founder.with_key(|key| key.policy.limits = limits).await;
        let clock = Arc::new(FakeClock::default()) as Arc<dyn Clock>;
        // A busy machine is no outage here; the deadline has tests of its own.
        let deadline = Duration::from_millis(500);
        let options =
            StandbyOptions { clock, deadline, fleet: FleetSize::of(2), ..StandbyOptions::default() };
        let standby = Standby::around(&direct, &options);
        let relay = founder.beside(standby.stores(), Arc::clone(&upstream) as _).await;
        Self { relay, standby, direct, upstream, redis }
    }

    async fn used(&self, unit: Unit, window: CounterWindow) -> i64 {
        let owner = self.relay.caller().await.key().id.uuid();
        let counter = Counter { name: unit.as_str().to_owned(), unit, window };
        self.direct.admission.used(Half::Caller, owner, &counter, self.relay.relay_now()).await.unwrap()
    }

    async fn until(&self, what: &str, holds: impl AsyncFn(&Self) -> bool) {
        for _ in 0..3_000 {
            if holds(self).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("waited in vain for {what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_no_client_sees_that_redis_is_killed_and_everything_is_counted_afterwards() {
    let limits = [
        limit(LimitUnit::Requests, 10_000, LimitWindow::Total),
        limit(LimitUnit::Concurrency, 100, LimitWindow::Now),
    ];
    let mut stood = Stood::with(limits.to_vec()).await;
    let mut served = 0;
    let serve = async |stood: &Stood| {
        let read = stood.relay.read(&whole()).await.unwrap();
        assert_eq!(read.status, 200, "{}", read.text());
        1
    };
    for _ in 0..5 {
        served += serve(&stood).await;
    }
    assert_eq!(stood.relay.relay.health().await.unwrap().store_loss, None);
    stood.redis.kill();
    for _ in 0..40 {
        served += serve(&stood).await;
    }
    let health = stood.relay.relay.health().await.unwrap();
    let loss = health.store_loss.expect("operators see that it is away");
    assert!(!loss.reason.is_empty() && health.accounts_ready == 1, "{loss:?}");
    stood.redis.restart();
    stood.until("the return", async |stood| !stood.standby.health().is_lost()).await;
    for _ in 0..5 {
        served += serve(&stood).await;
    }
    assert_eq!(served, 50);
    stood
        .until("fifty requests", async |stood| stood.used(Unit::Requests, CounterWindow::Total).await == 50)
        .await;
    let held = async |stood: &Stood| stood.used(Unit::Concurrency, CounterWindow::Held).await;
    stood.until("nobody to be there", async |stood| held(stood).await == 0).await;
    assert_eq!(stood.upstream.present.load(Ordering::SeqCst), 0);
    assert_eq!(stood.relay.relay.health().await.unwrap().store_loss, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s5_a_closed_limit_refuses_while_redis_is_away_and_says_when_to_ask_again() {
    let closed = Limit { on_loss: OnLoss::Closed, ..limit(LimitUnit::Requests, 100, LimitWindow::Total) };
    let mut stood = Stood::with(vec![closed]).await;
    assert_eq!(stood.relay.read(&whole()).await.unwrap().status, 200);
    stood.redis.kill();
    let refused = stood.relay.read(&whole()).await.unwrap_err();
    assert_eq!(refused.kind, FaultKind::Overloaded);
    assert!(refused.retry_after.is_some(), "{refused}");
    let why = refused.source.as_ref().map(|source| format!("{source:?}")).unwrap_or_default();
    assert!(why.contains("closed"), "{why}");
    stood.redis.restart();
    stood.until("to be served", async |stood| stood.relay.read(&whole()).await.is_ok()).await;
    assert_eq!(stood.upstream.asked().len(), 2);
}

#[tokio::test]
async fn s1_an_outage_is_told_in_a_line_each_ten_seconds_by_everybody_together() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(lines.clone())
        .with_max_level(LevelFilter::WARN)
        .with_ansi(false);
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let mut stood = Stood::with(vec![limit(LimitUnit::Requests, 10_000, LimitWindow::Total)]).await;
    let following = stood.relay.relay.clone();
    let follow = tokio::spawn(async move { following.follow().await });
    assert_eq!(stood.relay.read(&whole()).await.unwrap().status, 200);
    stood.redis.kill();
    // The length of what is watched, not of what is waited for.
    for _ in 0..120 {
        assert_eq!(stood.relay.read(&whole()).await.unwrap().status, 200);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let told = lines.read();
    assert!(told.first().is_some_and(|line| line.contains("the shared store is away")), "{told:#?}");
    let most = 1 + told.iter().filter(|line| line.contains("still away")).count();
    assert!(told.len() <= most, "{told:#?}");
    follow.abort();
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn read(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap();
        String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
