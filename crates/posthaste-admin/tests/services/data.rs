//! Looking through what is kept, tidying it, and taking its records elsewhere.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

use std::{sync::Arc, time::Duration};

use posthaste_admin::{
    Admin, AdminError, NewKey,
    data::{self, Cleanup, ExportedSecrets, Fate, Findings},
};
use posthaste_core::{
    AttemptRow, Channel, ChannelField, ChannelId, ChannelKind, Clock, Language, NoticeFilter, RequestId,
    Secret, Timestamp,
};
use posthaste_storage::{Expect, RecordKind, Repository, Retention, RollupPeriod, UsageQuery, contract::row};
use posthaste_vault::{PassphraseKey, Vault, channel_place};
use uuid::Uuid;

use crate::support::{Bench, compatible, quiet};

async fn furnished() -> Bench {
    let bench = quiet().await;
    bench.admin.accounts().add(compatible("one")).await.unwrap();
    create_key(&bench.admin, "team").await;
    bench.stores.ledger.append(&(0..7).map(|_| row()).collect::<Vec<_>>()).await.unwrap();
    bench
}

async fn create_key(admin: &Admin, name: &str) -> String {
    let created = admin.keys().create(NewKey { name: name.to_owned(), ..NewKey::default() }).await.unwrap();
    serde_json::to_value(&created).unwrap()["key"].as_str().unwrap().to_owned()
}

async fn verify(bench: &Bench) -> Findings {
    data::verify(&bench.stores, &bench.vault, &|_, _, _| {}).await
}

#[tokio::test]
async fn what_is_in_order_has_no_problems() {
    let found = verify(&furnished().await).await;
    assert_eq!(found.problems, []);
    assert_eq!((found.records, found.secrets, found.rows), (3, 1, 7));
    assert!(found.rollups >= 3);
}

#[tokio::test]
async fn records_that_cannot_be_read_are_told_and_the_others_are_read() {
    let bench = furnished().await;
    let id = Uuid::now_v7();
    let put = bench.stores.config.put(RecordKind::Pool, id, None, "{}".to_owned(), Expect::Absent);
    put.await.unwrap();
    let found = verify(&bench).await;
    assert_eq!((found.problems.len(), found.records), (1, 4));
    assert!(found.problems[0].place.contains(&id.to_string()), "{found:?}");
}

#[tokio::test]
async fn a_channels_secrets_open_in_their_place_only() {
    let bench = furnished().await;
    let id = ChannelId::generate();
    let sealed = |field| bench.vault.seal(&channel_place(id, field), &Secret::new("a dummy")).unwrap();
    let channel = Channel {
        id,
        name: "ops".to_owned(),
        enabled: true,
        service: ChannelKind::Webhook,
        target: Some(sealed(ChannelField::Target)),
        target_host: Some("https://example.com".to_owned()),
        key: Some(sealed(ChannelField::Key)),
        private_address: None,
        proxy: None,
        language: Language::English,
        filter: NoticeFilter::default(),
        digest_seconds: 0,
        per_minute: Channel::default_per_minute(),
        created_at: bench.clock.now(),
        updated_at: bench.clock.now(),
    };
    let channels = Repository::<Channel>::new(Arc::clone(&bench.stores.config));
    let kept = channels.create(channel).await.unwrap();
    assert_eq!(channels.find("ops").await.unwrap().as_ref(), Some(&kept));
    let found = verify(&bench).await;
    assert_eq!((found.problems.len(), found.records, found.secrets), (0, 4, 3));
    // The key where the target belongs.
    let swapped = Channel { target: kept.value.key.clone(), ..kept.value };
    channels.replace(swapped, kept.version).await.unwrap();
    let found = verify(&bench).await;
    assert_eq!(found.problems.len(), 1);
    assert_eq!(found.problems[0].place, format!("channel/{id}/target"));
}

#[tokio::test]
async fn forgotten_rows_are_no_problem_and_missing_rollups_are_one() {
    let bench = furnished().await;
    let rows = bench.stores.ledger.recent(None, 10).await.unwrap();
    bench.stores.ledger.forget_rows(Timestamp::from_micros(i64::MAX), 3).await.unwrap();
    assert_eq!(verify(&bench).await.problems, []);
    bench.stores.ledger.forget_rows(Timestamp::from_micros(i64::MAX), 10).await.unwrap();
    assert_eq!(verify(&bench).await.problems, [], "all of them");

    let later: Vec<_> = rows.into_iter().map(|row| AttemptRow { started_at: later(), ..row }).collect();
    bench.stores.ledger.append(&later).await.unwrap();
    bench
        .stores
        .ledger
        .forget_rollups(RollupPeriod::Month, Timestamp::from_micros(i64::MAX), 100)
        .await
        .unwrap();
    let found = verify(&bench).await;
    assert!(found.problems.iter().all(|problem| problem.place.contains("roll-up of the month")), "{found:?}");
    assert_eq!(found.problems.len(), 7);
}

