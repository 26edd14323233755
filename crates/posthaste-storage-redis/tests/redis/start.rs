//! Servers that cannot be used as they are: each refusal names the setting to change.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
};

use posthaste_storage::Revision;
use posthaste_storage_redis::{RedisOptions, RedisStores};
use posthaste_testkit::{spawn_redis_cluster_of, spawn_redis_sentinel, spawn_redis_with};
use uuid::Uuid;

use crate::support::{Server, claim_for, eventually, options, texts, write};

async fn refusal(url: String) -> String {
    texts(&RedisStores::connect(RedisOptions::new(url)).await.expect_err("it should be refused"))
}

#[track_caller]
fn assert_tells(refusal: &str, advice: &str) {
    assert!(refusal.contains(advice), "no `{advice}` in {refusal}");
}

/// The client tells once how connecting ended, to those who listen by then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_that_comes_at_once_is_not_missed() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    for _ in 0..2_000 {
        let refused = refusal(format!("redis://127.0.0.1:{port}")).await;
        assert_tells(&refused, "connection refused");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_of_another_layout_is_refused() {
    let single = Server::start();
    let cluster = spawn_redis_cluster_of(1, &[]);
    let set = spawn_redis_sentinel(1);
    let cluster_of = |port| format!("redis-cluster://127.0.0.1:{port}");
    assert_tells(&refusal(cluster_of(single.port())).await, "is no cluster: begin the URL with redis://");
    assert_tells(&refusal(cluster.master(0).url()).await, "begin the URL with redis-cluster://");
    assert_tells(
        &refusal(format!("{}/1", cluster.master(0).url())).await,
        "begin the URL with redis-cluster://",
    );
    let named = |port, name| format!("redis-sentinel://127.0.0.1:{port}?sentinelServiceName={name}");
    assert_tells(&refusal(named(single.port(), "main")).await, "is no Sentinel");
    let sentinel =
        set.url().split(['?', '/']).nth(2).unwrap().split(':').nth(1).unwrap().parse::<u16>().unwrap();
    assert_tells(
        &refusal(format!("redis://127.0.0.1:{sentinel}")).await,
        "begin the URL with redis-sentinel://",
    );
    assert_tells(&refusal(named(sentinel, "other")).await, "set sentinelServiceName");
    assert_tells(&refusal(set.replica().url()).await, "name its master");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_sign_in_is_told_with_what_to_change() {
    let open = Server::start();
    let locked = Server::start();
    locked.command("CONFIG SET requirepass dummy-right");
    let at = |user: &str, server: &Server| format!("redis://{user}127.0.0.1:{}", server.port());
    let wrong = refusal(at(":dummy-wrong@", &locked)).await;
    assert_tells(&wrong, "WRONGPASS");
    assert_tells(&wrong, "requirepass");
    assert!(!wrong.contains("dummy"), "{wrong}");
    assert_tells(&refusal(at("", &locked)).await, "put it into the URL");
    assert_tells(&refusal(format!("{}/99", at("", &open))).await, "`databases`");
    RedisStores::connect(RedisOptions::new(format!("{}/3", at(":dummy-right@", &locked)))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_its_own_is_used() {
    let server = Server::start();
    let redis =
        RedisStores::connect(options(format!("redis://127.0.0.1:{}/3", server.port()))).await.unwrap();
    write(&redis.stores()).await.unwrap();
    let used = server.command("INFO keyspace");
    assert!(used.contains("db3:") && !used.contains("db0:"), "{used}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_without_scripts_is_refused_and_the_advice_is_enough() {
    let single = spawn_redis_with(&[]);
    let cluster = spawn_redis_cluster_of(1, &[]);
    let set = spawn_redis_sentinel(1);
    for (server, url) in
        [(&single, single.url()), (cluster.master(0), cluster.url()), (set.master(), set.url())]
    {
        let ok = server.command("ACL SETUSER relay on >dummy-acl ~* +@all -eval -evalsha");
        assert_eq!(ok, "OK");
        let options = options(url.replacen("://", "://relay:dummy-acl@", 1));
        let refused = texts(&RedisStores::connect(options.clone()).await.unwrap_err());
        assert_tells(&refused, "may not run scripts");
        let advice = refused.split('`').nth(1).unwrap();
        assert!(advice.starts_with("ACL SETUSER relay "), "{advice}");

        server.command("ACL SETUSER relay reset");
        server.command("ACL SETUSER relay on >dummy-acl");
        assert_eq!(server.command(advice), "OK", "{advice}");
        let redis = RedisStores::connect(options).await.unwrap();
        assert_eq!(redis.advice(), [""; 0]);
        let stores = redis.stores();
        let waiter = tokio::spawn({
            let stores = stores.clone();
            async move { stores.config.changed(Revision(0)).await }
        });
        claim_for(&stores, Uuid::now_v7()).await.unwrap();
        write(&stores).await.unwrap();
        waiter.await.unwrap().unwrap();
        stores.ledger.append(&[posthaste_storage::contract::row()]).await.unwrap();
        assert_eq!(stores.ledger.count().await.unwrap(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_tells_nothing_of_itself_is_used_with_a_warning() {
    let server = Server::start();
    server.command("ACL SETUSER relay on >dummy-acl ~* +@all -info");
    let url = format!("redis://relay:dummy-acl@127.0.0.1:{}", server.port());
    let redis = RedisStores::connect(RedisOptions::new(url)).await.unwrap();
    assert_tells(&redis.advice().join("\n"), "+info");
    write(&redis.stores()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eviction_is_warned_of_on_any_node() {
    let server = Server::with(&["--save", "", "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
    let redis = server.stores().await;
    assert_tells(&redis.advice().join("\n"), "`CONFIG SET maxmemory-policy noeviction`");
    server.command("CONFIG SET maxmemory-policy noeviction");
    assert_eq!(server.stores().await.advice(), [""; 0]);

    let cluster = spawn_redis_cluster_of(3, &[]);
    let advice = async || RedisStores::connect(options(cluster.url())).await.unwrap().advice().len();
    assert_eq!(advice().await, 0);
    cluster.master(2).command("CONFIG SET maxmemory-policy volatile-ttl");
    eventually(async || advice().await == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_server_is_refused() {
    let server = Server::start();
    let port = in_front_of(server.port(), ("redis_version:7.0.15", "redis_version:6.0.16"));
    assert_tells(&refusal(format!("redis://127.0.0.1:{port}")).await, "Redis 6.0.16 is too old: install 6.2");
    let port = in_front_of(server.port(), ("redis_version:7.0.15", "redis_version:6.2.16"));
    RedisStores::connect(RedisOptions::new(format!("redis://127.0.0.1:{port}"))).await.unwrap();
}

/// A stand-in for a server that cannot be installed here: it changes one text of equal length in what the real one says.
fn in_front_of(server: u16, (text, other): (&'static str, &'static str)) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let version = text.len();
    assert_eq!(version, other.len());
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let back = TcpStream::connect(("127.0.0.1", server)).unwrap();
            let (asks, answers) = (client.try_clone().unwrap(), back.try_clone().unwrap());
            thread::spawn(move || pass(asks, back, None));
            thread::spawn(move || pass(answers, client, Some((text, other))));
        }
    });
    port
}

fn pass(mut from: TcpStream, mut to: TcpStream, change: Option<(&str, &str)>) {
    let mut bytes = [0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        if let Some((text, other)) = change {
            let found = bytes[..read].windows(text.len()).position(|window| window == text.as_bytes());
            if let Some(at) = found {
                bytes[at..at + text.len()].copy_from_slice(other.as_bytes());
            }
        }
        if to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ended = to.shutdown(Shutdown::Both);
}

/// Builds before the first release named rows in the index by texts.
#[tokio::test]
async fn books_of_a_build_before_the_first_release_are_refused() {
    let server = Server::start();
    let options = server.options();
    let index = format!("{}:{{ledger}}:index", options.prefix);
    let (request, key) = (Uuid::now_v7(), Uuid::now_v7());
    server.command(&format!("ZADD {index} 0 {request}:00001:{key}"));
    let refused = RedisStores::connect(options.clone()).await.expect_err("it should be refused");
    assert_tells(&texts(&refused), "choose another `data.redis_prefix`");
    server.command(&format!("DEL {index}"));
    let redis = RedisStores::connect(options.clone()).await.unwrap();
    redis.stores().ledger.append(&[posthaste_storage::contract::row()]).await.unwrap();
    redis.close().await;
    RedisStores::connect(options).await.unwrap();
}
