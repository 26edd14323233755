//! Commands that travel.

use posthaste_admin::{AdminFailure, Command, FailureKind, NewKey, Reply};
use posthaste_core::Clock;
use posthaste_storage::StoreLoss;

use crate::support::{compatible, quiet};

/// Through JSON and back, as over a socket.
fn travel<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    let text = serde_json::to_string(value).expect("it can be written");
    serde_json::from_str(&text).expect("it can be read back")
}

#[tokio::test]
async fn every_command_and_reply_survives_the_way() {
    let bench = quiet().await;
    let account = || "one".to_owned();
    let key = || "team".to_owned();
    let commands = [
        Command::ListPresets,
        Command::AddAccount(compatible("one")),
        Command::ListAccounts,
        Command::ShowAccount { account: account() },
        Command::UpdateAccount { account: account(), change: Default::default() },
        Command::CreateKey(NewKey { name: key(), ..NewKey::default() }),
        Command::ListKeys,
        Command::ShowKey { key: key() },
        Command::UpdateKey { key: key(), change: Default::default() },
        Command::KeyUsage { key: key() },
        Command::Status,
        Command::RevokeKey { key: key() },
        Command::DeleteKey { key: key() },
        Command::DeleteAccount { account: account() },
    ];
    for command in commands {
        let name = serde_json::to_value(&command).unwrap()["command"].clone();
        let reply = bench.admin.execute(travel(&command)).await.unwrap();
        let back = travel(&reply);
        assert_eq!(serde_json::to_value(&back).unwrap(), serde_json::to_value(&reply).unwrap(), "{name}");
    }
}

#[tokio::test]
async fn secrets_travel_but_are_not_printed() {
    let command = Command::AddAccount(compatible("one"));
    let Command::AddAccount(new) = travel(&command) else { panic!("another command") };
    assert_eq!(new.api_key.as_ref().unwrap().secret().expose(), "sk-ant-dummy");
    assert!(!format!("{command:?}").contains("sk-ant-dummy"));
    let bench = quiet().await;
    let reply =
        bench.admin.execute(Command::CreateKey(NewKey { name: "k".into(), ..NewKey::default() })).await;
    assert!(!format!("{reply:?}").contains("cr_"), "{reply:?}");
}

#[tokio::test]
async fn status_counts_and_knows_the_relay() {
    let bench = quiet().await;
    bench.admin.accounts().add(compatible("one")).await.unwrap();
    bench.admin.keys().create(NewKey { name: "a".into(), ..NewKey::default() }).await.unwrap();
    bench.admin.keys().create(NewKey { name: "b".into(), ..NewKey::default() }).await.unwrap();
    bench.admin.keys().revoke("b").await.unwrap();
    bench.clock.advance(std::time::Duration::from_secs(90));
    let Reply::Status(status) = bench.admin.execute(Command::Status).await.unwrap() else { panic!("status") };
    assert_eq!((status.keys.total, status.keys.active, status.accounts.len()), (2, 1, 1));
    let server = status.server.unwrap();
    assert_eq!((server.uptime_seconds, server.in_flight), (90, 7));
    assert_eq!(status.store_away, None);
}

#[tokio::test]
async fn status_tells_why_the_shared_store_is_away_without_asking_it() {
    let bench = quiet().await;
    let (since, reason) = (bench.clock.now(), "the server refused: OOM".to_owned());
    bench.stores.health.note_loss(StoreLoss { since, reason: reason.clone() });
    let Reply::Status(status) = bench.admin.execute(Command::Status).await.unwrap() else { panic!("status") };
    let away = status.store_away.unwrap();
    assert_eq!((away.since, away.reason), (since, reason));
    assert!(status.server.is_some() && status.accounts.is_empty());
}

#[tokio::test]
async fn a_failure_that_travels_keeps_its_class_and_field() {
    let bench = quiet().await;
    let failure = |error| travel(&AdminFailure::from(&error));
    let missing = bench.admin.keys().show("nobody").await.unwrap_err();
    assert_eq!(failure(missing).kind, FailureKind::NotFound);
    let unnamed = bench.admin.keys().create(NewKey::default()).await.unwrap_err();
    let unnamed = failure(unnamed);
    assert_eq!((unnamed.kind, unnamed.field.as_deref()), (FailureKind::Invalid, Some("name")));
}
