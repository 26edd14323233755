//! Some relays that have joined, and an upstream that does to each account's requests what the test says.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use http::{HeaderValue, Request, Response, StatusCode};
use parking_lot::Mutex;
use posthaste_core::{
    Account, AccountId, Clock, Egress, Payload, RelayBody, Transport, TransportError, full_body,
};
use posthaste_gateway::Membership;
use posthaste_scheduler::Resort;
use posthaste_storage::{FleetSize, Stores, memory::MemoryStores};
use posthaste_storage_redis::{RedisOptions, RedisStores};
use posthaste_testkit::{
    AccountSetters, SpawnedRedis, account, anthropic_error, anthropic_json, spawn_redis,
};
use tokio::{sync::Semaphore, task::JoinHandle};

use crate::{
    pair::eventually,
    support::{MODEL, Rig, USAGE},
};

/// Where the relays meet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Memory,
    Redis,
}

pub(crate) struct Fleet {
    pub(crate) relays: Vec<Arc<Rig>>,
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) accounts: Vec<AccountId>,
    memory: Stores,
    pub(crate) redis: Option<SpawnedRedis>,
    founder: Rig,
    tasks: Vec<JoinHandle<()>>,
}

impl Fleet {
    /// So many relays with so many accounts, the first of which is asked first; each knows of all others.
    pub(crate) async fn new(place: Place, count: usize, accounts: usize) -> Self {
        let upstream = Arc::new(Upstream::default());
        let redis = matches!(place, Place::Redis).then(spawn_redis);
        let memory = MemoryStores::stores();
        let stores = stores_at(redis.as_ref(), &memory).await;
        let accounts: Vec<Account> = (0..accounts).map(numbered).collect();
        let ids = accounts.iter().map(|account| account.id).collect();
        let founder = Rig::on(accounts, Arc::clone(&upstream) as _, stores).await;
        let (relays, tasks) = (Vec::new(), Vec::new());
        let mut fleet = Self { relays, upstream, accounts: ids, memory, redis, founder, tasks };
        for number in 1..=count {
            let relay = Arc::new(fleet.newcomer().await);
            let size = fleet.join(&relay);
            eventually("a relay to join", || size.get() == number).await;
            fleet.relays.push(relay);
        }
        fleet
    }

    /// A relay that has not joined yet.
    pub(crate) async fn newcomer(&self) -> Rig {
        let stores = stores_at(self.redis.as_ref(), &self.memory).await;
        self.founder.beside(stores, Arc::clone(&self.upstream) as _).await
    }

    /// Lets a relay join and follow; its task is the last one.
    fn join(&mut self, relay: &Arc<Rig>) -> FleetSize {
        let size = FleetSize::default();
        // A busy machine is no reason to decide alone.
        let patience = Duration::from_secs(20);
        let membership = Membership { size: size.clone(), patience, ..Membership::default() };
        let relay = relay.relay.clone();
        self.tasks.push(tokio::spawn(async move {
            tokio::join!(relay.join_fleet(&membership), relay.follow());
        }));
        size
    }

    /// A relay dies: it neither tells nor learns any more.
    pub(crate) async fn kill(&mut self, relay: usize) {
        let task = self.tasks.remove(relay);
        task.abort();
        task.await.expect_err("it was killed");
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.founder.clock.advance(Duration::from_secs(seconds));
    }

    /// Whether a relay holds nothing against an account.
    pub(crate) fn is_well(&self, relay: usize, account: usize) -> bool {
        is_well(&self.relays[relay], self.accounts[account])
    }

    pub(crate) fn rests(&self, relay: usize, account: usize) -> bool {
        let relay = &self.relays[relay];
        relay.scheduler.parked(self.accounts[account], relay.clock.now()).is_some()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Whether a relay would ask an account as if nothing had happened.
pub(crate) fn is_well(relay: &Rig, account: AccountId) -> bool {
    let begun = relay.scheduler.begin(account, MODEL, Resort::Usual, relay.clock.now());
    begun.is_ok_and(|begun| {
        relay.scheduler.cancelled(account, begun.ticket);
        !begun.is_trial
    })
}

async fn stores_at(redis: Option<&SpawnedRedis>, memory: &Stores) -> Stores {
    let Some(redis) = redis else { return memory.clone() };
    // A busy machine is no reason to refuse anybody here.
    let options = RedisOptions { command_timeout: Duration::from_secs(20), ..RedisOptions::new(redis.url()) };
    RedisStores::connect(options).await.expect("a running server takes connections").stores()
}

fn numbered(number: usize) -> Account {
    let priority = 50 + u8::try_from(number).expect("a few accounts");
    account(&format!("a{number}")).with_base_url(format!("https://a{number}.test")).with_priority(priority)
}

/// What an account's upstream does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// It answers.
    Serve,
    /// It answers when the test lets it.
    ServeLater,
    /// 429 with this many seconds in `retry-after`.
    Limit(u64),
    /// Nobody listens.
    Refuse,
}

pub(crate) struct Upstream {
    does: Mutex<HashMap<AccountId, Does>>,
    asked: Mutex<HashMap<AccountId, usize>>,
    /// How many answers may be given that wait for it.
    pub(crate) gate: Semaphore,
    /// How many requests wait for that.
    pub(crate) held: AtomicUsize,
}

impl Default for Upstream {
    fn default() -> Self {
        let (does, asked) = Default::default();
        Self { does, asked, gate: Semaphore::new(0), held: AtomicUsize::new(0) }
    }
}

impl Upstream {
    pub(crate) fn lets(&self, account: AccountId, does: Does) {
        self.does.lock().insert(account, does);
    }

    /// How often an account was asked.
    pub(crate) fn asked(&self, account: AccountId) -> usize {
        self.asked.lock().get(&account).copied().unwrap_or_default()
    }
}

#[async_trait]
impl Transport for Upstream {
    async fn send(
        &self,
        request: Request<Payload>,
        _: &Egress,
    ) -> Result<Response<RelayBody>, TransportError> {
        let host =
            request.uri().host().expect("a request goes to somebody").trim_end_matches(".test").to_owned();
        let id = account(&host).id;
        *self.asked.lock().entry(id).or_default() += 1;
        let does = self.does.lock().get(&id).copied().unwrap_or(Does::Serve);
        match does {
            Does::Serve => {}
            Does::ServeLater => {
                self.held.fetch_add(1, Ordering::SeqCst);
                self.gate.acquire().await.expect("the gate stays").forget();
            }
            Does::Limit(seconds) => {
                let error = anthropic_error("rate_limit_error", "slow down").to_string();
                let mut response = Response::new(full_body(error));
                *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
                response.headers_mut().insert("retry-after", HeaderValue::from(seconds));
                return Ok(response);
            }
            Does::Refuse => {
                let source = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
                return Err(TransportError::Connect { host, source: source.into() });
            }
        }
        let mut response = Response::new(full_body(anthropic_json("well", USAGE).to_string()));
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
        Ok(response)
    }
}
