//! What operators change while the relay runs.

use std::time::Duration;

use posthaste_testkit::ScriptedUpstream;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::support::{Bench, Server, serving, whole};

/// The promise: a change is known everywhere within a second.
const SOON: Duration = Duration::from_secs(1);

async fn answers_soon(server: &Server, key: &str, status: u16) {
    let begun = Instant::now();
    loop {
        let answer = server.post(key, &whole()).await.unwrap();
        if answer.status == status {
            return;
        }
        let (found, text) = (answer.status, answer.text().await.unwrap());
        assert!(begun.elapsed() < SOON, "{found} and not {status}: {text}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_keys_take_effect_within_a_second() {
    let bench = Bench::new();
    let upstream = ScriptedUpstream::start(serving).await;
    let server = bench.serve();
    let key = bench.create_key("team");
    answers_soon(&server, &key, 529).await;
    bench.add_account("one", &upstream);
    answers_soon(&server, &key, 200).await;

    bench.cli("accounts disable one");
    answers_soon(&server, &key, 529).await;
    bench.cli("accounts enable one");
    answers_soon(&server, &key, 200).await;
    bench.cli("accounts update one --allow claude-haiku-*");
    answers_soon(&server, &key, 404).await;
    bench.cli("accounts update one --map *=claude-haiku-4-5 --allow claude-*");
    answers_soon(&server, &key, 200).await;
    assert_eq!(upstream.received().last().unwrap().json()["model"], "claude-haiku-4-5");

    bench.cli("keys update team --deny claude-sonnet-*");
    answers_soon(&server, &key, 403).await;
    bench.cli("keys update team --deny= --enabled false");
    answers_soon(&server, &key, 403).await;
    bench.cli("keys update team --enabled true");
    answers_soon(&server, &key, 200).await;
    bench.cli("keys delete team");
    answers_soon(&server, &key, 401).await;
    bench.cli("keys restore team");
    answers_soon(&server, &key, 200).await;
    bench.cli("keys revoke team");
    answers_soon(&server, &key, 403).await;
    bench.cli("keys delete team");
    answers_soon(&server, &key, 401).await;
    bench.cli("keys purge team");
    answers_soon(&server, &key, 401).await;

    bench.cli("accounts delete one");
    let other = bench.create_key("other");
    answers_soon(&server, &other, 529).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_finds_no_relay_is_seen_by_one_that_starts_later() {
    let bench = Bench::new();
    let upstream = ScriptedUpstream::start(serving).await;
    bench.add_account("one", &upstream);
    let key = bench.create_key("team");
    let server = bench.serve();
    assert_eq!(server.post(&key, &whole()).await.unwrap().status, 200);
    let status = bench.cli("status");
    assert_eq!(status["keys"]["active"], json!(1), "{status}");
    server.stop().await;
    let used = bench.cli("keys usage team");
    assert_eq!(used["totals"]["attempts"], json!(1), "{used}");
}
