//! The relays, their upstreams and their store, each behind a way that can be troubled.

use std::{collections::HashMap, sync::Mutex};

use posthaste_testkit::{FaultyWay, SpawnedRedis, spawn_redis_with};

use super::{
    plan::{Plan, Store},
    vendor::Vendor,
};
use crate::support::{Bench, Server, UPSTREAM_KEY};

/// Everything that a run has.
pub(super) struct Rig {
    pub(super) store: Store,
    /// It is reached without anything between.
    pub(super) near: Vendor,
    pub(super) far: Vendor,
    pub(super) way_far: FaultyWay,
    pub(super) redis: Option<Mutex<SpawnedRedis>>,
    /// To the Redis, for all relays but the first.
    pub(super) way_redis: Option<FaultyWay>,
    pub(super) benches: Vec<Bench>,
    pub(super) relays: Vec<Server>,
    /// Without a limit, with one on what is under way, with one on how many there are.
    pub(super) keys: Vec<String>,
    pub(super) accounts: HashMap<String, bool>,
}

impl Rig {
    pub(super) async fn new(plan: &Plan) -> Self {
        let near = Vendor::start(2 * plan.seed, false).await;
        let far = Vendor::start(2 * plan.seed + 1, true).await;
        let way_far = FaultyWay::to(far.upstream.address().port()).await;
        let redis = match plan.store {
            Store::Embedded => None,
            Store::Redis => Some(spawn_redis_with(&["--appendonly", "yes", "--appendfsync", "always"])),
        };
        let way_redis = match &redis {
            Some(redis) => Some(FaultyWay::to(redis.port()).await),
            None => None,
        };
        let desk = settings(Bench::new(), redis.as_ref().map(SpawnedRedis::url));
        let mut accounts = HashMap::new();
        for number in 0..ACCOUNTS {
            for (side, url) in
                [("near", near.upstream.base_url()), ("far", format!("http://127.0.0.1:{}", way_far.port()))]
            {
                let made = desk.cli(&format!(
                    "accounts add --preset anthropic-compatible --name {side}-{number} --base-url {url} --api-key {UPSTREAM_KEY}"
                ));
                accounts.insert(made["id"].as_str().expect("its id").to_owned(), side == "near");
            }
        }
        let keys = ["open", "four --limit concurrency=4", LIMITED].map(|key| desk.create_key(key)).into();
        let mut rig = Self {
            store: plan.store,
            near,
            far,
            way_far,
            redis: redis.map(Mutex::new),
            way_redis,
            benches: vec![desk],
            relays: Vec::new(),
            keys,
            accounts,
        };
        rig.start(plan.relays);
        rig
    }

    fn start(&mut self, relays: usize) {
        let key = std::fs::read_to_string(self.benches[0].data().join("master.key")).unwrap();
        for number in 0..relays {
            if number > 0 {
                let port = self.way_redis.as_ref().expect("only on Redis there are several").port();
                let like = self.benches[0].like().with("POSTHASTE_VAULT__MASTER_KEY", key.trim());
                self.benches
                    .push(like.with("POSTHASTE_DATA__REDIS_URL", &format!("redis://127.0.0.1:{port}")));
            }
            self.relays.push(self.benches[number].serve());
        }
    }

    pub(super) fn desk(&self) -> &Bench {
        &self.benches[0]
    }
}

/// Short time-outs, strict books, and nothing between the events of an answer but those.
fn settings(bench: Bench, redis: Option<String>) -> Bench {
    let bench = bench
        .with("POSTHASTE_ACCOUNTING__DURABILITY", "strict")
        .with("POSTHASTE_RELAY__CONNECT_TIMEOUT", "1s")
        .with("POSTHASTE_RELAY__FIRST_EVENT_TIMEOUT", "3s")
        .with("POSTHASTE_RELAY__HEAD_TIMEOUT", "3s")
        .with("POSTHASTE_RELAY__GAP_TIMEOUT", "3s")
        .with("POSTHASTE_SERVER__KEEP_ALIVE_AFTER", "10m")
        .with("POSTHASTE_SERVER__METRICS_TOKEN", METRICS_TOKEN);
    match redis {
        None => bench,
        Some(url) => bench.with("POSTHASTE_DATA__STORE", "redis").with("POSTHASTE_DATA__REDIS_URL", &url),
    }
}

pub(super) const METRICS_TOKEN: &str = "dummy-CANARY-of-the-metrics";

/// At each of the two upstreams.
const ACCOUNTS: usize = 6;

/// The last key, and how many requests it may make.
const LIMITED: &str = "limited --limit requests=60/total";
pub(super) const LIMIT: usize = 60;
