//! The contract suite on a real server, which its tests share.

use std::sync::{Arc, Mutex, OnceLock, Weak};

use posthaste_storage::Stores;
use posthaste_storage_redis::RedisStores;

use crate::support::Server;

async fn fresh() -> (Stores, (RedisStores, Arc<Server>)) {
    let server = shared_server();
    let redis = server.stores().await;
    (redis.stores(), (redis, server))
}

/// One server for all tests that run at the same time; it ends with the last of them, since statics are never dropped.
fn shared_server() -> Arc<Server> {
    static SERVER: OnceLock<Mutex<Weak<Server>>> = OnceLock::new();
    let mut server = SERVER.get_or_init(Mutex::default).lock().unwrap();
    server.upgrade().unwrap_or_else(|| {
        let started = Arc::new(Server::start());
        *server = Arc::downgrade(&started);
        started
    })
}

posthaste_storage::contract_tests!(fresh());
