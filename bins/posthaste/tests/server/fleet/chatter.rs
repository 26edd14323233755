//! How much a relay talks to Redis.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    sync::{Arc, Mutex},
    time::Duration,
};

use posthaste_testkit::{ScriptedUpstream, SpawnedRedis};
use tokio::{task::JoinSet, time::sleep};

use super::{Fleet, bench};
use crate::support::{Client, serving, whole};

/// What the server has been told since its start: commands by name, and bytes.
struct Told {
    commands: BTreeMap<String, i64>,
    bytes: i64,
}

impl Told {
    fn to(redis: &SpawnedRedis) -> Self {
        let text = redis.command("INFO all");
        let number = |line: &str, name: &str| line.strip_prefix(name)?.trim().parse().ok();
        let bytes = text.lines().find_map(|line| number(line, "total_net_input_bytes:")).unwrap();
        let calls = |line: &str| {
            let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
            Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
        };
        Self { commands: text.lines().filter_map(calls).collect(), bytes }
    }

    /// What came since; what the test itself asks is left out.
    fn since(&self, before: &Self) -> (BTreeMap<&str, i64>, i64) {
        let came = |(name, calls): (&String, &i64)| calls - before.commands.get(name).copied().unwrap_or(0);
        let commands = self.commands.iter().map(|(name, calls)| (name.as_str(), came((name, calls))));
        let commands = commands.filter(|(name, calls)| *calls > 0 && *name != "info").collect();
        (commands, self.bytes - before.bytes)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_without_requests_says_less_than_a_word_a_second() {
    let mut fleet = Fleet::new();
    fleet.desk().create_key("team");
    fleet.start(2);
    sleep(Duration::from_secs(3)).await;
    let before = Told::to(&fleet.redis);
    sleep(Duration::from_secs(15)).await;
    let after = Told::to(&fleet.redis);
    let (commands, bytes) = after.since(&before);
    println!("two relays in 15 s: {commands:?}, {bytes} bytes");
    // What scripts call counts as well, and two relays have fifteen seconds each.
    let sent: i64 = commands.iter().filter(|(name, _)| SENT.contains(name)).map(|(_, calls)| calls).sum();
    assert!(sent <= 30, "{commands:?}");
    fleet.stop().await;
}

/// What a relay sends by itself; the rest are the scripts' own steps.
const SENT: [&str; 5] = ["evalsha", "eval", "xread", "ping", "client|setinfo"];

#[tokio::test(flavor = "multi_thread")]
async fn a_request_by_itself_costs_few_calls_and_bytes() {
    let desk = Desk::with_limits().await;
    let (commands, bytes) = desk.cost_of(20, Duration::from_millis(250)).await;
    println!("each request, quite alone: {commands:?}, {bytes:.0} bytes");
    // Two reservations, two settlements, two for the row, one for the record.
    assert!(commands["evalsha"] <= 7.3, "{commands:?}");
    assert!(bytes <= 2_560.0, "{bytes} bytes");

    let (commands, bytes) = desk.cost_of(200, Duration::ZERO).await;
    println!("each request, back to back: {commands:?}, {bytes:.0} bytes");
    assert!(commands["evalsha"] <= 7.0, "{commands:?}");
    assert!(bytes <= 2_500.0, "{bytes} bytes");
    desk.fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_come_together_share_calls() {
    const REQUESTS: i64 = 1_600;
    let desk = Arc::new(Desk::with_limits().await);
    let before = Told::to(&desk.fleet.redis);
    let mut clients = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let desk = Arc::clone(&desk);
        clients.spawn(async move {
            for _ in 0..REQUESTS / IN_FLIGHT {
                desk.ask().await;
            }
        });
    }
    clients.join_all().await;
    let desk = Arc::into_inner(desk).unwrap();
    let (commands, bytes) = desk.told_since(&before, REQUESTS).await;
    println!("each request, {IN_FLIGHT} at a time: {commands:?}, {bytes:.0} bytes");
    assert!(commands["zrangebyscore"] >= 4.0, "not all steps were taken: {commands:?}");
    assert!(commands["evalsha"] <= 1.0, "{commands:?}");
    assert!(bytes <= 1_024.0, "{bytes} bytes");
    desk.fleet.stop().await;
}

/// By the time the upstream hears of a request, the relay has asked Redis for the key's limits and for the account's, and has
/// waited for both; nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_waits_for_redis_twice_at_most() {
    let desk = Desk::with_limits().await;
    // What the first request leaves to be written, and what only the first one asks for.
    sleep(Duration::from_secs(1)).await;
    let monitor = Monitor::of(&desk.fleet.redis);
    for _ in 0..5 {
        let before = monitor.sent().len();
        let seen = desk.upstream.received().len();
        desk.ask().await;
        let asked_at = desk.asked_at.lock().unwrap()[seen];
        let sent = monitor.sent();
        let waits: Vec<_> = sent[before..].iter().filter(|(at, _)| *at < asked_at).collect();
        let heartbeat = |line: &str| line.contains("{fleet}") || line.contains("{config}");
        let waits: Vec<_> = waits.iter().filter(|(_, line)| !heartbeat(line)).collect();
        assert_eq!(waits.len(), 2, "{waits:?}");
        sleep(Duration::from_millis(500)).await;
    }
    desk.fleet.stop().await;
}

/// A relay with limits on its client key and its account, which has served one request.
struct Desk {
    fleet: Fleet,
    upstream: ScriptedUpstream,
    /// When the upstream was asked, each time, in seconds since 1970.
    asked_at: Arc<Mutex<Vec<f64>>>,
    relay: Client,
    key: String,
}

impl Desk {
    async fn with_limits() -> Self {
        let asked_at = Arc::new(Mutex::new(Vec::new()));
        let noting = Arc::clone(&asked_at);
        let upstream = ScriptedUpstream::start(move |request| {
            let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
            noting.lock().unwrap().push(now.as_secs_f64());
            serving(request)
        })
        .await;
        let mut fleet = Fleet::new();
        // However slow the machine is, nothing is decided without Redis.
        fleet.benches = vec![bench(&fleet.redis.url()).with("POSTHASTE_DATA__DEADLINE", "1s")];
        fleet.desk().add_account("one", &upstream);
        let limits = "--limit requests=1M/day --limit cost=1000/month --limit concurrency=100";
        fleet.desk().cli(&format!("accounts update one {limits}"));
        let key = fleet.desk().create_key(&format!("team {limits}"));
        fleet.start(1);
        let relay = fleet.relays[0].client();
        let desk = Self { fleet, upstream, asked_at, relay, key };
        desk.ask().await;
        sleep(Duration::from_secs(1)).await;
        desk
    }

