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
    let left = bench.data().join("spool").read_dir().unwrap().map(|entry| entry.unwrap().file_name());
    let mut left: Vec<_> = left.map(|name| name.into_string().unwrap()).collect();
    left.sort();
    // Nothing waits; the six rows are kept for the case that Redis loses them.
    assert_eq!(left, ["00000000000000000001.kept", "books", "lock"]);
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

/// Waits until the local copy has so many records.
async fn copied(bench: &Bench, records: u64) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let output = bench.command("data restore --from-copy --json").output().unwrap();
        let told = serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap_or_default();
        if told["records"] == records && told["missing"] == 0 {
            return;
        }
        assert!(Instant::now() < deadline, "no copy of {records} records: {output:?}");
        sleep(std::time::Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s5_a_flush_under_a_running_relay_refuses_nobody_and_everything_is_written_back() {
    let redis = spawn_redis_with(&[]);
    let (bench, _upstream, known) = furnished(on(&redis)).await;
    let unused = bench.create_key("other");
    let server = bench.serve();
    assert_eq!(server.post(&known, &whole()).await.unwrap().status, 200);
    // The keyring, an account, two client keys.
    copied(&bench, 4).await;
    redis.command("FLUSHALL");
    for key in [&known, &unused, &known] {
        let answer = server.post(key, &whole()).await.unwrap();
        assert_eq!(answer.status, 200, "{}", server.log());
        answer.text().await.unwrap();
    }
    let deadline = Instant::now() + PATIENCE;
    while !server.log().contains("was empty and has its records again") {
        assert!(Instant::now() < deadline, "{}", server.log());
        sleep(std::time::Duration::from_millis(100)).await;
    }
    copied(&bench, 4).await;
    assert_eq!(server.post(&known, &whole()).await.unwrap().status, 200);
    // A change is still followed afterwards.
    let third = bench.create_key("third");
    assert_eq!(server.post(&third, &whole()).await.unwrap().status, 200, "{}", server.log());
    copied(&bench, 5).await;
    server.stop().await;
    let again = bench.serve();
    assert_eq!(again.post(&unused, &whole()).await.unwrap().status, 200, "{}", again.log());
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s5_a_relay_that_starts_on_a_flushed_redis_brings_its_records() {
    let redis = spawn_redis_with(&[]);
    let (bench, _upstream, key) = furnished(on(&redis)).await;
    let server = bench.serve();
    copied(&bench, 3).await;
    server.stop().await;
    redis.command("FLUSHALL");
    let server = bench.serve();
    assert_eq!(server.post(&key, &whole()).await.unwrap().status, 200, "{}", server.log());
    assert!(server.log().contains("Redis was empty and has its records again"), "{}", server.log());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s5_a_redis_of_somebody_else_is_not_touched() {
    let redis = spawn_redis_with(&[]);
    let (bench, _upstream, _key) = furnished(on(&redis)).await;
    let server = bench.serve();
    copied(&bench, 3).await;
    server.stop().await;
    redis.command("FLUSHALL");
    let (other, _upstream, their_key) = furnished(on(&redis)).await;
    let before = redis.command("DBSIZE");
    let mut refused = bench.spawn("serve --listen 127.0.0.1:0");
    assert!(!refused.end().await.success());
    assert!(refused.log().contains("the vault does not open"), "{}", refused.log());
    let output = bench.command("data restore --from-copy --apply").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("another keyring"), "{said}");
    assert_eq!(redis.command("DBSIZE"), before);
    let server = other.serve();
    assert_eq!(server.post(&their_key, &whole()).await.unwrap().status, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s12_a_damaged_copy_is_told_and_not_used() {
    let redis = spawn_redis_with(&[]);
    let (bench, _upstream, _key) = furnished(on(&redis)).await;
    let server = bench.serve();
    copied(&bench, 3).await;
    server.stop().await;
    redis.command("FLUSHALL");
    let path = bench.data().join("config.copy");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
    std::fs::write(&path, bytes).unwrap();
    let mut refused = bench.spawn("serve --listen 127.0.0.1:0");
    assert!(!refused.end().await.success());
    assert!(refused.log().contains("the local copy of them cannot be used"), "{}", refused.log());
    assert_eq!(redis.command("DBSIZE"), "0");
    // Out of the way, a new relay begins.
    std::fs::rename(&path, bench.data().join("config.copy.old")).unwrap();
    bench.serve().stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_redis_lacks_come_back_on_request_after_a_look() {
    let redis = spawn_redis_with(&[]);
    let (bench, _upstream, key) = furnished(on(&redis)).await;
    let server = bench.serve();
    copied(&bench, 3).await;
    server.stop().await;
    let before = redis.command("DBSIZE");
    redis.command("DEL posthaste:{config}:client_key:records posthaste:{config}:client_key:ids posthaste:{config}:client_key:lookups");
    assert_ne!(redis.command("DBSIZE"), before, "the names are the store's");
    let shown = bench.cli("data restore --from-copy");
    assert_eq!((&shown["missing"], &shown["written"]), (&1.into(), &0.into()), "{shown}");
    let applied = bench.cli("data restore --from-copy --apply");
    assert_eq!(applied["written"], 1, "{applied}");
    let server = bench.serve();
    assert_eq!(server.post(&key, &whole()).await.unwrap().status, 200, "{}", server.log());
    server.stop().await;
}
