//! Conversations that come to one relay and then to the other, as ADR 13 tells.

use std::time::Duration;

use posthaste_core::{AccountId, Clock, Cooldown, CooldownReason};
use serde_json::{Value, json};

use crate::{
    pair::Pair,
    support::{MODEL, Rig},
};

/// The n-th request of a conversation that begins with `topic`.
fn turn(topic: &str, turns: usize) -> Value {
    let mut messages = vec![json!({"role": "user", "content": topic})];
    for number in 0..turns {
        messages.push(json!({"role": "assistant", "content": "well"}));
        messages.push(json!({"role": "user", "content": format!("and {number}?")}));
    }
    json!({"model": MODEL, "max_tokens": 64, "system": "be brief", "messages": messages})
}

/// Who serves this request.
async fn asked(pair: &Pair, relay: &Rig, body: &Value) -> AccountId {
    relay.read(body).await.unwrap();
    pair.upstream.last()
}

fn rest(relay: &Rig, account: AccountId) {
    let limited = Cooldown::of_account(CooldownReason::RateLimited, None, "429");
    relay.scheduler.rest(account, &limited, relay.clock.now());
}

#[tokio::test]
async fn a_conversation_goes_to_its_home_through_the_other_relay() {
    let pair = Pair::new(4, None).await;
    let [a, b] = &pair.relays;
    let topics = ["one", "two", "three", "four", "five", "six"];
    let mut homes = Vec::new();
    for topic in topics {
        homes.push(asked(&pair, a, &turn(topic, 0)).await);
    }
    pair.wait_told(topics.len()).await;
    for turns in 1..3 {
        // Backwards, so that the other relay's own turn of accounts is another one.
        for (topic, home) in topics.iter().zip(&homes).rev() {
            assert_eq!(asked(&pair, b, &turn(topic, turns)).await, *home, "{topic}, turn {turns}");
        }
    }
}

/// "A relay that knows a conversation does not notice that another relay has moved it."
#[tokio::test]
async fn a_relay_that_knows_a_conversation_goes_on_where_it_was_after_a_move_elsewhere() {
    let pair = Pair::new(4, None).await;
    let [a, b] = &pair.relays;
    let home = asked(&pair, a, &turn("one", 0)).await;
    pair.wait_told(1).await;
    assert_eq!(asked(&pair, b, &turn("one", 1)).await, home);
    // The other relay tells the store that it serves a conversation that it did not know.
    pair.wait_told(2).await;

    rest(a, home);
    let moved = asked(&pair, a, &turn("one", 2)).await;
    assert_ne!(moved, home);
    pair.wait_told(3).await;
    assert_eq!(asked(&pair, b, &turn("one", 3)).await, home, "it knows of no move");
    assert_eq!(asked(&pair, b, &turn("one", 4)).await, home, "and stays where it went");
    a.scheduler.release(home);
    assert_eq!(asked(&pair, a, &turn("one", 5)).await, moved, "what moved stays moved");

    rest(b, home);
    assert_ne!(asked(&pair, b, &turn("one", 6)).await, home, "nobody is kept at an account that rests");
}

#[tokio::test]
async fn a_relay_that_does_not_know_a_conversation_follows_its_move() {
    let pair = Pair::new(4, None).await;
    let [a, b] = &pair.relays;
    let home = asked(&pair, a, &turn("one", 0)).await;
    rest(a, home);
    let moved = asked(&pair, a, &turn("one", 1)).await;
    assert_ne!(moved, home);
    pair.wait_told(2).await;
    assert_eq!(asked(&pair, b, &turn("one", 2)).await, moved);
    let third = pair.third().await;
    assert_eq!(asked(&pair, &third, &turn("one", 3)).await, moved);
}

/// What a relay has forgotten in its time, it asks the store about like what it never knew.
#[tokio::test]
async fn a_conversation_that_goes_on_at_one_relay_is_not_over_at_the_other() {
    let pair = Pair::new(4, None).await;
    let [a, b] = &pair.relays;
    let home = asked(&pair, a, &turn("one", 0)).await;
    pair.wait_told(1).await;
    assert_eq!(asked(&pair, b, &turn("one", 1)).await, home);
    pair.wait_told(2).await;
    rest(a, home);
    let moved = asked(&pair, a, &turn("one", 2)).await;
    pair.wait_told(3).await;
    a.clock.advance(Duration::from_secs(3_000));
    assert_eq!(asked(&pair, a, &turn("one", 3)).await, moved);
    pair.wait_told(4).await;
    a.clock.advance(Duration::from_secs(1_000));
    // Without a home, it would be the turn of an account that was used longer ago than this one.
    for topic in 0.. {
        if asked(&pair, b, &turn(&format!("another {topic}"), 0)).await == moved {
            break;
        }
        assert!(topic < 8, "all four accounts have their turn");
    }
    assert_eq!(asked(&pair, b, &turn("one", 4)).await, moved, "an hour is over here, but not there");
}
