//! Several relays on one Redis: as processes, each with a data folder of its own and the same master key.

mod chatter;
mod clocks;
mod cut_off;
mod emptied;
mod failed_over;
mod killed;
mod limits;
mod load;
mod logins;
mod revoked;
mod rolling;
mod skewed;
mod status;
mod trouble;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use posthaste_core::AttemptRow;
use posthaste_storage::{RollupPeriod, UsageQuery};
use posthaste_storage_redis::{RedisOptions, RedisStores};
use posthaste_testkit::{Received, Script, ScriptedUpstream, SpawnedRedis, anthropic_json, spawn_redis_with};

use crate::support::{Bench, Server, USAGE};

/// Relays that share a Redis, and the server itself.
struct Fleet<R = SpawnedRedis> {
    redis: R,
    benches: Vec<Bench>,
    relays: Vec<Server>,
}

impl Fleet {
    /// The Redis keeps what is in it when it is killed. It is waited for on a busy machine: what a relay does with one that is
    /// late is the matter of those who make it late.
    fn new() -> Self {
        let redis = spawn_redis_with(&["--appendonly", "yes", "--appendfsync", "always"]);
        let desk = bench(&redis.url()).with("POSTHASTE_DATA__DEADLINE", "2s");
        Self { redis, benches: vec![desk], relays: Vec::new() }
    }
}

impl<R> Fleet<R> {
    /// On servers that are there.
    fn on(redis: R, url: &str) -> Self {
        Self { redis, benches: vec![bench(url)], relays: Vec::new() }
    }

    /// Where operators work.
    fn desk(&self) -> &Bench {
        &self.benches[0]
    }

    /// Starts relays with the settings of the desk, which must have been used before: it has made the master key.
    fn start(&mut self, relays: usize) {
        let key = std::fs::read_to_string(self.desk().data().join("master.key")).unwrap();
        for number in 0..relays {
            if number > 0 {
                let like = self.benches[0].like().with("POSTHASTE_VAULT__MASTER_KEY", key.trim());
                self.benches.push(like);
            }
            self.relays.push(self.benches[number].serve());
        }
    }

    /// Stops all relays and starts them again on their folders.
    async fn restart(&mut self) {
        for relay in self.relays.drain(..) {
            relay.stop().await;
        }
        self.relays.extend(self.benches.iter().map(Bench::serve));
    }

    async fn stop(self) -> R {
        for relay in self.relays {
            relay.stop().await;
        }
        self.redis
    }
}

/// A data folder whose relay keeps its state in a Redis.
fn bench(url: &str) -> Bench {
    Bench::new().with("POSTHASTE_DATA__STORE", "redis").with("POSTHASTE_DATA__REDIS_URL", url)
}

/// What is in the books that the fleet shares.
async fn rows(redis: &SpawnedRedis) -> Vec<AttemptRow> {
    books(redis.url()).await.0
}

/// The rows, and how many attempts the sums tell of.
async fn books(url: String) -> (Vec<AttemptRow>, usize) {
    let opened = RedisStores::connect(RedisOptions::new(url)).await.unwrap();
    let ledger = opened.stores().ledger;
    let rows = ledger.recent(None, 100_000).await.unwrap();
    let sums = ledger.sums(&UsageQuery::all(RollupPeriod::Day), &[]).await.unwrap();
    opened.close().await;
    (rows, sums.iter().map(|sums| usize::try_from(sums.sums.attempts).unwrap()).sum())
}

/// Each request that the upstream was asked is in the books once, as a row and in the sums.
async fn assert_books(url: String, asked: usize) {
    let (rows, summed) = books(url).await;
    let by_request = rows_by_request(&rows);
    assert_eq!((rows.len(), by_request.len(), summed), (asked, asked, asked), "rows, requests, sums");
}

/// What limits on requests have counted, on one server.
fn counted(redis: &SpawnedRedis) -> usize {
    // Of the requests alone: what is held has no total.
    let counters = redis.command("KEYS *:totals");
    let used = counters.lines().map(|key| redis.command(&format!("HVALS {}", key.trim())));
    used.filter_map(|used| used.trim().parse::<usize>().ok()).sum()
}

/// How many rows each request has.
fn rows_by_request(rows: &[AttemptRow]) -> HashMap<String, usize> {
    let mut by_request = HashMap::new();
    for row in rows {
        *by_request.entry(row.request_id.to_string()).or_default() += 1;
    }
    by_request
}

/// An upstream whose answers take a while, and that knows the most it had at once.
struct Crowd {
    upstream: ScriptedUpstream,
    most: Arc<AtomicUsize>,
}

impl Crowd {
    async fn taking(pause: Duration) -> Self {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let seen = Arc::clone(&most);
        let upstream = ScriptedUpstream::start(move |_: &Received| {
            seen.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let left = Arc::clone(&now);
            // Counted down before the relay can have the answer, so that nobody is counted who is gone.
            tokio::spawn(async move {
                tokio::time::sleep(pause.saturating_sub(pause / 4)).await;
                left.fetch_sub(1, Ordering::SeqCst);
            });
            Script::json(200, &anthropic_json("hello", USAGE)).head_after(pause)
        })
        .await;
        Self { upstream, most }
    }

    /// Counts the most anew from now on; tells what it was.
    fn most_anew(&self) -> usize {
        self.most.swap(0, Ordering::SeqCst)
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}
