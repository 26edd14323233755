//! The stores on the master that Sentinels name.

use std::time::Duration;

use posthaste_core::Timestamp;
use posthaste_storage::{RecordKind, contract::row};
use posthaste_testkit::{SpawnedRedisSentinel, spawn_redis_sentinel};
use uuid::Uuid;

use crate::support::{claim_for, eventually, fresh, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_contract_holds_behind_a_sentinel() {
    let set = spawn_redis_sentinel(1);
    posthaste_storage::contract_promises!(contract_each!(fresh(set.url())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_goes_on_at_the_replica_when_the_master_dies() {
    let mut set = spawn_redis_sentinel(3);
    let (stores, _redis) = fresh(set.url()).await;
    let id = write(&stores).await.unwrap();
    let booked = row();
    stores.ledger.append(std::slice::from_ref(&booked)).await.unwrap();
    let (ttl, now) = (Duration::from_secs(5), Timestamp::from_secs(1_790_000_000));
    let fence = stores.locks.acquire("refresh", Uuid::now_v7(), ttl, now).await.unwrap().unwrap();
    wait_for_replica(&set).await;

    // Others go on working meanwhile; what they do may fail, and none of it may hang.
    let worker = tokio::spawn({
        let stores = stores.clone();
        async move {
            loop {
                let _outcome = claim_for(&stores, Uuid::now_v7()).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    set.fail_over();
    eventually(async || claim_for(&stores, Uuid::now_v7()).await.is_ok()).await;
    worker.abort();

    // The new master has never seen the scripts.
    assert!(stores.config.get(RecordKind::Account, id).await.unwrap().is_some());
    assert_eq!(stores.ledger.attempts(booked.request_id).await.unwrap(), std::slice::from_ref(&booked));
    write(&stores).await.unwrap();
    stores.ledger.append(&[booked.clone(), row()]).await.unwrap();
    assert_eq!(stores.ledger.count().await.unwrap(), 2, "a row that was replicated is not booked again");
    let later = now.plus(ttl + ttl);
    assert!(stores.locks.acquire("refresh", Uuid::now_v7(), ttl, later).await.unwrap().unwrap() > fence);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn master_and_replica_may_change_places() {
    let set = spawn_redis_sentinel(1);
    let (stores, _redis) = fresh(set.url()).await;
    write(&stores).await.unwrap();
    let old = set.master().port();
    set.swap();
    assert_ne!(set.master().port(), old);
    eventually(async || write(&stores).await.is_ok()).await;
    // What is answered now is kept by the new master: the old one would have refused it.
    let id = write(&stores).await.unwrap();
    assert!(stores.config.get(RecordKind::Account, id).await.unwrap().is_some());
    claim_for(&stores, Uuid::now_v7()).await.unwrap();
}

async fn wait_for_replica(set: &SpawnedRedisSentinel) {
    let offset = |info: String, name: &str| {
        let found = info.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
        found.expect("an offset")
    };
    let written = offset(set.master().command("INFO replication"), "master_repl_offset:");
    eventually(async || offset(set.replica().command("INFO replication"), "slave_repl_offset:") >= written)
        .await;
}
