//! The contract suite on a real server.

use std::sync::{Arc, Mutex, Weak};

use posthaste_storage::Stores;
use posthaste_storage_redis::RedisStores;

use crate::support::Server;

posthaste_storage::contract_tests!(fresh());

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
