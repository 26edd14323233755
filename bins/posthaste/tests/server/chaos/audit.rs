//! What has to hold when the weather is over.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    path::Path,
    time::Duration,
};

use posthaste_core::{AttemptOutcome, AttemptPhase, AttemptRow};
use posthaste_storage::{RollupPeriod, Stores, UsageQuery};
use posthaste_storage_redis::{RedisOptions, RedisStores};
use posthaste_storage_sqlite::SqliteStores;
use tokio::time::{Instant, sleep};

use super::{
    client::Met,
    plan::{Plan, Store},
    rig::{LIMIT, METRICS_TOKEN, Rig},
    vendor::{Given, PROMPT_CANARY},
};
use crate::support::{Server, UPSTREAM_KEY};

/// Looks at everything that is left.
pub(super) async fn look(rig: Rig, plan: &Plan, weather: &str, met: &Met) {
    assert!(met.wrong.is_empty(), "{} answers are wrong, the first: {}", met.wrong.len(), met.wrong[0]);
    let settled = settle(&rig.relays).await;
    for relay in &rig.relays {
        let health = relay.get("/health", ("accept", "application/json")).await;
        assert_eq!(health.status, 200);
        let told = health.json().await;
        assert_eq!(told["status"], "ok", "{told}");
    }
    let Rig { relays, benches, redis, near, far, keys, accounts, .. } = rig;
    let mut words = Vec::new();
    for mut relay in relays {
        relay.signal(rustix::process::Signal::TERM);
        let status = relay.end().await;
        let log = relay.log();
        assert!(status.success(), "{status}: {log}");
        assert!(!log.contains("panicked"), "{log}");
        words.push(("the log".to_owned(), log));
    }
    for bench in &benches {
        note_files(&mut words, &bench.data());
    }
    let redis = redis.map(|redis| redis.into_inner().unwrap());
    if let Some(redis) = &redis {
        note_files(&mut words, redis.folder());
    }
    let (rows, summed) = match &redis {
        None => {
            let opened = SqliteStores::open(&benches[0].data().join("posthaste.db")).unwrap();
            let books = books(&opened.stores()).await;
            opened.close().await.unwrap();
            books
        }
        Some(redis) => {
            let opened = RedisStores::connect(RedisOptions::new(redis.url())).await.unwrap();
            let books = books(&opened.stores()).await;
            opened.close().await;
            books
        }
    };
    let books = Books { rows, near: near.answers(), far: far.answers(), accounts };
    books.hold(met, summed);
    let canaries =
        [UPSTREAM_KEY, METRICS_TOKEN, PROMPT_CANARY].into_iter().chain(keys.iter().map(String::as_str));
    for canary in canaries {
        let found = words.iter().find(|(_, text)| text.contains(canary));
        assert!(found.is_none(), "{canary} stands in {}", found.unwrap().0);
    }
    if plan.store == Store::Embedded {
        assert!(met.limited <= LIMIT, "{} of {LIMIT} were granted", met.limited);
    }
    tell(plan, weather, met, &books, settled);
}

