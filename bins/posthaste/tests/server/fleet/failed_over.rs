//! Redis masters that die under two relays, and the replicas that take their place.

use std::time::Duration;

use posthaste_testkit::{
    SpawnedRedis, SpawnedRedisCluster, spawn_redis_cluster_with_replicas, spawn_redis_sentinel,
};
use tokio::{task::block_in_place, time::sleep};

use super::{
    Fleet, assert_books, counted,
    load::{self, Load},
};
use crate::support::{eventually, whole};

/// What the key may have at once.
const PLACES: usize = 16;

/// Kills a master under load and gives the books, the counters and the places time to be right again.
async fn fails_over<R>(
    mut fleet: Fleet<R>,
    url: String,
    fail_over: impl FnOnce(&mut R),
    counters: impl Fn(&R) -> Vec<&SpawnedRedis>,
) {
    let upstream = load::upstream().await;
    fleet.desk().add_account("one", &upstream);
    let key =
        fleet.desk().create_key(&format!("team --limit requests=1M/total --limit concurrency={PLACES}"));
    fleet.start(2);
    for relay in &fleet.relays {
        assert_eq!(relay.post(&key, &whole()).await.unwrap().status, 200, "known to each before");
    }
    let clients = Load::on(&fleet.relays, &key);
    clients.go_on().await;
    let early = clients.served();
    sleep(Duration::from_secs(1)).await;
    let a_second = clients.served() - early;
    block_in_place(|| fail_over(&mut fleet.redis));
    clients.go_on().await;
    sleep(Duration::from_secs(1)).await;
    clients.go_on().await;
    let served = clients.end().await;
    for bench in &fleet.benches {
        eventually("Redis is used again", || {
            let spool = &bench.cli("status")["server"]["spool"];
            (spool["rows"] == 0 && spool["lost"] == false).then_some(())
        })
        .await;
    }
    let last = load::served_when_nobody_holds(&fleet.relays, &key, PLACES).await;
    let asked = upstream.received().len();
    assert_eq!(served + 2 + last, asked, "every request was served");

    let all = || counters(&fleet.redis).into_iter().map(counted).sum::<usize>();
    // What the master had not told its replica yet went with it; far less than a second's.
    let told = all();
    eventually(&format!("the limit has counted {asked}, or a little less, and not {told}"), || {
        (all() <= asked && all() + a_second >= asked).then_some(())
    })
    .await;
    let _servers = fleet.stop().await;
    assert_books(url, asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_a_master_behind_sentinels_dies_under_two_relays() {
    let set = spawn_redis_sentinel(1);
    let url = set.url();
    let fleet = Fleet::on(set, &url);
    fails_over(fleet, url, |set| set.fail_over(), |set| vec![set.master()]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: six servers and an election; `cargo xtask test --all` runs it"]
async fn s3_each_master_of_a_cluster_dies_under_two_relays() {
    for dead in 0..3 {
        let cluster = spawn_redis_cluster_with_replicas();
        let url = cluster.url();
        let fleet = Fleet::on(cluster, &url);
        fails_over(fleet, url, |cluster| cluster.fail_over(dead), heirs).await;
    }
}

fn heirs(cluster: &SpawnedRedisCluster) -> Vec<&SpawnedRedis> {
    (0..cluster.masters()).map(|number| cluster.heir(number)).collect()
}
