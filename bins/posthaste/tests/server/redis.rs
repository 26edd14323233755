//! A Redis that goes away, under a relay and between two.

use posthaste_core::AttemptRow;
use posthaste_storage_redis::{RedisOptions, RedisStores};
use posthaste_testkit::{SpawnedRedis, spawn_redis_with};
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::support::{Bench, PATIENCE, furnished, streamed, whole};

fn durable_redis() -> SpawnedRedis {
    spawn_redis_with(&["--appendonly", "yes", "--appendfsync", "always"])
}

fn on(redis: &SpawnedRedis) -> Bench {
    Bench::new()
        .with("POSTHASTE_DATA__STORE", "redis")
        .with("POSTHASTE_DATA__REDIS_URL", &redis.url())
        .with("POSTHASTE_ACCOUNTING__DURABILITY", "strict")
}

/// What is in the books, once there are so many rows.
async fn rows(redis: &SpawnedRedis, count: usize) -> Vec<AttemptRow> {
    let stores = RedisStores::connect(RedisOptions::new(redis.url())).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let rows = stores.stores().ledger.recent(None, 10_000).await.unwrap();
        if rows.len() >= count || Instant::now() > deadline {
            return rows;
        }
        sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_s10_answers_given_while_redis_is_away_are_booked_though_the_relay_is_killed_meanwhile() {
    let mut redis = durable_redis();
    let (bench, _upstream, key) = furnished(on(&redis)).await;
    let mut server = bench.serve();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let answer = server.post(&key, &whole()).await.unwrap();
        seen.push(answer.header("x-posthaste-request-id").to_owned());
        answer.text().await.unwrap();
    }
    redis.kill();
    for body in [whole(), streamed(), whole()] {
        let answer = server.post(&key, &body).await.unwrap();
        assert_eq!(answer.status, 200, "{}", server.log());
        seen.push(answer.header("x-posthaste-request-id").to_owned());
        answer.text().await.unwrap();
    }
    server.signal(Signal::KILL);
    server.end().await;

    redis.restart();
    let again = bench.serve();
    let booked = rows(&redis, seen.len()).await;
    let mut booked: Vec<_> = booked.iter().map(|row| row.request_id.to_string()).collect();
    booked.sort();
    seen.sort();
    assert_eq!(booked, seen, "{}", again.log());
    assert_eq!(bench.cli("keys usage team")["totals"]["attempts"], 6);
    let spool = &bench.cli("status")["server"]["spool"];
    assert_eq!((&spool["rows"], &spool["lost"]), (&0.into(), &false.into()), "{spool}");
    assert_eq!(bench.cli("data verify")["ok"], true);
    again.stop().await;
    let left: Vec<_> =
        bench.data().join("spool").read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_stops_in_order_while_redis_is_away_and_the_next_one_books_what_waited() {
    let mut redis = durable_redis();
    let (bench, _upstream, key) = furnished(on(&redis)).await;
    let mut server = bench.serve();
    server.post(&key, &whole()).await.unwrap().text().await.unwrap();
    redis.kill();
    let answer = server.post(&key, &whole()).await.unwrap();
    assert_eq!(answer.status, 200);
    answer.text().await.unwrap();
    server.signal(Signal::TERM);
    let status = server.end().await;
    assert!(status.success(), "{status}: {}", server.log());
    assert!(server.log().contains("rows are left in the spool"), "{}", server.log());
    redis.restart();
    let refused = bench.command("data move --to sqlite:elsewhere.db").output().unwrap();
    let refused = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.contains("wait in the spool"), "{refused}");
    let again = bench.serve();
    assert_eq!(rows(&redis, 2).await.len(), 2, "{}", again.log());
    again.stop().await;
}
