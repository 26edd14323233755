//! How much a relay talks to Redis.

use std::{collections::BTreeMap, time::Duration};

use posthaste_testkit::{ScriptedUpstream, SpawnedRedis};
use tokio::time::sleep;

use super::Fleet;
use crate::support::{serving, whole};

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
async fn a_request_with_limits_of_key_and_account_costs_few_words() {
    const REQUESTS: i64 = 200;
    let mut fleet = Fleet::new();
    let upstream = ScriptedUpstream::start(serving).await;
    fleet.desk().add_account("one", &upstream);
    let limits = "--limit requests=1M/day --limit cost=1000/month --limit concurrency=100";
    fleet.desk().cli(&format!("accounts update one {limits}"));
    let key = fleet.desk().create_key(&format!("team {limits}"));
    fleet.start(1);
    let relay = fleet.relays[0].client();
    let ask = async || {
        let answer = relay.post(&key, &whole()).await.unwrap();
        assert_eq!(answer.status, 200);
        answer.text().await.unwrap();
    };
    ask().await;
    sleep(Duration::from_secs(1)).await;
    let before = Told::to(&fleet.redis);
    for _ in 0..REQUESTS {
        ask().await;
    }
    sleep(Duration::from_secs(1)).await;
    let after = Told::to(&fleet.redis);
    let (commands, bytes) = after.since(&before);
    let each: BTreeMap<_, _> =
        commands.iter().map(|(name, calls)| (name, *calls as f64 / REQUESTS as f64)).collect();
    println!("each request: {each:?}, {} bytes", bytes / REQUESTS);
    fleet.stop().await;
}
