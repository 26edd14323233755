//! Client keys in numbers, deleted ones, tags, and a later end.

use std::time::Duration;

use posthaste_admin::{
    Actor, AdminError, BatchChange, ExpiryInput, KeyBatch, KeyChange, KeySelection, NewKey, NewKeys,
    PolicyInput, Who,
    data::{Cleanup, clean_up},
    rename_tag, tags,
};
use posthaste_core::{ApiTokenId, Area, Expiry, KeyStatus, Role};

use crate::support::{Bench, quiet};

fn named(name: &str) -> NewKey {
    NewKey { name: name.to_owned(), ..NewKey::default() }
}

fn tagged(add: &[&str], remove: &[&str]) -> KeyChange {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    let policy = PolicyInput { add_tags: words(add), remove_tags: words(remove), ..PolicyInput::default() };
    KeyChange { policy, ..KeyChange::default() }
}

fn of(keys: &[&str]) -> KeySelection {
    KeySelection { keys: keys.iter().map(|&key| key.to_owned()).collect(), ..KeySelection::default() }
}

async fn three(bench: &Bench) {
    let new = NewKeys { prefix: Some("team".to_owned()), count: 3, ..NewKeys::default() };
    let made = bench.admin.create_keys(&Actor::machine(), new).await.unwrap();
    assert_eq!((made.created.len(), made.failed.len()), (3, 0));
    let mut secrets: Vec<_> = made.created.iter().map(|key| key.key.secret().expose().to_owned()).collect();
    secrets.dedup();
    assert_eq!(secrets.len(), 3, "each has a secret of its own");
}

#[tokio::test]
async fn a_deleted_key_can_be_restored_until_it_is_dropped() {
    let bench = quiet().await;
    let keys = bench.admin.keys();
    let made = keys.create(named("team")).await.unwrap().view;
    let deleted = keys.delete("team").await.unwrap();
    assert_eq!((deleted.state, deleted.deleted_at.is_some()), (KeyStatus::Deleted, true));
    assert!(keys.list().await.unwrap().is_empty());
    assert_eq!(keys.list_deleted().await.unwrap().len(), 1);
    let change = KeyChange { enabled: Some(false), ..KeyChange::default() };
    assert!(matches!(keys.update("team", change).await, Err(AdminError::Invalid { field: "key", .. })));

    // Its name is free meanwhile, and its own again only where nobody took it.
    keys.create(named("team")).await.unwrap();
    let id = made.id.to_string();
    assert!(
        matches!(keys.restore("team", None).await, Err(AdminError::Invalid { .. })),
        "that one is not deleted"
    );
    assert!(matches!(keys.restore(&id, None).await, Err(AdminError::Conflict { .. })));
    let restored = keys.restore(&id, Some("team, once")).await.unwrap();
    assert_eq!(
        (restored.id, restored.state, restored.name.as_str()),
        (made.id, KeyStatus::Active, "team, once")
    );
    assert!(matches!(keys.purge(&id).await, Err(AdminError::Invalid { .. })), "it is not deleted any more");

    keys.delete(&id).await.unwrap();
    keys.purge(&id).await.unwrap();
    assert!(matches!(keys.restore(&id, None).await, Err(AdminError::NotFound { .. })));
}