    /// What each of some requests costs, one at a time with a pause behind each.
    async fn cost_of(&self, requests: i64, pause: Duration) -> (BTreeMap<String, f64>, f64) {
        let before = Told::to(&self.fleet.redis);
        for _ in 0..requests {
            self.ask().await;
            sleep(pause).await;
        }
        self.told_since(&before, requests).await
    }

    async fn ask(&self) {
        let answer = self.relay.post(&self.key, &whole()).await.unwrap();
        assert_eq!(answer.status, 200);
        answer.text().await.unwrap();
    }

    /// What each of some requests cost, once everything that is left of them was written.
    async fn told_since(&self, before: &Told, requests: i64) -> (BTreeMap<String, f64>, f64) {
        sleep(Duration::from_secs(1)).await;
        let after = Told::to(&self.fleet.redis);
        let (commands, bytes) = after.since(before);
        let each = |(name, calls): (&str, i64)| (name.to_owned(), calls as f64 / requests as f64);
        (commands.into_iter().map(each).collect(), bytes as f64 / requests as f64)
    }
}

/// Sees what the server is sent.
struct Monitor(Arc<Mutex<Vec<(f64, String)>>>);

impl Monitor {
    fn of(redis: &SpawnedRedis) -> Self {
        let url = redis.url();
        let mut connection = TcpStream::connect(url.trim_start_matches("redis://")).unwrap();
        connection.write_all(b"MONITOR\r\n").unwrap();
        let mut lines = BufReader::new(connection).split(b'\n').map_while(Result::ok);
        assert_eq!(lines.next().unwrap(), b"+OK\r");
        let sent = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&sent);
        std::thread::spawn(move || {
            for line in lines {
                let line = String::from_utf8_lossy(&line);
                let Some((head, rest)) = line.split_once("] ") else { continue };
                // What a script does is told too.
                if head.ends_with("lua") {
                    continue;
                }
                let at = head.trim_start_matches('+').split(' ').next().unwrap().parse().unwrap();
                noted.lock().unwrap().push((at, rest.to_owned()));
            }
        });
        Self(sent)
    }

    /// When, in seconds since 1970, and the command with its arguments.
    fn sent(&self) -> Vec<(f64, String)> {
        self.0.lock().unwrap().clone()
    }
}

/// Requests under way at the same time.
const IN_FLIGHT: i64 = 32;