fn later() -> Timestamp {
    "2100-01-01T00:00:00Z".parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn cleaning_up_counts_what_it_then_forgets() {
    let bench = furnished().await;
    let old: Timestamp = "2001-02-03T04:05:06Z".parse().unwrap();
    let old = AttemptRow { request_id: RequestId::least_at(old), started_at: old, ..row() };
    bench.stores.ledger.append(&[old]).await.unwrap();
    let keep = Some(Duration::from_secs(5 * 366 * 86_400));
    let books = Retention { rows: keep, hours: keep, days: keep, months: None };
    let rules = Cleanup { books, requests: Some((Duration::from_secs(60), 10)), ..Cleanup::default() };
    let now = "2026-11-27T00:00:00Z".parse().unwrap();
    let counted = data::clean_up(&bench.admin, &rules, now, true).await.unwrap();
    assert_eq!((counted.rows, counted.rollups), (1, 2));
    assert_eq!(bench.stores.ledger.count().await.unwrap(), 8);
    assert_eq!(data::clean_up(&bench.admin, &rules, now, false).await.unwrap(), counted);
    assert_eq!(bench.stores.ledger.count().await.unwrap(), 7);
}

#[tokio::test]
async fn an_export_without_secrets_has_none_and_names_them() {
    let bench = furnished().await;
    let export = data::export(&bench.stores, &bench.vault, bench.clock.now(), None).await.unwrap();
    let text = serde_json::to_string(&export).unwrap();
    assert_eq!(export.secrets, ExportedSecrets::LeftOut);
    assert_eq!((export.left_out.len(), export.left_out[0].name.as_str()), (1, "one"));
    assert!(export.accounts[0].credential.is_none());
    assert_eq!(data::read_export(&text).unwrap(), export);

    let other = quiet().await;
    let plan = data::plan_import(&other.stores, &other.vault, &export, None).await.unwrap();
    assert_eq!((plan.count(Fate::New), plan.count(Fate::Skipped)), (1, 1), "{plan:?}");
    plan.apply(&other.stores, other.now()).await.unwrap();
    let account = other.admin.accounts().show("one").await.unwrap();
    assert!(!account.enabled, "it lacks its credential");
    let again = data::plan_import(&other.stores, &other.vault, &export, None).await.unwrap();
    assert_eq!((again.count(Fate::Same), again.count(Fate::New), again.count(Fate::Changed)), (1, 0, 0));
    // At home it changes nothing, the credential included.
    let home = data::plan_import(&bench.stores, &bench.vault, &export, None).await.unwrap();
    assert_eq!(home.count(Fate::Same), 2, "{home:?}");
}

#[tokio::test]
async fn sealed_secrets_open_under_their_passphrase_only_and_are_taken_once() {
    let bench = furnished().await;
    let passphrase = Secret::new("a dummy passphrase");
    let export =
        data::export(&bench.stores, &bench.vault, bench.clock.now(), Some(&passphrase)).await.unwrap();
    let ExportedSecrets::Sealed { derivation, .. } = &export.secrets else { panic!("sealed") };
    let other = quiet().await;
    let missing = data::plan_import(&other.stores, &other.vault, &export, None).await.unwrap_err();
    assert!(matches!(missing, AdminError::Invalid { field: "passphrase_file", .. }), "{missing}");
    let wrong = PassphraseKey::derive(&Secret::new("another passphrase"), derivation).unwrap();
    let refused = data::plan_import(&other.stores, &other.vault, &export, Some(&wrong)).await.unwrap_err();
    assert!(matches!(refused, AdminError::Invalid { field: "passphrase_file", .. }), "{refused}");

    let right = PassphraseKey::derive(&passphrase, derivation).unwrap();
    let plan = data::plan_import(&other.stores, &other.vault, &export, Some(&right)).await.unwrap();
    assert!(plan.takes_pepper);
    plan.apply(&other.stores, other.now()).await.unwrap();
    assert_eq!(verify(&other).await.problems, [], "its secrets are sealed for the other store");
    assert!(other.admin.accounts().show("one").await.unwrap().enabled);
    let again = data::plan_import(&other.stores, &other.vault, &export, Some(&right)).await.unwrap();
    let accounts: Vec<_> = again.records.iter().filter(|record| record.kind == RecordKind::Account).collect();
    assert_eq!(accounts[0].fate, Fate::Same);
}

#[tokio::test]
async fn a_name_of_another_record_stops_the_import() {
    let (bench, other) = (furnished().await, quiet().await);
    other.admin.accounts().add(compatible("one")).await.unwrap();
    let export = data::export(&bench.stores, &bench.vault, bench.clock.now(), None).await.unwrap();
    let plan = data::plan_import(&other.stores, &other.vault, &export, None).await.unwrap();
    assert_eq!(plan.count(Fate::Conflict), 1);
    let revision = other.stores.config.revision().await.unwrap();
    assert!(matches!(plan.apply(&other.stores, other.now()).await, Err(AdminError::Conflict { .. })));
    assert_eq!(other.stores.config.revision().await.unwrap(), revision);
}

#[tokio::test]
async fn a_store_is_copied_whole_also_in_two_goes_and_into_an_empty_one_only() {
    let bench = furnished().await;
    bench.stores.ledger.forget_rows(Timestamp::from_micros(i64::MAX), 3).await.unwrap();
    let to = posthaste_storage::memory::MemoryStores::stores();
    let moved = data::transfer(&bench.stores, &to, &|_, _, _| {}).await.unwrap();
    assert_eq!((moved.records, moved.written, moved.rows), (3, 3, 4));
    assert_eq!(moved.problems, []);
    for period in RollupPeriod::ALL {
        let query = UsageQuery::all(period);
        let there = to.ledger.usage(&query).await.unwrap();
        assert_eq!(there, bench.stores.ledger.usage(&query).await.unwrap(), "also of forgotten rows");
    }
    create_key(&bench.admin, "later").await;
    bench.stores.ledger.append(&[row()]).await.unwrap();
    let again = data::transfer(&bench.stores, &to, &|_, _, _| {}).await.unwrap();
    assert_eq!((again.written, again.rows, to.ledger.count().await.unwrap()), (1, 5, 5));
    assert_eq!(again.problems, []);

    for other in [quiet().await, furnished().await] {
        let revision = other.stores.config.revision().await.unwrap();
        let refused = data::transfer(&bench.stores, &other.stores, &|_, _, _| {}).await;
        assert!(matches!(refused, Err(AdminError::Conflict { .. })), "{refused:?}");
        assert_eq!(other.stores.config.revision().await.unwrap(), revision);
    }
}

#[tokio::test]
async fn newer_exports_and_other_files_are_refused() {
    let bench = furnished().await;
    let export = data::export(&bench.stores, &bench.vault, bench.clock.now(), None).await.unwrap();
    let mut value = serde_json::to_value(&export).unwrap();
    value["version"] = 3.into();
    let newer = data::read_export(&value.to_string()).unwrap_err();
    assert!(
        newer.to_string().contains("version 3") && newer.to_string().contains("versions 1 to 2"),
        "{newer}"
    );
    for text in
        ["", "{}", r#"{"format":"theirs","version":1}"#, r#"{"format":"posthaste-export","version":1}"#]
    {
        assert!(matches!(data::read_export(text), Err(AdminError::Invalid { field: "file", .. })), "{text}");
    }
}

#[tokio::test]
async fn a_pepper_moves_into_a_store_without_client_keys_only() {
    let master = posthaste_vault::MasterKey::generate().unwrap();
    let (bench, empty) = (furnished().await, posthaste_storage::memory::MemoryStores::stores());
    let secret = create_key(&bench.admin, "moves").await;
    let before = Vault::open(&master, Arc::clone(&empty.config)).await.unwrap();
    let (key, _) = PassphraseKey::new(&Secret::new("a dummy passphrase")).unwrap();
    let sealed = bench.vault.seal_pepper(&key).unwrap();
    let after = Vault::with_pepper_of(&master, Arc::clone(&empty.config), &key, &sealed).await.unwrap();
    assert_eq!(after.hash_client_key(&secret), bench.vault.hash_client_key(&secret));
    assert_ne!(after.hash_client_key(&secret), before.hash_client_key(&secret));
    let again = Vault::open(&master, Arc::clone(&empty.config)).await.unwrap();
    assert_eq!(again.pepper_fingerprint(), bench.vault.pepper_fingerprint());

    let put = empty.config.put(RecordKind::ClientKey, Uuid::now_v7(), None, "{}".to_owned(), Expect::Absent);
    put.await.unwrap();
    let refused = Vault::with_pepper_of(&master, Arc::clone(&empty.config), &key, &sealed).await;
    assert!(matches!(refused, Err(posthaste_vault::VaultError::ForeignPepper)));
}
