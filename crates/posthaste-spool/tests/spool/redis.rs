//! A Redis that goes away and comes back.

use std::{sync::Arc, time::Duration};

use posthaste_core::SystemClock;
use posthaste_spool::{SpoolOptions, SpooledLedger};
use posthaste_storage::LedgerStore;
use posthaste_storage_redis::{RedisOptions, RedisStores};
use posthaste_testkit::spawn_redis_with;

use crate::support::{eventually, rows, summed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_s6_ten_thousand_rows_wait_for_a_killed_redis_and_are_all_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = spawn_redis_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let redis = RedisStores::connect(RedisOptions::new(server.url())).await.unwrap();
    let inner = redis.stores().ledger;
    let ledger = SpooledLedger::open(
        folder.path(),
        SpoolOptions::default(),
        Arc::new(SystemClock),
        Arc::clone(&inner),
    )
    .await
    .unwrap();
    let mut booked = rows(100);
    ledger.append(&booked).await.unwrap();
    assert_eq!(ledger.count().await.unwrap(), 100);

    server.kill();
    for _ in 0..50 {
        let batch = rows(200);
        ledger.append(&batch).await.unwrap();
        booked.extend(batch);
    }
    eventually(async || ledger.state().view().lost).await;
    assert_eq!(ledger.state().view().rows, 10_000);
    server.restart();
    eventually(async || ledger.state().view().rows == 0).await;
    eventually(async || !ledger.state().view().lost).await;

    assert_eq!(ledger.count().await.unwrap(), 10_100);
    assert_eq!(summed(&ledger).await, 10_100);
    let mut there = inner.recent(None, 20_000).await.unwrap();
    there.sort_by_key(|row| row.request_id);
    booked.sort_by_key(|row| row.request_id);
    assert!(there == booked, "each row is there as it was booked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s5_rows_of_the_last_minute_outlive_a_flush_and_a_redis_without_memory() {
    let folder = tempfile::tempdir().unwrap();
    let server = spawn_redis_with(&[]);
    let redis = RedisStores::connect(RedisOptions::new(server.url())).await.unwrap();
    let options = SpoolOptions { hold: Duration::from_secs(5), ..SpoolOptions::default() };
    let ledger = SpooledLedger::open(folder.path(), options, Arc::new(SystemClock), redis.stores().ledger)
        .await
        .unwrap();
    ledger.append(&rows(50)).await.unwrap();
    assert_eq!(ledger.count().await.unwrap(), 50);
    // Writes are refused where nothing may be evicted.
    server.command("CONFIG SET maxmemory 1");
    ledger.append(&rows(500)).await.unwrap();
    eventually(async || ledger.state().view().lost).await;
    server.command("FLUSHALL");
    server.command("CONFIG SET maxmemory 0");
    eventually(async || ledger.count().await.is_ok_and(|count| count == 550)).await;
    assert_eq!(summed(&ledger).await, 550);
    assert_eq!(ledger.close(Duration::from_secs(60)).await, 0);
    assert_eq!(summed(&ledger).await, 550);
}
