//! Steps on one owner's limits share calls, and none overtakes another.

use std::time::Duration;

use futures_util::future::join_all;
use posthaste_core::Timestamp;
use posthaste_storage::{
    Claim, Counter, CounterWindow, Half, LeaseId, LimitCheck, StorageError, Stores, Unit,
};
use posthaste_storage_redis::{RedisOptions, RedisStores};
use rustix::process::{Signal, kill_process};
use uuid::Uuid;

use crate::support::{Server, assert_unavailable, eventually};

/// The first goes alone; the others have gathered by the time its answer is there: on one thread it is read after they were asked.
#[tokio::test]
async fn claims_of_one_owner_that_come_together_share_calls() {
    let server = Server::start();
    let redis = server.stores().await;
    let stores = redis.stores();
    stores.admission.reserve(&claim(Uuid::now_v7()), NOW).await.unwrap();
    server.command("CONFIG RESETSTAT");
    let owner = Uuid::now_v7();
    let claims: Vec<_> = (0..50).map(|_| claim(owner)).collect();
    let outcomes = join_all(claims.iter().map(|claim| stores.admission.reserve(claim, NOW))).await;
    assert!(outcomes.into_iter().all(|outcome| outcome.unwrap().is_granted()));
    assert_eq!(scripts(&server), 2);
    join_all(claims.iter().map(|claim| stores.admission.settle(claim.lease_ref(), &[], NOW))).await;
    assert_eq!(scripts(&server), 4);
    assert_eq!(held(&stores, owner).await.unwrap(), 0);
}

/// More than one call takes go in several.
#[tokio::test]
async fn a_call_carries_only_so_many_claims() {
    let server = Server::start();
    let redis = server.stores().await;
    let stores = redis.stores();
    stores.admission.reserve(&claim(Uuid::now_v7()), NOW).await.unwrap();
    server.command("CONFIG RESETSTAT");
    let owner = Uuid::now_v7();
    let claims: Vec<_> = (0..150).map(|_| claim(owner)).collect();
    join_all(claims.iter().map(|claim| stores.admission.reserve(claim, NOW))).await;
    assert_eq!(scripts(&server), 4);
    assert_eq!(held(&stores, owner).await.unwrap(), 150);
}

/// Clients that leave while their claims are on their way, at whatever moment, leave nothing behind once the leases are settled;
/// and whoever waits behind them is served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_is_given_up_is_not_made_after_its_end() {
    let server = Server::start();
    let redis = server.stores().await;
    let stores = redis.stores();
    let owner = Uuid::now_v7();
    for patience in (0..200).map(|step| Duration::from_micros(step * 10)) {
        let claims: Vec<_> = (0..4).map(|_| claim(owner)).collect();
        let asked = join_all(claims.iter().map(|claim| stores.admission.reserve(claim, NOW)));
        let _gone = tokio::time::timeout(patience, asked).await;
        join_all(claims.iter().map(|claim| stores.admission.settle(claim.lease_ref(), &[], NOW))).await;
        assert_eq!(held(&stores, owner).await.unwrap(), 0, "after {patience:?}");
    }
}

/// Nobody waits twice as long because another one waits before him, and the lane is free afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_behind_a_call_without_an_answer_is_told_in_time() {
    let server = Server::start();
    let options = RedisOptions { command_timeout: Duration::from_millis(300), ..server.options() };
    let redis = RedisStores::connect(options).await.unwrap();
    let stores = redis.stores();
    let owner = Uuid::now_v7();
    stores.admission.reserve(&claim(owner), NOW).await.unwrap();
    kill_process(server.process(), Signal::STOP).unwrap();
    let claims: Vec<_> = (0..10).map(|_| claim(owner)).collect();
    for outcome in join_all(claims.iter().map(|claim| stores.admission.reserve(claim, NOW))).await {
        assert_unavailable(outcome.unwrap_err());
    }
    kill_process(server.process(), Signal::CONT).unwrap();
    eventually(async || stores.admission.reserve(&claim(owner), NOW).await.is_ok()).await;
}

async fn held(stores: &Stores, owner: Uuid) -> Result<i64, StorageError> {
    let counter = &claim(owner).checks[0].counter;
    stores.admission.used(Half::Caller, owner, counter, NOW).await
}

fn claim(owner: Uuid) -> Claim {
    let counter =
        Counter { name: "parallel".to_owned(), unit: Unit::Concurrency, window: CounterWindow::Held };
    Claim {
        half: Half::Caller,
        owner,
        lease: LeaseId::generate(),
        ttl: Duration::from_secs(60),
        checks: vec![LimitCheck {
            counter,
            amount: 1,
            limit: 1_000,
            shadow: false,
            on_loss: Default::default(),
        }],
    }
}

/// Scripts that were run since the last reset.
fn scripts(server: &Server) -> u64 {
    let stats = server.command("INFO commandstats");
    let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
    line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}

const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);
