//! How many commands the server sees.

use std::time::Duration;

use posthaste_core::{ClientKeyId, InstanceId, Timestamp};
use posthaste_storage::{
    Claim, Counter, CounterWindow, Half, LeaseId, LimitCheck, Mark, Member, Revision, Settlement, Unit,
    contract::row,
};
use uuid::Uuid;

use crate::support::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_stores_send_at_most_a_command_a_second() {
    let server = Server::start();
    let redis = server.stores().await;
    let stores = redis.stores();
    // Several waiters, as in a relay where more than one part follows the configuration.
    for _ in 0..3 {
        let config = stores.config.clone();
        tokio::spawn(async move { config.changed(Revision(0)).await });
    }
    let settled = || commands(&server) > 0 && server.command("CLIENT LIST").contains("cmd=xread");
    while !settled() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    server.command("CONFIG RESETSTAT");
    tokio::time::sleep(Duration::from_secs(IDLE_SECONDS)).await;
    let sent = commands(&server);
    assert!(sent <= IDLE_SECONDS, "{sent} commands in {IDLE_SECONDS} s");
}

/// As a relay that has joined its fleet has them: it follows configuration and news, and says that it is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_relay_sends_at_most_a_command_a_second() {
    let server = Server::start();
    let redis = server.stores().await;
    let stores = redis.stores();
    let config = stores.config.clone();
    tokio::spawn(async move { config.changed(Revision(0)).await });
    let fleet = stores.fleet.clone();
    tokio::spawn(async move { fleet.news(Mark::default()).await });
    let waiting = || server.command("CLIENT LIST").matches("cmd=xread").count() == 2;
    while !waiting() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let now = Timestamp::from_secs(1_790_000_000);
    let member = Member {
        id: InstanceId::generate(),
        host: "host".to_owned(),
        address: "127.0.0.1:8080".to_owned(),
        version: "1.0.0".to_owned(),
        started_at: now,
        revision: Revision(1),
        seen_at: now,
    };

    server.command("CONFIG RESETSTAT");
    for _ in 0..BEATS {
        stores.fleet.announce(&member, Duration::from_secs(15), now).await.unwrap();
        tokio::time::sleep(BEAT).await;
    }
    let (sent, seconds) = (commands(&server), BEATS * BEAT.as_secs());
    assert!(sent <= seconds, "{sent} commands in {seconds} s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admitted_request_costs_one_script_a_step_and_less_than_a_kilobyte() {
    let server = Server::start();
    let redis = server.stores().await;
    let stores = redis.stores();
    let now = Timestamp::from_secs(1_790_000_000);
    // The first call of each loads its script.
    for round in 0..2 {
        if round == 1 {
            server.command("CONFIG RESETSTAT");
        }
        let claim = claim();
        stores.admission.reserve(&claim, now).await.unwrap();
        if round == 1 {
            assert_eq!(scripts(&server), 1);
            let bytes = number(&server.command("INFO stats"), "total_net_input_bytes:");
            assert!(bytes <= 1_024, "{bytes} bytes");
        }
        let truth: Vec<_> = claim.checks[1..]
            .iter()
            .map(|check| Settlement { counter: check.counter.clone(), actual: 7 })
            .collect();
        stores.admission.settle(claim.lease_ref(), &truth, now).await.unwrap();
    }
    assert_eq!(scripts(&server), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_rows_costs_a_few_scripts() {
    let server = Server::start();
    let redis = server.stores().await;
    let ledger = redis.stores().ledger;
    let key_id = ClientKeyId::generate();
    let rows: Vec<_> = (0..1_000).map(|_| posthaste_core::AttemptRow { key_id, ..row() }).collect();
    ledger.append(&rows[..1]).await.unwrap();
    server.command("CONFIG RESETSTAT");
    ledger.append(&rows[1..]).await.unwrap();
    let sent = scripts(&server);
    assert!(sent <= 10, "{sent} scripts for 999 rows");
    assert_eq!(ledger.count().await.unwrap(), 1_000);
}

fn claim() -> Claim {
    let day = CounterWindow::Span {
        start: Timestamp::from_secs(1_789_948_800),
        end: Timestamp::from_secs(1_790_035_200),
    };
    let limits = [
        ("parallel", Unit::Concurrency, CounterWindow::Held, 1),
        ("daily-requests", Unit::Requests, day, 1),
        ("daily-cost", Unit::Cost, day, 12_000_000),
        ("total-cost", Unit::Cost, CounterWindow::Total, 12_000_000),
    ];
    let checks = limits.map(|(name, unit, window, amount)| LimitCheck {
        counter: Counter { name: name.to_owned(), unit, window },
        amount,
        limit: 1_000_000_000_000,
        shadow: false,
        on_loss: Default::default(),
    });
    Claim {
        half: Half::Caller,
        owner: Uuid::now_v7(),
        lease: LeaseId::generate(),
        ttl: Duration::from_secs(60),
        checks: checks.to_vec(),
    }
}

/// Commands since the last reset, our own questions left out. Those inside scripts count too.
fn commands(server: &Server) -> u64 {
    let stats = server.command("INFO commandstats");
    let ours = ["info", "config|resetstat", "client|list", "quit"];
    let lines = stats.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(':'));
    lines.filter(|(name, _)| !ours.contains(name)).map(|(_, line)| number(line, "calls=")).sum()
}

/// Scripts that were run since the last reset.
fn scripts(server: &Server) -> u64 {
    let stats = server.command("INFO commandstats");
    stats.lines().find(|line| line.starts_with("cmdstat_evalsha:")).map_or(0, |line| number(line, "calls="))
}

fn number(text: &str, name: &str) -> u64 {
    let rest = text.split_once(name).map_or("0", |(_, rest)| rest);
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

const IDLE_SECONDS: u64 = 9;

/// As the relay has them.
const BEAT: Duration = Duration::from_secs(5);
const BEATS: u64 = 4;
