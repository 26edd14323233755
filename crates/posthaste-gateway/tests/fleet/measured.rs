//! How soon a relay knows what another one found out, over one Redis, and what the fleet costs while nothing happens. Figures
//! for `docs/OPERATIONS.md`: `cargo test -p posthaste-gateway --test fleet measured -- --ignored --nocapture --test-threads 1`.

use std::time::{Duration, Instant};

use crate::{
    fleet::{Does, Fleet, Place},
    pair::eventually,
    revoked::{change, present, refused, revoke},
    support::whole,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "a measurement"]
async fn from_a_revocation_to_a_closed_door() {
    let fleet = Fleet::new(Place::Redis, 2, 1).await;
    let [here, there] = [&fleet.relays[0], &fleet.relays[1]];
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        while present(there).await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        revoke(here).await;
        let began = Instant::now();
        refused(there).await;
        took.push(began.elapsed());
        change(here, |key, _| key.revoked_at = None).await;
    }
    println!("{}", told("a revocation reaches the other relay", took));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "a measurement"]
async fn from_a_limit_to_a_rest_elsewhere() {
    let fleet = Fleet::new(Place::Redis, 2, 1).await;
    fleet.upstream.lets(fleet.accounts[0], Does::Limit(3_600));
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        fleet.relays[0].read(&whole()).await.expect_err("it is at its limit");
        let began = Instant::now();
        while !fleet.rests(1, 0) {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        took.push(began.elapsed());
        fleet.advance(1);
        fleet.relays[0].relay.release(fleet.accounts[0]);
        eventually("the release", || fleet.is_well(0, 0) && fleet.is_well(1, 0)).await;
        fleet.advance(1);
    }
    println!("{}", told("a rest reaches the other relay", took));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "a measurement"]
async fn commands_while_nothing_happens() {
    let fleet = Fleet::new(Place::Redis, 1, 1).await;
    let redis = fleet.redis.as_ref().expect("it is on Redis");
    tokio::time::sleep(Duration::from_secs(2)).await;
    redis.command("CONFIG RESETSTAT");
    tokio::time::sleep(IDLE).await;
    println!("{} s of one relay:\n{}", IDLE.as_secs(), redis.command("INFO commandstats"));
}

fn told(what: &str, mut took: Vec<Duration>) -> String {
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    format!("{what}: p50 {:?}, p99 {:?}, most {:?} of {}", at(50), at(99), at(100), took.len())
}

const ROUNDS: usize = 200;
const IDLE: Duration = Duration::from_secs(60);
