//! The two relays, their Redis, and an upstream that counts who is there.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use http::{Request, Response};
use parking_lot::Mutex;
use posthaste_core::{
    Account, AccountId, Egress, Limit, LimitUnit, LimitWindow, Payload, Pool, RelayBody, Timestamp,
    Transport, TransportError, full_body,
};
use posthaste_storage::{AffinityKey, AffinityStore, Repository, StorageError, Stores};
use posthaste_storage_redis::{RedisOptions, RedisStores};
use posthaste_testkit::{AccountSetters, SpawnedRedis, account, anthropic_json, spawn_redis};

use crate::support::{Rig, USAGE};

pub(crate) struct Pair {
    /// The relays, each with connections of its own.
    pub(crate) relays: [Arc<Rig>; 2],
    pub(crate) upstream: Arc<Upstream>,
    /// How often a relay has told the store of a home.
    pub(crate) told: Arc<AtomicUsize>,
    redis: SpawnedRedis,
}

impl Pair {
    /// Two relays with so many accounts, which all belong to this pool.
    pub(crate) async fn new(accounts: usize, pool: Option<Pool>) -> Self {
        let (redis, upstream) = (spawn_redis(), Arc::new(Upstream::default()));
        let told = Arc::new(AtomicUsize::new(0));
        let stores = stores(&redis, &told).await;
        let mut accounts: Vec<_> = (0..accounts).map(numbered).collect();
        if let Some(pool) = &pool {
            accounts.iter_mut().for_each(|account| account.scheduling.pools = vec![pool.id]);
        }
        // A relay reads the pools when it starts; only an empty store takes a vault.
        let founder = Rig::on(accounts, Arc::clone(&upstream) as _, stores).await;
        if let Some(pool) = pool {
            let pools = Repository::new(Arc::clone(&founder.stores.config));
            pools.create(pool).await.expect("a new pool is taken");
        }
        let first = joining(&founder, &redis, &upstream, &told).await;
        let second = joining(&founder, &redis, &upstream, &told).await;
        Self { relays: [Arc::new(first), Arc::new(second)], upstream, told, redis }
    }

    /// A relay that comes later and knows only what is in the store.
    pub(crate) async fn third(&self) -> Rig {
        joining(&self.relays[0], &self.redis, &self.upstream, &self.told).await
    }

    /// Waits until the store was told of so many homes.
    pub(crate) async fn wait_told(&self, count: usize) {
        eventually("homes to be told", || self.told.load(Ordering::SeqCst) >= count).await;
    }
}

async fn joining(
    founder: &Rig,
    redis: &SpawnedRedis,
    upstream: &Arc<Upstream>,
    told: &Arc<AtomicUsize>,
) -> Rig {
    founder.beside(stores(redis, told).await, Arc::clone(upstream) as _).await
}

async fn stores(redis: &SpawnedRedis, told: &Arc<AtomicUsize>) -> Stores {
    // A busy machine is no reason to refuse anybody here.
    let options = RedisOptions { command_timeout: Duration::from_secs(20), ..RedisOptions::new(redis.url()) };
    let stores = RedisStores::connect(options).await.expect("a running server takes connections").stores();
    let affinity = Arc::new(Told { store: Arc::clone(&stores.affinity), count: Arc::clone(told) });
    Stores { affinity, ..stores }
}

fn numbered(number: usize) -> Account {
    account(&format!("a{number}")).with_base_url(format!("https://a{number}.test"))
}

pub(crate) fn limit(unit: LimitUnit, amount: u64, window: LimitWindow) -> Limit {
    Limit {
        name: unit.to_string(),
        unit,
        window,
        amount,
        models: Vec::new(),
        shadow: false,
        on_loss: Default::default(),
    }
}

/// Waits for something that comes from another task.
pub(crate) async fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if is() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("waited in vain for {what}");
}

/// Answers every request after [`PAUSE`], save those that say `stay`, which it never answers.
#[derive(Default)]
pub(crate) struct Upstream {
    /// How many requests are there now.
    pub(crate) present: AtomicUsize,
    /// How many were there at once at most.
    pub(crate) most: AtomicUsize,
    /// Which accounts were asked, in order.
    asked: Mutex<Vec<AccountId>>,
}

impl Upstream {
    pub(crate) fn asked(&self) -> Vec<AccountId> {
        self.asked.lock().clone()
    }

    pub(crate) fn last(&self) -> AccountId {
        *self.asked.lock().last().expect("somebody was asked")
    }

    /// How many requests each account had.
    pub(crate) fn by_account(&self) -> HashMap<AccountId, usize> {
        let mut counts = HashMap::new();
        for account in self.asked() {
            *counts.entry(account).or_default() += 1;
        }
        counts
    }
}

#[async_trait]
impl Transport for Upstream {
    async fn send(
        &self,
        request: Request<Payload>,
        _: &Egress,
    ) -> Result<Response<RelayBody>, TransportError> {
        let (head, body) = request.into_parts();
        let host = head.uri.host().expect("a request goes to somebody").trim_end_matches(".test");
        self.asked.lock().push(account(host).id);
        let _present = Present::at(self);
        if memchr::memmem::find(&body.to_bytes(), b"stay").is_some() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(PAUSE).await;
        let answer = anthropic_json("well", USAGE).to_string();
        let mut response = Response::new(full_body(answer));
        response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
        Ok(response)
    }
}

struct Present<'a>(&'a Upstream);

impl<'a> Present<'a> {
    fn at(upstream: &'a Upstream) -> Self {
        let present = upstream.present.fetch_add(1, Ordering::SeqCst) + 1;
        upstream.most.fetch_max(present, Ordering::SeqCst);
        Self(upstream)
    }
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.0.present.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Counts what the store was told.
struct Told {
    store: Arc<dyn AffinityStore>,
    count: Arc<AtomicUsize>,
}

#[async_trait]
impl AffinityStore for Told {
    async fn home(&self, key: AffinityKey, now: Timestamp) -> Result<Option<AccountId>, StorageError> {
        self.store.home(key, now).await
    }

    async fn settle_at(
        &self,
        key: AffinityKey,
        account: AccountId,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        self.store.settle_at(key, account, ttl, now).await?;
        self.count.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn forget(&self, key: AffinityKey) -> Result<(), StorageError> {
        self.store.forget(key).await
    }
}

const PAUSE: Duration = Duration::from_millis(10);
