//! A relay that dies or stands still amid its work, and the others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use posthaste_core::AttemptOutcome;
use posthaste_testkit::ScriptedUpstream;
use rustix::process::Signal;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{Fleet, books, rows, rows_by_request};
use crate::support::{Client, PATIENCE, Server, serving, streamed, whole};

/// The ids of answers that a client has seen whole.
type Seen = Arc<Mutex<Vec<String>>>;

/// Asks until it is told to end, or until its relay is gone. Who is amid an answer when that stands still waits for the rest.
async fn keep_asking(client: Client, key: String, seen: Seen, lasting: Duration, may_be_refused: bool) {
    let ends = Instant::now() + lasting;
    for round in 0.. {
        if Instant::now() >= ends {
            return;
        }
        let body = if round % 2 == 0 { streamed() } else { whole() };
        let Ok(answer) = client.post(&key, &body).await else { return };
        let (id, status) = (answer.header("x-posthaste-request-id").to_owned(), answer.status);
        let Ok(text) = answer.text_within(lasting + PATIENCE).await else { return };
        assert!(matches!(status, 200 | 429) || may_be_refused && status >= 500, "{status}: {text}");
        if status == 200 {
            seen.lock().unwrap().push(id);
        } else {
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// The clients of one relay may be refused as well.
fn ask_all(fleet: &Fleet, key: &str, lasting: Duration, still: Option<usize>) -> (JoinSet<()>, Seen) {
    let seen = Seen::default();
    let mut asking = JoinSet::new();
    for client in 0..16 {
        let number = client % fleet.relays.len();
        let relay = fleet.relays[number].client();
        asking.spawn(keep_asking(relay, key.to_owned(), Arc::clone(&seen), lasting, still == Some(number)));
    }
    (asking, seen)
}

/// The fleet on strict books.
fn strict() -> Fleet {
    let mut fleet = Fleet::new();
    let desk = fleet.benches.remove(0).with("POSTHASTE_ACCOUNTING__DURABILITY", "strict");
    fleet.benches.push(desk);
    fleet
}

fn assert_booked_once(by_request: &HashMap<String, usize>, seen: &Seen) {
    let seen = seen.lock().unwrap();
    let lost: Vec<_> = seen.iter().filter(|id| !by_request.contains_key(*id)).collect();
    assert!(lost.is_empty(), "{} of {} are not in the books: {lost:?}", lost.len(), seen.len());
    assert!(by_request.values().all(|&rows| rows == 1), "a request has several rows");
    assert!(seen.len() >= 50, "only {} answers: that is no load", seen.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_relay_takes_no_acknowledged_row_with_it() {
    let mut fleet = strict();
    let upstream = ScriptedUpstream::start(serving).await;
    fleet.desk().add_account("one", &upstream);
    let key = fleet.desk().create_key("team --limit requests=1M/total");
    fleet.start(4);
    let (asking, seen) = ask_all(&fleet, &key, Duration::from_secs(3), None);
    sleep(Duration::from_millis(1_500)).await;
    let mut dead = fleet.relays.remove(3);
    dead.signal(Signal::KILL);
    dead.end().await;
    asking.join_all().await;
    // What it had booked, and others had not heard of yet, is told by its folder's next relay.
    fleet.relays.push(fleet.benches[3].serve());
    let asked = upstream.received().len();
    let redis = fleet.stop().await;
    let rows = rows(&redis).await;
    assert!(rows.len() <= asked, "{} rows for {asked} requests", rows.len());
    assert_booked_once(&rows_by_request(&rows), &seen);
}

/// It holds all that the key may have at once; that is free when its leases have lapsed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: leases lapse after a minute; `cargo xtask test --all` runs it"]
async fn what_a_killed_relay_held_is_free_when_its_leases_have_lapsed() {
    let mut fleet = Fleet::new();
    let upstream = ScriptedUpstream::start(|request| match request.json()["max_tokens"].as_u64() {
        Some(1) => posthaste_testkit::Script::never(),
        _ => serving(request),
    })
    .await;
    fleet.desk().add_account("one", &upstream);
    let key = fleet.desk().create_key("team --limit concurrency=4");
    fleet.start(2);
    let mut body = whole();
    body["max_tokens"] = 1.into();
    let mut held = JoinSet::new();
    for _ in 0..4 {
        let (relay, key, body) = (fleet.relays[1].client(), key.clone(), body.clone());
        held.spawn(async move { relay.post(&key, &body).await.map(|answer| answer.status) });
    }
    upstream.wait_received(4).await;
    assert_eq!(fleet.relays[0].post(&key, &whole()).await.unwrap().status, 429);
    let mut dead = fleet.relays.remove(1);
    dead.signal(Signal::KILL);
    let killed = Instant::now();
    dead.end().await;
    while fleet.relays[0].post(&key, &whole()).await.unwrap().status != 200 {
        assert!(killed.elapsed() < Duration::from_secs(60) + PATIENCE, "the slots are not free");
        sleep(Duration::from_millis(200)).await;
    }
    println!("free {:?} after the kill", killed.elapsed());
    // Each lease has its own end, and they are renewed at times of their own.
    loop {
        let mut after = JoinSet::new();
        for _ in 0..4 {
            let (relay, key) = (fleet.relays[0].client(), key.clone());
            after.spawn(async move { relay.post(&key, &whole()).await.unwrap().status });
        }
        let statuses = after.join_all().await;
        if statuses == [200; 4] {
            break;
        }
        assert!(
            killed.elapsed() < Duration::from_secs(60) + PATIENCE,
            "some slots are not free: {statuses:?}"
        );
        sleep(Duration::from_millis(200)).await;
    }
    fleet.stop().await;
}

async fn until_served(relay: &Server, key: &str) {
    let begun = Instant::now();
    while relay.post(key, &whole()).await.unwrap().status != 200 {
        assert!(begun.elapsed() < PATIENCE, "it does not serve: {}", relay.log());
        sleep(Duration::from_millis(100)).await;
    }
}

/// Who is amid a request when the relay stands still may be refused when it goes on: all its time-outs are over then. What
/// counts is that whoever got an answer is in the books once, and that nothing else is.
async fn stands_still(for_so_long: Duration) {
    let mut fleet = strict();
    let upstream = ScriptedUpstream::start(serving).await;
    fleet.desk().add_account("one", &upstream);
    let key = fleet.desk().create_key("team --limit requests=1M/total --limit concurrency=64");
    fleet.start(3);
    // A relay that does not know the key yet refuses it where Redis is late, as it may be on a busy machine.
    for relay in &fleet.relays {
        until_served(relay, &key).await;
    }
    let (asking, seen) = ask_all(&fleet, &key, for_so_long + Duration::from_secs(3), Some(2));
    sleep(Duration::from_secs(1)).await;
    fleet.relays[2].signal(Signal::STOP);
    sleep(for_so_long).await;
    fleet.relays[2].signal(Signal::CONT);
    asking.join_all().await;
    until_served(&fleet.relays[2], &key).await;
    let asked = upstream.received().len();
    let served = seen.lock().unwrap().len() + 1;
    let redis = fleet.stop().await;
    assert!(served <= asked, "{served} of {asked}");
    let (rows, summed) = books(redis.url()).await;
    assert_eq!((rows.len(), summed), (asked, asked), "each attempt that was made is in the books once");
    // A request whose first attempt ran out of its time meanwhile may have had a second one.
    let complete: Vec<_> = rows.into_iter().filter(|row| row.outcome == AttemptOutcome::Complete).collect();
    assert_booked_once(&rows_by_request(&complete), &seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_stood_still_bills_nothing_twice() {
    stands_still(Duration::from_secs(3)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: longer than leases last; `cargo xtask test --all` runs it"]
async fn a_relay_that_stood_still_for_longer_than_its_leases_bills_nothing_twice() {
    stands_still(Duration::from_secs(70)).await;
}
