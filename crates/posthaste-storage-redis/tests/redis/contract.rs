//! The contract suite on a real server, and the part of it that runs every script once more under a cluster's rules.

use std::sync::{Arc, Mutex, Weak};

use posthaste_storage::{
    Stores,
    contract::{Promise, admission, affinity, config, ledger, lock, requests},
};
use posthaste_storage_redis::RedisStores;

use crate::support::Server;

posthaste_storage::contract_tests!(fresh());

/// A node of a cluster refuses a script or command whose keys lie in several slots, and a key that a script was not
/// told of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_touches_one_slot() -> Promise {
    let server = Server::start_cluster_of_one();
    let fresh = async || server.stores().await.stores();
    config::lists_come_in_order_and_in_parts(fresh().await).await?;
    config::a_lookup_name_is_free_after_deletion_and_rename(fresh().await).await?;
    config::the_feed_tells_deletions(fresh().await).await?;
    config::a_reader_that_has_waited_meets_the_change(fresh().await).await?;
    admission::a_refused_claim_changes_nothing(fresh().await).await?;
    admission::a_renewed_lease_is_kept(fresh().await).await?;
    admission::a_lapsed_lease_holds_no_concurrency(fresh().await).await?;
    admission::settling_replaces_the_reserve_by_the_truth(fresh().await).await?;
    ledger::a_batch_of_new_and_known_rows_adds_the_new_ones(fresh().await).await?;
    ledger::the_latest_rows_of_a_key_are_its_own(fresh().await).await?;
    ledger::rollups_are_filtered(fresh().await).await?;
    ledger::old_rows_are_forgotten_and_their_rollups_stay(fresh().await).await?;
    ledger::old_rollups_are_forgotten(fresh().await).await?;
    affinity::a_home_can_be_forgotten(fresh().await).await?;
    requests::no_more_requests_are_kept_than_wanted(fresh().await).await?;
    requests::the_latest_requests_come_first(fresh().await).await?;
    lock::only_the_holder_releases(fresh().await).await
}

async fn fresh() -> (Stores, (RedisStores, Arc<Server>)) {
    let server = shared_server();
    let redis = server.stores().await;
    (redis.stores(), (redis, server))
}

/// One server for all tests that run at the same time. It ends with the last of them: statics are never dropped.
fn shared_server() -> Arc<Server> {
    static SERVER: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut server = SERVER.lock().unwrap();
    server.upgrade().unwrap_or_else(|| {
        let started = Arc::new(Server::start());
        *server = Arc::downgrade(&started);
        started
    })
}
