//! Client keys, conversations and the change feed while the store is away.

use std::{sync::Arc, time::Duration};

use posthaste_core::{AccountId, ClientKeyId, Clock};
use posthaste_storage::{AffinityKey, Expect, RecordKind, Revision, StorageError};
use posthaste_testkit::FakeClock;
use uuid::Uuid;

use crate::{
    scripted::{Mood, Scripted, WELL},
    support::{lose, watched},
};

const KEY: RecordKind = RecordKind::ClientKey;

#[tokio::test(start_paused = true)]
async fn a_client_key_that_was_found_once_is_known_until_it_changes() {
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let standby = watched(&scripted.stores(), &clock, 1);
    let (config, id) = (standby.stores().config, Uuid::now_v7());
    let put =
        |body: &str, expect| scripted.inner().config.put(KEY, id, Some("hash".into()), body.into(), expect);
    put("1", Expect::Absent).await.unwrap();
    let found = config.find(KEY, "hash").await.unwrap().unwrap();

    scripted.is(Mood::Gone);
    lose(&standby, &clock).await;
    let calls = scripted.calls();
    assert_eq!(config.find(KEY, "hash").await.unwrap(), Some(found));
    assert!(matches!(config.find(KEY, "other").await, Err(StorageError::Unavailable { .. })));
    assert_eq!(scripted.calls(), calls);

    scripted.is(WELL);
    crate::support::returned(&standby).await;
    put("2", Expect::Version(1)).await.unwrap();
    config.changes(Revision(1)).await.unwrap();
    scripted.is(Mood::Gone);
    lose(&standby, &clock).await;
    assert!(config.find(KEY, "hash").await.is_err(), "what it was before may not be true any more");
}

#[tokio::test(start_paused = true)]
async fn the_change_feed_waits_for_the_store() {
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let standby = watched(&scripted.stores(), &clock, 1);
    scripted.is(Mood::Gone);
    lose(&standby, &clock).await;
    let config = standby.stores().config;
    let follower = tokio::spawn(async move {
        config.changed(Revision(0)).await?;
        config.list(RecordKind::Account, None, 10).await
    });
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(!follower.is_finished());
    scripted.is(WELL);
    let put =
        scripted.inner().config.put(RecordKind::Account, Uuid::now_v7(), None, "{}".into(), Expect::Absent);
    put.await.unwrap();
    let page = tokio::time::timeout(Duration::from_secs(10), follower).await.unwrap().unwrap().unwrap();
    assert_eq!(page.records.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_cannot_be_read_is_noticed_without_any_request() {
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let standby = watched(&scripted.stores(), &clock, 1);
    scripted.is(Mood::Gone);
    let config = standby.stores().config;
    let follower = tokio::spawn(async move { config.changed(Revision(0)).await });
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(standby.health().is_lost());
    follower.abort();
}

#[tokio::test(start_paused = true)]
async fn a_conversation_whose_home_cannot_be_read_has_none() {
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let standby = watched(&scripted.stores(), &clock, 1);
    let (affinity, now) = (standby.stores().affinity, clock.now());
    let key = AffinityKey { tenant: ClientKeyId::generate(), conversation: [7; 16] };
    let (account, ttl) = (AccountId::generate(), Duration::from_secs(60));
    affinity.settle_at(key, account, ttl, now).await.unwrap();
    assert_eq!(affinity.home(key, now).await.unwrap(), Some(account));
    scripted.is(Mood::Silent);
    assert_eq!(affinity.home(key, now).await.unwrap(), None);
    affinity.settle_at(key, account, ttl, now).await.unwrap();
    affinity.forget(key).await.unwrap();
}
