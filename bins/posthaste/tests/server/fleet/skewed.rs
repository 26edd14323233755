//! Eight relays, of which one has nearly all the load.

use std::{collections::HashSet, time::Duration};

use bytes::Bytes;
use posthaste_core::Payload;
use posthaste_testkit::{Received, ScriptedUpstream};
use serde_json::json;
use tokio::{task::JoinSet, time::sleep};

use super::{Crowd, Fleet, assert_books};
use crate::support::{Client, MODEL, eventually, serving, whole};

const RELAYS: usize = 8;

/// Nine of ten come to the first.
fn relay_of(client: usize) -> usize {
    if client.is_multiple_of(10) { 1 + client / 10 % (RELAYS - 1) } else { 0 }
}

/// A turn of a conversation, long enough for its cache to be worth more than a relay's own view of the accounts' load; the
/// client gives it a name.
async fn turn(relay: &Client, key: &str, conversation: usize) {
    let body = json!({
        "model": MODEL, "max_tokens": 64,
        "messages": [
            {"role": "user", "content": format!("conversation {conversation}")},
            {"role": "assistant", "content": "word ".repeat(20_000)},
            {"role": "user", "content": "and?"},
        ],
    });
    let request = http::Request::post(format!("{}/v1/messages", relay.base()))
        .header("content-type", "application/json")
        .header("x-api-key", key)
        .header("x-claude-code-session-id", format!("conversation-{conversation}"))
        .body(Payload::from(Bytes::from(body.to_string())))
        .unwrap();
    let answer = relay.send(request).await.unwrap();
    assert_eq!(answer.status, 200);
    answer.text().await.unwrap();
}

fn turns_of(upstream: &ScriptedUpstream, conversation: usize) -> usize {
    let name = format!("\"conversation {conversation}\"");
    let of = |request: &&Received| String::from_utf8_lossy(&request.body).contains(&name);
    upstream.received().iter().filter(of).count()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: eight relays; `cargo xtask test --all` runs it"]
async fn g7_limits_are_exact_and_conversations_are_found_though_one_of_eight_relays_has_nearly_all() {
    let mut fleet = Fleet::new();
    let crowd = Crowd::taking(Duration::from_millis(40)).await;
    let other = ScriptedUpstream::start(serving).await;
    fleet.desk().add_account("one", &crowd.upstream);
    let counted = fleet.desk().create_key("counted --limit requests=100/total");
    let crowded = fleet.desk().create_key("crowded --limit concurrency=8");
    fleet.start(RELAYS);

    let mut asking = JoinSet::new();
    for client in 0..80 {
        let (relay, key) = (fleet.relays[relay_of(client)].client(), counted.clone());
        asking.spawn(async move {
            let mut served = 0;
            for _ in 0..2 {
                let answer = relay.post(&key, &whole()).await.unwrap();
                assert!(matches!(answer.status, 200 | 429), "{}", answer.status);
                served += usize::from(answer.status == 200);
                answer.text().await.unwrap();
            }
            served
        });
    }
    let served: usize = asking.join_all().await.into_iter().sum();
    assert_eq!((served, crowd.upstream.received().len()), (100, 100));

    let from = crowd.most_anew();
    let mut asking = JoinSet::new();
    for client in 0..40 {
        let (relay, key) = (fleet.relays[relay_of(client)].client(), crowded.clone());
        asking.spawn(async move {
            let mut served = 0;
            for _ in 0..5 {
                let answer = relay.post(&key, &whole()).await.unwrap();
                served += usize::from(answer.status == 200);
                answer.text().await.unwrap();
            }
            served
        });
    }
    let at_once: usize = asking.join_all().await.into_iter().sum();
    assert!(at_once >= 8, "{at_once}");
    assert!((2..=8).contains(&crowd.most()), "{} at once, {from} before", crowd.most());

    // Each conversation begins at the relay with the load and goes on at all others.
    fleet.desk().add_account("two", &other);
    let key = fleet.desk().create_key("talking");
    for relay in &fleet.relays {
        let relay = relay.client();
        let known = async || relay.post(&key, &whole()).await.unwrap().status == 200;
        while !known().await {
            sleep(Duration::from_millis(20)).await;
        }
    }
    let first = fleet.relays[0].client();
    let homes =
        || -> HashSet<String> { fleet.redis.command("KEYS *:home:*").lines().map(str::to_owned).collect() };
    let before = homes();
    for conversation in 0..6 {
        turn(&first, &key, conversation).await;
    }
    // They are told to Redis behind the answers.
    eventually("Redis knows the conversations' homes", || {
        (homes().difference(&before).count() >= 6).then_some(())
    })
    .await;
    for relay in &fleet.relays[1..] {
        let relay = relay.client();
        for conversation in 0..6 {
            turn(&relay, &key, conversation).await;
        }
    }
    let mut homes = [0, 0];
    for conversation in 0..6 {
        let turns = [&crowd.upstream, &other].map(|upstream| turns_of(upstream, conversation));
        assert!(matches!(turns, [RELAYS, 0] | [0, RELAYS]), "{conversation}: {turns:?}");
        homes[usize::from(turns[0] == 0)] += 1;
    }
    assert!(homes.iter().all(|&home| home > 0), "both accounts have some: {homes:?}");
    let asked = crowd.upstream.received().len() + other.received().len();
    let redis = fleet.stop().await;
    assert_books(redis.url(), asked).await;
}
