//! The stores on a cluster of three masters.

use std::time::Duration;

use posthaste_core::{AccountId, ClientKeyId, Timestamp};
use posthaste_storage::{AffinityKey, contract::row};
use posthaste_storage_redis::RedisStores;
use posthaste_testkit::{SpawnedRedisCluster, spawn_redis_cluster};
use uuid::Uuid;

use crate::support::{assert_unavailable, claim_for, eventually, fresh, options, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_contract_holds_on_a_cluster() {
    let cluster = spawn_redis_cluster();
    posthaste_storage::contract_promises!(contract_each!(fresh(cluster.url())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_are_spread_over_all_masters() {
    let cluster = spawn_redis_cluster();
    let (stores, _redis) = fresh(cluster.url()).await;
    for number in 0..3 {
        assert_eq!(cluster.master(number).command("CONFIG RESETSTAT"), "OK");
    }
    for _ in 0..60 {
        let lease = claim_for(&stores, Uuid::now_v7()).await.unwrap();
        stores.admission.settle(lease, &[], Timestamp::from_secs(1_790_000_000)).await.unwrap();
    }
    for number in 0..3 {
        let stats = cluster.master(number).command("INFO commandstats");
        assert!(stats.contains("cmdstat_evalsha:"), "no script ran on master {number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_that_a_node_forgot_are_loaded_there_again() {
    let cluster = spawn_redis_cluster();
    let (stores, _redis) = fresh(cluster.url()).await;
    for _ in 0..2 {
        for number in 0..3 {
            assert_eq!(cluster.master(number).command("SCRIPT FLUSH"), "OK");
        }
        for _ in 0..12 {
            claim_for(&stores, Uuid::now_v7()).await.unwrap();
        }
        write(&stores).await.unwrap();
        stores.ledger.append(&[row(), row()]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_gone_fails_calls_in_time_and_comes_back() {
    let mut cluster = spawn_redis_cluster();
    let (stores, _redis) = fresh(cluster.url()).await;
    let owners: Vec<_> = (0..12).map(|_| Uuid::now_v7()).collect();
    for &owner in &owners {
        claim_for(&stores, owner).await.unwrap();
    }
    cluster.master_mut(1).kill();
    // Nobody is promised an answer, as the servers themselves refuse while slots are not served; yet calls end.
    let ended = tokio::time::timeout(Duration::from_secs(60), async {
        let mut failed = 0;
        for _ in 0..3 {
            for &owner in &owners {
                if let Err(error) = claim_for(&stores, owner).await {
                    assert_unavailable(error);
                    failed += 1;
                }
            }
        }
        failed
    });
    assert!(ended.await.expect("calls end") > 0);

    cluster.master_mut(1).restart();
    cluster.wait_until_whole();
    for &owner in &owners {
        eventually(async || claim_for(&stores, owner).await.is_ok()).await;
    }
    eventually(async || write(&stores).await.is_ok()).await;
}

/// fred 10.1.0 ends its connection for good when a node answers `ASK`; the supervisor makes another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_is_being_moved_does_not_end_the_stores() {
    let cluster = spawn_redis_cluster();
    let options = options(cluster.url());
    let prefix = options.prefix.clone();
    let redis = RedisStores::connect(options).await.unwrap();
    let stores = redis.stores();
    let (key, now) = (
        AffinityKey { tenant: ClientKeyId::generate(), conversation: [7; 16] },
        Timestamp::from_secs(1_790_000_000),
    );
    let settle =
        async || stores.affinity.settle_at(key, AccountId::generate(), Duration::from_secs(600), now).await;

    let moved = Move::of(&cluster, &format!("{prefix}:{{caller:{}}}", key.tenant));
    moved.begin();
    let mut elsewhere = Uuid::now_v7();
    while cluster.home(&format!("{prefix}:{{caller:{elsewhere}}}")).1 == moved.slot {
        elsewhere = Uuid::now_v7();
    }
    for _ in 0..3 {
        if let Err(error) = settle().await {
            assert_unavailable(error);
        }
    }
    let met = cluster.master(moved.from).command("INFO errorstats");
    assert!(met.contains("errorstat_ASK"), "no ASK was answered: {met}");
    eventually(async || claim_for(&stores, elsewhere).await.is_ok()).await;

    moved.end();
    eventually(async || settle().await.is_ok()).await;
    assert!(stores.affinity.home(key, now).await.unwrap().is_some());
    assert!(cluster.master(moved.to).command("INFO keyspace").contains("keys="));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_that_have_moved_are_found() {
    let cluster = spawn_redis_cluster();
    let options = options(cluster.url());
    let prefix = options.prefix.clone();
    let redis = RedisStores::connect(options).await.unwrap();
    let stores = redis.stores();
    let owner = Uuid::now_v7();
    let moves = [format!("{prefix}:{{config}}"), format!("{prefix}:{{caller:{owner}}}")];
    for key in &moves {
        Move::of(&cluster, key).end();
    }
    claim_for(&stores, owner).await.unwrap();
    eventually(async || write(&stores).await.is_ok()).await;
    for key in &moves {
        let moved = Move::of(&cluster, key);
        let met = cluster.master(moved.to).command("INFO keyspace");
        assert!(met.contains("keys="), "nothing was written where {key} lies now");
    }
}

/// A slot on its way from one master to another.
struct Move<'a> {
    cluster: &'a SpawnedRedisCluster,
    slot: u16,
    from: usize,
    to: usize,
}

impl<'a> Move<'a> {
    fn of(cluster: &'a SpawnedRedisCluster, key: &str) -> Self {
        let (from, slot) = cluster.home(key);
        Self { cluster, slot, from, to: (from + 1) % cluster.masters() }
    }

    fn begin(&self) {
        self.order(self.to, "IMPORTING", self.from);
        self.order(self.from, "MIGRATING", self.to);
    }

    fn end(&self) {
        for master in [self.to, self.from, (self.to + 1) % self.cluster.masters()] {
            self.order(master, "NODE", self.to);
        }
    }

    fn order(&self, at: usize, what: &str, other: usize) {
        let other = self.cluster.master(other).command("CLUSTER MYID");
        let answer =
            self.cluster.master(at).command(&format!("CLUSTER SETSLOT {} {what} {other}", self.slot));
        assert_eq!(answer, "OK");
    }
}
