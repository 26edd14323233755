//! A server that goes away, forgets its scripts, stands still or refuses.

use std::{error::Error, time::Duration};

use posthaste_core::Timestamp;
use posthaste_storage::{LeaseRef, RecordKind, Revision, StorageError, Stores, contract::row};
use posthaste_storage_redis::{RedisOptions, RedisStores};
use rustix::process::{Signal, kill_process};
use uuid::Uuid;

use crate::support::{Server, assert_unavailable, claim_for, eventually, texts, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_fails_calls_in_bounded_time_and_is_recovered_from() {
    let mut server = Server::with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let redis = server.stores().await;
    let stores = redis.stores();
    let id = write(&stores).await.unwrap();
    let booked = row();
    stores.ledger.append(std::slice::from_ref(&booked)).await.unwrap();

    server.kill();
    assert_unavailable(write(&stores).await.unwrap_err());
    assert_unavailable(claim(&stores).await.unwrap_err());
    assert_unavailable(stores.config.changed(Revision(9)).await.unwrap_err());

    server.run();
    eventually(async || claim(&stores).await.is_ok()).await;
    assert!(stores.config.get(RecordKind::Account, id).await.unwrap().is_some());
    assert_eq!(stores.ledger.attempts(booked.request_id).await.unwrap(), [booked]);
    write(&stores).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forgotten_scripts_are_loaded_again() {
    let server = Server::start();
    let redis = server.stores().await;
    let stores = redis.stores();
    write(&stores).await.unwrap();
    claim(&stores).await.unwrap();
    assert!(server.command("SCRIPT FLUSH").contains("OK"));
    write(&stores).await.unwrap();
    claim(&stores).await.unwrap();
    stores.ledger.append(&[row()]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_cut_is_made_anew() {
    let server = Server::start();
    let redis = server.stores().await;
    let stores = redis.stores();
    write(&stores).await.unwrap();
    server.command("CLIENT KILL TYPE normal SKIPME yes");
    eventually(async || write(&stores).await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stands_still_holds_nobody_up() {
    let server = Server::start();
    let options = RedisOptions { command_timeout: Duration::from_millis(200), ..server.options() };
    let redis = RedisStores::connect(options).await.unwrap();
    let stores = redis.stores();
    claim(&stores).await.unwrap();

    kill_process(server.process(), Signal::STOP).unwrap();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            tokio::spawn({
                let stores = stores.clone();
                async move { claim(&stores).await }
            })
        })
        .collect();
    for call in calls {
        assert_unavailable(call.await.unwrap().unwrap_err());
    }
    kill_process(server.process(), Signal::CONT).unwrap();
    eventually(async || claim(&stores).await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_password_is_recovered_from_when_the_old_one_is_back() {
    let server = Server::start();
    server.command("CONFIG SET requirepass dummy-first");
    let options =
        RedisOptions { command_timeout: Duration::from_millis(300), ..with_password(&server, "dummy-first") };
    let redis = RedisStores::connect(options).await.unwrap();
    let stores = redis.stores();
    claim(&stores).await.unwrap();

    // The server takes another password and cuts the connection: signing in is refused until the old one is back.
    let admin = |line: &str, password: &str| server.command(&format!("AUTH {password}\r\n{line}"));
    admin("CONFIG SET requirepass dummy-other\r\nCLIENT KILL TYPE normal SKIPME yes", "dummy-first");
    eventually(async || claim(&stores).await.is_err()).await;
    for _ in 0..5 {
        assert_unavailable(claim(&stores).await.unwrap_err());
    }
    admin("CONFIG SET requirepass dummy-first", "dummy-other");
    eventually(async || claim(&stores).await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_script_is_told_and_loosens_nothing() {
    let server = Server::start();
    server.command("ACL SETUSER relay on >dummy-acl ~* +@all");
    let url = format!("redis://relay:dummy-acl@127.0.0.1:{}", server.port());
    let redis = RedisStores::connect(RedisOptions::new(url)).await.unwrap();
    claim(&redis.stores()).await.unwrap();
    server.command("ACL SETUSER relay -evalsha -eval");
    let error = claim(&redis.stores()).await.unwrap_err();
    assert!(texts(&error).contains("NOPERM"), "{error:?}");
    assert_unavailable(error);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_made_a_replica_is_left_and_found_again() {
    let server = Server::start();
    let redis = server.stores().await;
    let stores = redis.stores();
    write(&stores).await.unwrap();
    let connected = || {
        server
            .command("INFO stats")
            .lines()
            .find_map(|line| line.strip_prefix("total_connections_received:")?.trim().parse::<u64>().ok())
    };
    // Ours are those of the test's own questions, one each.
    let (before, mut asked) = (connected().unwrap(), 0);
    server.command("REPLICAOF 127.0.0.1 1");
    asked += 1;
    let error = write(&stores).await.unwrap_err();
    assert!(texts(&error).contains("READONLY"), "{error:?}");
    assert_unavailable(error);
    eventually(async || {
        asked += 1;
        connected().unwrap() > before + asked
    })
    .await;
    server.command("REPLICAOF NO ONE");
    eventually(async || write(&stores).await.is_ok()).await;
    claim(&stores).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_error_shows_the_password() {
    let mut server = Server::start();
    server.command("CONFIG SET requirepass dummy-canary");
    let wrong = with_password(&server, "dummy-canary-wrong");
    assert_silent(&texts(&RedisStores::connect(wrong).await.unwrap_err()));

    let right = with_password(&server, "dummy-canary");
    assert_silent(&format!("{right:?}"));
    let options = RedisOptions { command_timeout: Duration::from_millis(200), ..right };
    let redis = RedisStores::connect(options).await.unwrap();
    assert_silent(&format!("{redis:?}"));
    server.kill();
    assert_silent(&texts(&write(&redis.stores()).await.unwrap_err()));
    assert_silent(&texts(&redis.stores().config.changed(Revision(0)).await.unwrap_err()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flushed_server_is_told_apart_and_its_locks_count_on() {
    let server = Server::start();
    let redis = server.stores().await;
    let stores = redis.stores();
    let now = Timestamp::from_secs(1_790_000_000);
    let (ttl, before, after) = (Duration::from_secs(5), Uuid::now_v7(), Uuid::now_v7());
    for _ in 0..3 {
        write(&stores).await.unwrap();
    }
    let fence = stores.locks.acquire("refresh", before, ttl, now).await.unwrap().unwrap();

    server.command("FLUSHALL");
    write(&stores).await.unwrap();
    assert!(stores.config.changes(Revision(3)).await.unwrap().truncated);
    let later = now.plus(Duration::from_millis(1));
    assert!(stores.locks.acquire("refresh", after, ttl, later).await.unwrap().unwrap() > fence);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_evicted_revision_is_found_again_in_the_feed() {
    let server = Server::start();
    let options = server.options();
    let revision = format!("{}:{{config}}:revision", options.prefix);
    let redis = RedisStores::connect(options).await.unwrap();
    let stores = redis.stores();
    for _ in 0..3 {
        write(&stores).await.unwrap();
    }
    assert!(server.command(&format!("DEL {revision}")).contains(":1"));
    write(&stores).await.unwrap();
    assert_eq!(stores.config.revision().await.unwrap(), Revision(4));
    assert_eq!(stores.config.changes(Revision(3)).await.unwrap().changes.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_wakes_the_waiters_of_another_process() {
    let server = Server::start();
    let options = server.options();
    let writer = RedisStores::connect(options.clone()).await.unwrap();
    let reader = RedisStores::connect(options).await.unwrap();
    for revision in 0..5 {
        let waiter = tokio::spawn({
            let config = reader.stores().config;
            async move { config.changed(Revision(revision)).await }
        });
        eventually(async || server.command("CLIENT LIST").contains("cmd=xread")).await;
        write(&writer.stores()).await.unwrap();
        waiter.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_there_is_told_at_once() {
    let mut server = Server::start();
    let options = server.options();
    server.kill();
    assert_unavailable(RedisStores::connect(options).await.unwrap_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closed_stores_refuse_and_leave_no_connection() {
    let server = Server::start();
    let redis = server.stores().await;
    let stores = redis.stores();
    let waiter = tokio::spawn({
        let stores = stores.clone();
        async move { stores.config.changed(Revision(0)).await }
    });
    eventually(async || connections(&server) == 2).await;
    redis.close().await;
    assert_unavailable(claim(&stores).await.unwrap_err());
    assert_unavailable(waiter.await.unwrap().unwrap_err());
    assert_unavailable(stores.config.changed(Revision(0)).await.unwrap_err());
    eventually(async || connections(&server) == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_stores_leave_no_connection() {
    let server = Server::start();
    let redis = server.stores().await;
    let stores = redis.stores();
    drop(redis);
    claim(&stores).await.unwrap();
    drop(stores);
    eventually(async || connections(&server) == 0).await;
}

async fn claim(stores: &Stores) -> Result<LeaseRef, StorageError> {
    claim_for(stores, Uuid::now_v7()).await
}

/// Connections other than the one that asks.
fn connections(server: &Server) -> usize {
    server.command("CLIENT LIST").lines().filter(|line| line.starts_with("id=")).count() - 1
}

fn with_password(server: &Server, password: &str) -> RedisOptions {
    let url = format!("redis://:{password}@127.0.0.1:{}", server.port());
    RedisOptions { prefix: "secret".to_owned(), ..RedisOptions::new(url) }
}

#[track_caller]
fn assert_silent(text: &str) {
    assert!(!text.contains("canary"), "{text}");
}

#[tokio::test]
async fn a_store_does_not_write_among_another_relays_keys() {
    let server = Server::start();
    let options = |prefix: &str| RedisOptions {
        prefix: prefix.to_owned(),
        ..RedisOptions::new(format!("redis://127.0.0.1:{}", server.port()))
    };
    server.command("HSET apikey:hash_map 00 id");
    for prefix in ["", "apikey"] {
        let refused = RedisStores::connect(options(prefix)).await.unwrap_err();
        let told = Error::source(&refused).map(ToString::to_string).unwrap_or_default();
        assert!(format!("{refused} {told}").contains("posthaste import crs"), "{refused}: {told}");
    }
    let beside = RedisStores::connect(options("posthaste")).await.unwrap();
    beside.close().await;
    server.command("DEL apikey:hash_map");
    assert!(RedisStores::connect(options("apikey")).await.is_ok());
    assert!(RedisStores::connect(options("")).await.is_err(), "an empty prefix is none in any case");
}