/// Waits until nothing is held any more; tells how long that took.
async fn settle(relays: &[Server]) -> Duration {
    let begun = Instant::now();
    loop {
        let mut held = Vec::new();
        for (number, relay) in relays.iter().enumerate() {
            let metrics = relay.get("/metrics", ("authorization", &format!("Bearer {METRICS_TOKEN}"))).await;
            assert_eq!(metrics.status, 200);
            let text = metrics.text().await.unwrap();
            let gauge = |line: &&str| GAUGES.iter().any(|name| line.starts_with(name));
            let raised = text.lines().filter(gauge).filter(|line| !line.ends_with(" 0"));
            held.extend(raised.map(|line| format!("relay {number}: {line}")));
        }
        if held.is_empty() {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < CLEAN, "still held: {held:?}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// All rows, and the attempts and input tokens that the sums tell of.
async fn books(stores: &Stores) -> (Vec<AttemptRow>, [u64; 2]) {
    let rows = stores.ledger.recent(None, usize::MAX).await.unwrap();
    let sums = stores.ledger.sums(&UsageQuery::all(RollupPeriod::Day), &[]).await.unwrap();
    let attempts = sums.iter().map(|sums| sums.sums.attempts).sum();
    let input = sums.iter().map(|sums| sums.sums.usage.input).sum();
    (rows, [attempts, input])
}

/// The rows beside what the upstreams know.
struct Books {
    rows: Vec<AttemptRow>,
    near: Vec<Given>,
    far: Vec<Given>,
    /// Whether an account is at the near upstream.
    accounts: HashMap<String, bool>,
}

impl Books {
    fn hold(&self, met: &Met, summed: [u64; 2]) {
        let input: u64 = self.rows.iter().map(|row| row.usage.input).sum();
        assert_eq!(summed, [self.rows.len() as u64, input], "the sums tell what the rows tell");
        let places: HashSet<_> = self.rows.iter().map(|row| (row.request_id, row.attempt)).collect();
        assert_eq!(places.len(), self.rows.len(), "a row is there twice");

        // What an upstream answered in whole has counts that no other answer has: no answer is booked twice, none was made up.
        let whole: HashMap<u64, u64> = self
            .near
            .iter()
            .chain(&self.far)
            .filter(|given| given.deed.is_whole())
            .map(|given| (given.usage.input, given.usage.output))
            .collect();
        let complete: Vec<_> =
            self.rows.iter().filter(|row| row.outcome == AttemptOutcome::Complete).collect();
        let mut booked = HashSet::new();
        for row in &complete {
            assert_eq!(whole.get(&row.usage.input), Some(&row.usage.output), "no such answer: {row:?}");
            assert!(booked.insert(row.usage.input), "an answer is booked twice: {row:?}");
        }

        // Whoever has an answer is in the books with it, once.
        let mut by_request: HashMap<String, usize> = HashMap::new();
        for row in &complete {
            *by_request.entry(row.request_id.to_string()).or_default() += 1;
        }
        let lost: Vec<_> = met.whole.iter().filter(|id| by_request.get(*id) != Some(&1)).collect();
        assert!(
            lost.is_empty(),
            "{} of {} answers are not in the books once: {lost:?}",
            lost.len(),
            met.whole.len()
        );

        // Nothing is between the relays and the near upstream, and nothing is sent to it twice for one attempt.
        let near = self.rows.iter().filter(|row| self.is_near(row) && row.phase > AttemptPhase::Sending);
        assert_eq!(
            near.count(),
            self.near.len(),
            "each request that the near upstream got is in the books once"
        );
        let far = self.rows.iter().filter(|row| !self.is_near(row) && row.status.is_some()).count();
        assert!(far <= self.far.len(), "{far} answers of the far upstream, which gave {}", self.far.len());
    }

    fn is_near(&self, row: &AttemptRow) -> bool {
        self.accounts[&row.account_id.to_string()]
    }
}

/// All files below a folder, with each byte as a letter.
fn note_files(words: &mut Vec<(String, String)>, folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            note_files(words, &entry.path());
        } else if kind.is_file() {
            let text = fs::read(entry.path()).unwrap().into_iter().map(char::from).collect();
            words.push((entry.path().display().to_string(), text));
        }
    }
}

/// The report.
fn tell(plan: &Plan, weather: &str, met: &Met, books: &Books, settled: Duration) {
    let Plan { store, relays, seconds, seed } = plan;
    println!("### {store:?}, {relays} relays, {seconds} s, seed {seed}\n");
    println!("- Weather: {weather}.");
    let mut deeds = BTreeMap::new();
    for given in books.near.iter().chain(&books.far) {
        *deeds.entry(given.deed).or_insert(0) += 1;
    }
    let deeds: Vec<_> = deeds.iter().map(|(deed, times)| format!("{deed:?} {times}")).collect();
    println!("- Upstreams were asked {} times: {}.", books.near.len() + books.far.len(), deeds.join(", "));
    let others: Vec<_> = met.others.iter().map(|(sort, times)| format!("{sort} {times}")).collect();
    println!("- Clients: {} answers whole; {}; none wrong.", met.whole.len(), others.join(", "));
    println!(
        "- Books: {} rows, sums and upstreams agree; of the key with a limit of {LIMIT} requests {} were answered whole.",
        books.rows.len(),
        met.limited
    );
    println!("- Nothing was held any more {settled:.1?} after the last request; no panic, no canary.\n");
}

/// What is held while a request is under way or its row waits.
const GAUGES: [&str; 4] =
    ["posthaste_open_attempts", "posthaste_leases", "posthaste_store_owed ", "posthaste_spool_rows"];

/// Leases last for a minute.
const CLEAN: Duration = Duration::from_secs(65);