#[tokio::test]
async fn keys_that_were_deleted_long_ago_are_dropped() {
    let bench = quiet().await;
    let keys = bench.admin.keys();
    three(&bench).await;
    keys.delete("team-1").await.unwrap();
    bench.clock.advance(Duration::from_secs(100));
    keys.delete("team-2").await.unwrap();
    let before = keys.list_deleted().await.unwrap()[1].deleted_at.unwrap();
    let rules = Cleanup { deleted_keys: Some(Duration::from_secs(1)), ..Cleanup::default() };
    let now = before.plus(Duration::from_secs(1));
    for only_count in [true, false] {
        let cleaned = clean_up(&bench.admin, &rules, now, only_count).await.unwrap();
        assert_eq!(cleaned.deleted_keys, 1);
    }
    let left: Vec<_> = keys.list_deleted().await.unwrap().into_iter().map(|key| key.name).collect();
    assert_eq!(left, ["team-2"]);
    assert_eq!(keys.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn another_secret_takes_the_place_of_the_one_before() {
    let bench = quiet().await;
    let keys = bench.admin.keys();
    let first = keys.create(named("team")).await.unwrap();
    let second = keys.regenerate("team").await.unwrap();
    assert_eq!(second.view.id, first.view.id);
    assert_ne!(second.key.secret().expose(), first.key.secret().expose());
    let holders = bench.admin.holders();
    assert!(holders.key(&second.key, None).await.is_ok());
    assert!(holders.key(&first.key, None).await.is_err());
    keys.revoke("team").await.unwrap();
    assert!(matches!(keys.regenerate("team").await, Err(AdminError::Invalid { field: "key", .. })));
}

#[tokio::test]
async fn one_that_fails_stops_no_other() {
    let bench = quiet().await;
    three(&bench).await;
    let machine = Actor::machine();
    let again = NewKeys { names: vec!["team-3".into(), "team-4".into()], ..NewKeys::default() };
    let made = bench.admin.create_keys(&machine, again).await.unwrap();
    assert_eq!((made.created.len(), made.failed[0].key.as_str()), (1, "team-3"));

    let change = KeyChange { enabled: Some(false), ..KeyChange::default() };
    let batch =
        KeyBatch::Update(Box::new(BatchChange { of: of(&["team-1", "nobody", "team-2", "team-1"]), change }));
    let view = bench.admin.batch_keys(&machine, batch).await.unwrap();
    assert_eq!((view.done, view.failed, view.items.len()), (2, 1, 3));
    assert!(view.items[1].failure.is_some());
    assert_eq!(bench.admin.keys().show("team-2").await.unwrap().state, KeyStatus::Disabled);
    assert_eq!(bench.admin.keys().show("team-3").await.unwrap().state, KeyStatus::Active);

    let view = bench.admin.batch_keys(&machine, KeyBatch::Delete(of(&["team-1", "team-3"]))).await.unwrap();
    assert_eq!((view.done, bench.admin.keys().list().await.unwrap().len()), (2, 2));
    let back = KeyBatch::Restore(vec!["team-1".into()]);
    assert_eq!(bench.admin.batch_keys(&machine, back).await.unwrap().done, 1);
    let dropped = KeyBatch::Purge(vec!["team-1".into(), "team-3".into()]);
    let view = bench.admin.batch_keys(&machine, dropped).await.unwrap();
    assert_eq!((view.done, view.failed), (1, 1), "one is not deleted any more");
}

#[tokio::test]
async fn what_is_no_batch_is_refused_with_its_field() {
    let bench = quiet().await;
    let machine = Actor::machine();
    let named = KeyChange { name: Some("x".into()), ..KeyChange::default() };
    let long =
        KeySelection { keys: (0..501).map(|key| key.to_string()).collect(), ..KeySelection::default() };
    let both = KeySelection { tag: Some("a".into()), ..of(&["b"]) };
    for (batch, field) in [
        (KeyBatch::Delete(KeySelection::default()), "keys"),
        (KeyBatch::Delete(long), "keys"),
        (KeyBatch::Delete(both), "of.keys"),
        (KeyBatch::Update(Box::new(BatchChange { of: of(&["a"]), change: named })), "change.name"),
    ] {
        let refused = bench.admin.batch_keys(&machine, batch).await.unwrap_err();
        assert!(matches!(&refused, AdminError::Invalid { field: told, .. } if *told == field), "{refused:?}");
    }
    for new in [
        NewKeys::default(),
        NewKeys { prefix: Some("a".into()), ..NewKeys::default() },
        NewKeys { prefix: Some("a".into()), count: 501, ..NewKeys::default() },
        NewKeys { prefix: Some("a".into()), count: 1, names: vec!["b".into()], ..NewKeys::default() },
    ] {
        assert!(matches!(bench.admin.create_keys(&machine, new).await, Err(AdminError::Invalid { .. })));
    }
}

#[tokio::test]
async fn whoever_may_only_look_changes_no_key_of_a_batch() {
    let bench = quiet().await;
    three(&bench).await;
    let (id, name) = (ApiTokenId::generate(), "reader".to_owned());
    let who = Who::Token { id, name, user: None, role: Role::Owner, scopes: vec![Area::Keys.read()] };
    let reader = Actor { who, address: None };
    let view = bench.admin.batch_keys(&reader, KeyBatch::Delete(of(&["team-1"]))).await.unwrap();
    assert_eq!((view.done, view.failed), (0, 1));
    assert_eq!(bench.admin.keys().list().await.unwrap().len(), 3);
    let new = NewKeys { prefix: Some("more".into()), count: 1, ..NewKeys::default() };
    assert!(matches!(bench.admin.create_keys(&reader, new).await, Err(AdminError::Forbidden { .. })));
}

#[tokio::test]
async fn tags_are_added_renamed_and_taken_away() {
    let bench = quiet().await;
    three(&bench).await;
    let machine = Actor::machine();
    let keys = bench.admin.keys();
    keys.update("team-1", tagged(&["red", "blue"], &[])).await.unwrap();
    keys.update("team-2", tagged(&["red"], &["blue"])).await.unwrap();
    let told = async || {
        let all = tags(&bench.admin, &machine).await.unwrap();
        all.into_iter().map(|tag| format!("{}={}", tag.tag, tag.keys)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(told().await, "blue=1 red=2");
    let red = KeySelection { tag: Some("red".into()), ..KeySelection::default() };
    let batch = KeyBatch::Update(Box::new(BatchChange { of: red, change: tagged(&["warm"], &[]) }));
    assert_eq!(bench.admin.batch_keys(&machine, batch).await.unwrap().done, 2);
    assert_eq!(rename_tag(&bench.admin, &machine, "red", Some("blue".into())).await.unwrap().done, 2);
    assert_eq!(told().await, "blue=2 warm=2");
    assert_eq!(rename_tag(&bench.admin, &machine, "blue", None).await.unwrap().done, 2);
    assert_eq!(told().await, "warm=2");
    assert!(matches!(
        rename_tag(&bench.admin, &machine, "blue", None).await,
        Err(AdminError::NotFound { .. })
    ));
}

#[tokio::test]
async fn a_later_end_counts_from_the_end_or_from_now() {
    const DAY: u64 = 86_400;
    let bench = quiet().await;
    let keys = bench.admin.keys();
    let extend = || KeyChange { expiry: Some(ExpiryInput::Extend { seconds: DAY }), ..KeyChange::default() };
    let soon =
        keys.create(NewKey { expiry: ExpiryInput::In { seconds: DAY }, ..named("soon") }).await.unwrap().view;
    let first = soon.expires_at.unwrap();
    let later = keys.update("soon", extend()).await.unwrap();
    assert_eq!(later.expires_at, Some(first.plus(Duration::from_secs(DAY))));

    bench.clock.advance(Duration::from_secs(10 * DAY));
    assert!(matches!(keys.show("soon").await.unwrap().state, KeyStatus::Expired { .. }));
    let again = keys.update("soon", extend()).await.unwrap();
    assert_eq!(again.state, KeyStatus::Active);
    assert_eq!(again.expires_at, Some(first.plus(Duration::from_secs(10 * DAY))), "a day from now");

    let unused = NewKey { expiry: ExpiryInput::FromFirstUse { seconds: DAY }, ..named("unused") };
    keys.create(unused).await.unwrap();
    let longer = keys.update("unused", extend()).await.unwrap();
    assert_eq!(longer.expiry, Expiry::AfterFirstUse { seconds: 2 * DAY });
    keys.create(named("ever")).await.unwrap();
    assert_eq!(keys.update("ever", extend()).await.unwrap().expiry, Expiry::Never);
    let new = NewKey { expiry: ExpiryInput::Extend { seconds: DAY }, ..named("new") };
    assert!(matches!(keys.create(new).await, Err(AdminError::Invalid { field: "expiry", .. })));
}
