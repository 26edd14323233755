//! When the program refuses to start, and what it leaves as it was.

use std::{fs, path::Path};

use posthaste_storage::{Record, RecordKind};
use posthaste_storage_sqlite::SqliteStores;

use crate::support::{Bench, furnished, whole};

async fn records(data: &Path) -> (Vec<Record>, u64) {
    let opened = SqliteStores::open(&data.join("posthaste.db")).unwrap();
    let config = opened.stores().config;
    let mut records = Vec::new();
    for kind in RecordKind::ALL {
        records.extend(config.list(kind, None, 1_000).await.unwrap().records);
    }
    let revision = config.revision().await.unwrap();
    opened.close().await.unwrap();
    (records, revision.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_relay_on_the_same_folder_is_refused_with_the_reason() {
    let (bench, _upstream, key) = furnished(Bench::new()).await;
    let first = bench.serve();
    let mut second = bench.spawn("serve --listen 127.0.0.1:0");
    assert_eq!(second.end().await.code(), Some(1), "{}", second.log());
    assert!(second.log().contains("another relay runs on this data folder"), "{}", second.log());
    assert_eq!(first.post(&key, &whole()).await.unwrap().status, 200);
    assert!(!bench.cli("status")["server"].is_null(), "the first one still answers its socket");
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_relays_that_start_at_once_on_one_folder_one_remains() {
    let (bench, _upstream, _key) = furnished(Bench::new()).await;
    for round in 0..3 {
        assert_eq!(start_at_once(&bench).await, 1, "in round {round}");
    }
}

/// How many of six relays are running after all have started. They are killed then, which leaves the socket's file.
async fn start_at_once(bench: &Bench) -> usize {
    let mut servers: Vec<_> = std::thread::scope(|scope| {
        let starting: Vec<_> =
            (0..6).map(|_| scope.spawn(|| bench.spawn("serve --listen 127.0.0.1:0"))).collect();
        starting.into_iter().map(|starting| starting.join().unwrap()).collect()
    });
    let mut running = 0;
    for server in &mut servers {
        if server.log().contains("listening on") {
            running += 1;
        } else {
            assert_eq!(server.end().await.code(), Some(1), "{}", server.log());
        }
    }
    running
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_or_missing_master_key_refuses_and_touches_nothing() {
    let (bench, _upstream, key) = furnished(Bench::new()).await;
    let before = records(&bench.data()).await;
    assert_eq!(before.0.len(), 3, "keyring, account, client key");
    let master = bench.data().join("master.key");
    let right = fs::read_to_string(&master).unwrap();

    let wrong = bench
        .command("serve --listen 127.0.0.1:0")
        .env("POSTHASTE_VAULT__MASTER_KEY", "0".repeat(64))
        .output()
        .unwrap();
    let told = String::from_utf8(wrong.stderr).unwrap();
    assert_eq!((wrong.status.code(), wrong.stdout.len()), (Some(1), 0), "{told}");
    assert!(told.contains("master key"), "{told}");
    assert!(!told.contains(right.trim()), "{told}");
    assert_eq!(records(&bench.data()).await, before);

    fs::remove_file(&master).unwrap();
    let missing = bench.command("serve --listen 127.0.0.1:0").output().unwrap();
    assert_eq!(missing.status.code(), Some(1), "{missing:?}");
    assert!(!master.exists(), "no new key is made in the way of the right one");
    assert_eq!(records(&bench.data()).await, before);

    fs::write(&master, right).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&master, mode).unwrap();
    let server = bench.serve();
    assert_eq!(server.post(&key, &whole()).await.unwrap().status, 200, "nothing was harmed");
    server.stop().await;
}

#[test]
fn every_error_of_a_configuration_is_told_at_once() {
    let bench = Bench::new();
    let text = "[server]\nlisten = 'nowhere'\nlisen = 1\n[relay]\nattempts = 0\n[accounting]\ndurability = 'maybe'\n";
    fs::write(bench.folder.path().join("posthaste.toml"), text).unwrap();
    let mut command = bench.command("serve");
    let output = command
        .env("POSTHASTE_LOG__FILTER", "=nonsense=")
        .env("POSTHASTE_RELAY__NO_SUCH", "1")
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    for named in [
        "server.listen",
        "server.lisen",
        "relay.attempts",
        "accounting.durability",
        "log.filter",
        "POSTHASTE_RELAY__NO_SUCH",
    ] {
        assert!(told.contains(named), "{named} is not told: {told}");
    }
    assert!(!bench.data().exists(), "nothing is made");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_told_with_advice() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bench = Bench::new();
    let mut server = bench.spawn(&format!("serve --listen {}", taken.local_addr().unwrap()));
    assert_eq!(server.end().await.code(), Some(1));
    assert!(server.log().contains("cannot listen on"), "{}", server.log());
    assert!(!bench.data().join("admin.sock").exists(), "nothing is left behind");
    let bench =
        Bench::new().with("POSTHASTE_SERVER__EVENTS_LISTEN", &taken.local_addr().unwrap().to_string());
    let mut server = bench.spawn("serve --listen 127.0.0.1:0");
    assert_eq!(server.end().await.code(), Some(1));
    assert!(server.log().contains("set server.events_listen"), "{}", server.log());
    assert!(!bench.data().join("admin.sock").exists(), "nothing is left behind");
}
