//! A key's concurrency, with a line before it at each relay.

use std::sync::{Arc, atomic::Ordering};

use futures_util::future::join_all;
use posthaste_core::{LimitUnit, LimitWindow, QueueRules};
use serde_json::{Value, json};

use crate::{
    pair::{Pair, eventually, limit},
    support::{MODEL, whole},
};

/// Two requests of the key may be under way; so many wait at each relay.
async fn pair(length: u32) -> Pair {
    let pair = Pair::new(1, None).await;
    let two = |key: &mut posthaste_core::ClientKey| {
        key.policy.limits = vec![limit(LimitUnit::Concurrency, 2, LimitWindow::Now)];
        key.policy.queue = Some(QueueRules { length, patience_ms: 120_000 });
    };
    pair.relays[0].with_key(two).await;
    pair
}

fn staying() -> Value {
    json!({"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": "stay"}]})
}

/// Lets a client ask at this relay what is never answered.
fn stay(pair: &Pair, relay: usize) -> tokio::task::JoinHandle<()> {
    let relay = Arc::clone(&pair.relays[relay]);
    tokio::spawn(async move {
        relay.read(&staying()).await.map(drop).unwrap_or_default();
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_are_under_way_over_both_relays_and_all_are_served_in_the_end() {
    let pair = pair(64).await;
    let clients = (0..40).map(|number| {
        let relay = Arc::clone(&pair.relays[number % 2]);
        tokio::spawn(async move { relay.read(&whole()).await.unwrap().status })
    });
    for status in join_all(clients).await {
        assert_eq!(status.unwrap(), 200);
    }
    assert_eq!(pair.upstream.asked().len(), 40);
    assert_eq!(pair.upstream.most.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_that_leaves_frees_its_place_for_the_other_relays_line() {
    let pair = pair(64).await;
    let staying = [stay(&pair, 0), stay(&pair, 0)];
    eventually("both places to be taken", || pair.upstream.present.load(Ordering::SeqCst) == 2).await;
    let other = Arc::clone(&pair.relays[1]);
    let waiting = tokio::spawn(async move { other.read(&whole()).await.unwrap().status });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(!waiting.is_finished() && pair.upstream.asked().len() == 2, "it waits in line");
    staying[0].abort();
    assert_eq!(waiting.await.unwrap(), 200);
    assert_eq!(pair.upstream.most.load(Ordering::SeqCst), 2);
    staying[1].abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_that_leaves_the_line_makes_room_in_it() {
    let pair = pair(1).await;
    let staying = [stay(&pair, 0), stay(&pair, 1)];
    eventually("both places to be taken", || pair.upstream.present.load(Ordering::SeqCst) == 2).await;
    let gone = stay(&pair, 1);
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    pair.relays[1].read(&whole()).await.expect_err("the line is full");
    gone.abort();
    gone.await.expect_err("it was sent away");
    let other = Arc::clone(&pair.relays[1]);
    let waiting = tokio::spawn(async move { other.read(&whole()).await.unwrap().status });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(!waiting.is_finished(), "it has a place in the line");
    staying[0].abort();
    assert_eq!(waiting.await.unwrap(), 200);
    staying[1].abort();
}
