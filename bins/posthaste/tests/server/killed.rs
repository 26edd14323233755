//! `kill -9` under load: what is in the books afterwards.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::support::{Bench, Client, furnished, streamed, whole};

/// The ids of answers that a client has seen whole, with the moment.
type Seen = Arc<Mutex<HashMap<String, Instant>>>;

async fn keep_asking(client: Client, key: String, seen: Seen) {
    for round in 0.. {
        let body = if round % 2 == 0 { streamed() } else { whole() };
        let Ok(answer) = client.post(&key, &body).await else { return };
        let (id, status) = (answer.header("x-posthaste-request-id").to_owned(), answer.status);
        let Ok(text) = answer.text().await else { return };
        assert_eq!(status, 200, "{text}");
        let complete = text.contains("message_stop") || text.contains("end_turn");
        assert!(complete, "{text}");
        seen.lock().unwrap().insert(id, Instant::now());
    }
}

struct Aftermath {
    seen: HashMap<String, Instant>,
    killed: Instant,
    booked: HashSet<String>,
}

impl Aftermath {
    /// Answers that were whole at the client and are not in the books, by how long before the end they were.
    fn lost(&self) -> Vec<Duration> {
        let lost = self.seen.iter().filter(|(id, _)| !self.booked.contains(*id));
        lost.map(|(_, at)| self.killed.saturating_duration_since(*at)).collect()
    }
}

async fn killed_under_load(durability: &str) -> Aftermath {
    let bench = Bench::new().with("POSTHASTE_ACCOUNTING__DURABILITY", durability);
    let (bench, upstream, key) = furnished(bench).await;
    let mut server = bench.serve();
    let seen = Seen::default();
    let clients: Vec<_> =
        (0..16).map(|_| tokio::spawn(keep_asking(server.client(), key.clone(), Arc::clone(&seen)))).collect();
    sleep(Duration::from_millis(1_500)).await;
    let killed = Instant::now();
    server.signal(Signal::KILL);
    server.end().await;
    for client in clients {
        client.await.unwrap();
    }

    // The same folder serves again at once, and nothing is in its books that the upstream did not serve.
    let asked = upstream.received().len();
    let again = bench.serve();
    assert_eq!(again.post(&key, &whole()).await.unwrap().status, 200);
    again.stop().await;
    let rows = bench.rows().await;
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    assert!(seen.len() >= 50, "only {} answers: that is no load", seen.len());
    assert!(rows.len() <= asked + 1, "{} rows for {asked} requests", rows.len());
    let booked: HashSet<_> = rows.iter().map(|row| row.request_id.to_string()).collect();
    assert_eq!(booked.len(), rows.len(), "no request was asked twice, so none has two rows");
    let usage = bench.cli("keys usage team");
    assert_eq!(
        usage["totals"]["attempts"].as_u64(),
        Some(rows.len() as u64),
        "the sums fit the rows: {usage}"
    );
    let output: u64 = rows.iter().map(|row| row.usage.output).sum();
    assert!(output <= 34 * (asked as u64 + 1));
    Aftermath { seen, killed, booked }
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_loses_nothing_that_a_client_saw_complete_and_doubles_nothing() {
    let aftermath = killed_under_load("strict").await;
    assert_eq!(aftermath.lost(), [Duration::ZERO; 0], "of {}", aftermath.seen.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn relaxed_loses_at_most_the_last_tenth_of_a_second_and_doubles_nothing() {
    let aftermath = killed_under_load("relaxed").await;
    let lost = aftermath.lost();
    assert!(
        lost.iter().all(|before| *before <= Duration::from_millis(100)),
        "lost of {}: {lost:?}",
        aftermath.seen.len()
    );
}
