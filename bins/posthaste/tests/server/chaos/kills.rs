//! `kill -9` at any moment under load, again and again on one folder of the embedded store.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use posthaste_testkit::{Chance, Gate, Received, Script, ScriptedUpstream};
use rustix::process::Signal;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::plan;
use crate::support::{Bench, Client, Server, serving, streamed, whole};

#[tokio::test(flavor = "multi_thread")]
async fn s10_a_relay_that_is_killed_again_and_again_loses_and_doubles_nothing() {
    kill(4, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long, and told what to do by `cargo xtask chaos --kills`"]
async fn s10_as_many_kills_as_it_is_told() {
    kill(plan::number("KILLS", 200), plan::number("SEED", 1)).await;
}

/// The ids of answers that clients have seen whole.
type Seen = Arc<Mutex<HashSet<String>>>;

async fn keep_asking(client: Client, key: String, seen: Seen) {
    for round in 0.. {
        let body = if round % 2 == 0 { streamed() } else { whole() };
        let Ok(answer) = client.post(&key, &body).await else { return };
        let (id, status) = (answer.header("x-posthaste-request-id").to_owned(), answer.status);
        let Ok(text) = answer.text().await else { return };
        assert_eq!(status, 200, "{text}");
        assert!(text.contains("message_stop") || text.contains("end_turn"), "a part for the whole: {text}");
        assert!(seen.lock().unwrap().insert(id), "an id comes twice");
    }
}

/// The upstream holds those back who ask for one token, until the gate opens.
async fn upstream(gate: &Gate) -> ScriptedUpstream {
    let gate = gate.clone();
    ScriptedUpstream::start(move |request: &Received| match request.json()["max_tokens"].as_u64() {
        Some(1) => Script::new().gate(&gate),
        _ => serving(request),
    })
    .await
}

/// All places of the key are free: as many at once as it may have are served.
async fn assert_places_are_free(server: &Server, key: &str, seen: &Seen) {
    let mut asking = JoinSet::new();
    for _ in 0..PLACES {
        let (client, key) = (server.client(), key.to_owned());
        asking.spawn(async move {
            let answer = client.post(&key, &whole()).await.unwrap();
            let (status, id) = (answer.status, answer.header("x-posthaste-request-id").to_owned());
            (status, id, answer.text().await.unwrap())
        });
    }
    for (status, id, text) in asking.join_all().await {
        assert_eq!(status, 200, "a place is held: {text}");
        seen.lock().unwrap().insert(id);
    }
}

async fn kill(times: u64, seed: u64) {
    let bench = Bench::new().with("POSTHASTE_ACCOUNTING__DURABILITY", "strict");
    let gate = Gate::default();
    let upstream = upstream(&gate).await;
    bench.add_account("one", &upstream);
    let key = bench.create_key("team");
    let narrow = bench.create_key(&format!("narrow --limit concurrency={PLACES}"));
    let (seen, mut chance) = (Seen::default(), Chance::new(seed));
    let mut opened = Vec::new();
    for _ in 0..times {
        let begun = Instant::now();
        let mut server = bench.serve();
        opened.push(begun.elapsed());
        assert_places_are_free(&server, &narrow, &seen).await;
        let mut asking = JoinSet::new();
        for _ in 0..8 {
            asking.spawn(keep_asking(server.client(), key.clone(), Arc::clone(&seen)));
        }
        // All places are taken when it dies.
        let mut held = whole();
        held["max_tokens"] = 1.into();
        let mut holding = JoinSet::new();
        for _ in 0..PLACES {
            let (client, narrow, held) = (server.client(), narrow.clone(), held.clone());
            holding.spawn(async move { client.post(&narrow, &held).await.map(|answer| answer.status) });
        }
        sleep(Duration::from_millis(50 + chance.below(500))).await;
        server.signal(Signal::KILL);
        server.end().await;
        asking.join_all().await;
        assert!(
            holding.join_all().await.iter().all(Result::is_err),
            "nobody who was held back has an answer"
        );
    }
    let asked = upstream.received().len();
    let verified = bench.cli("data verify");
    let (rows, seen) = (bench.rows_up_to(usize::MAX).await, std::mem::take(&mut *seen.lock().unwrap()));
    let booked: HashSet<_> = rows.iter().map(|row| row.request_id.to_string()).collect();
    assert_eq!(booked.len(), rows.len(), "no request was asked twice, so none has two rows");
    let lost = seen.difference(&booked).count();
    assert_eq!(lost, 0, "of {} answers that clients have", seen.len());
    assert!(rows.len() <= asked, "{} rows for {asked} requests", rows.len());
    let told =
        ["team", "narrow"].map(|key| bench.cli(&format!("keys usage {key}"))["totals"]["attempts"].as_u64());
    assert_eq!(told.iter().map(|sum| sum.unwrap()).sum::<u64>(), rows.len() as u64, "the sums fit the rows");
    assert!(seen.len() as u64 >= 10 * times, "only {} answers: that is no load", seen.len());
    opened.sort();
    let (median, most) = (opened[opened.len() / 2], opened[opened.len() - 1]);
    println!(
        "### {times} kills, seed {seed}\n\n- {} answers were seen whole, {} rows: none lost, none doubled; the sums fit.\n- From \
         the start to listening: {median:.2?} in the middle, {most:.2?} at most. All {PLACES} places of a key that were held are \
         free at once.\n- `data verify`: {verified}\n",
        seen.len(),
        rows.len()
    );
}

const PLACES: usize = 6;
