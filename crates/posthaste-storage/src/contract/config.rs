//! Promises of [`ConfigStore`](crate::ConfigStore).

use std::{sync::Arc, time::Duration};

use posthaste_core::{
    Card, CardGift, CardId, CardLimits, CardState, ClientKey, ClientKeyHash, ClientKeyId, Expiry, HashForm,
    KeyPolicy, ModelRules, Multiplier, ProviderKind, Redemption, RedemptionId, ServiceRates, Setting,
    SettingValue, TokenHash,
};
use uuid::Uuid;

use super::{NOON, Promise};
use crate::{
    ConfigStore, Expect, PinnedConfig, Record, RecordKind, Repository, Revision, StorageError, Stores,
};

/// What is written comes back by identity and by look-up name, and nothing else does.
pub async fn a_record_is_read_as_written(stores: Stores) -> Promise {
    let config = stores.config;
    let id = Uuid::now_v7();
    let body = r#"{"text":"ü \"quoted\" \u0000 🦀"}"#;
    let version = put(&config, id, Some("name ü🦀"), body, Expect::Absent).await?;
    let written = Record {
        kind: RecordKind::Account,
        id,
        version: 1,
        lookup: Some("name ü🦀".to_owned()),
        body: body.to_owned(),
        intact: true,
    };
    assert_eq!(version, 1);
    assert_eq!(config.get(RecordKind::Account, id).await?, Some(written.clone()));
    assert_eq!(config.find(RecordKind::Account, "name ü🦀").await?, Some(written));
    assert_eq!(config.get(RecordKind::Account, Uuid::now_v7()).await?, None);
    assert_eq!(config.find(RecordKind::Account, "name").await?, None);
    Ok(())
}

/// A look-up name is no must, and any number of records may have none.
pub async fn a_record_without_a_lookup_name_is_kept(stores: Stores) -> Promise {
    let config = stores.config;
    for _ in 0..2 {
        let id = Uuid::now_v7();
        put(&config, id, None, "{}", Expect::Absent).await?;
        let read = config.get(RecordKind::Account, id).await?.expect("the record was written");
        assert_eq!(read.lookup, None);
    }
    Ok(())
}

/// The same identity and the same look-up name in another kind are another record.
pub async fn kinds_do_not_meet(stores: Stores) -> Promise {
    let config = stores.config;
    let id = Uuid::now_v7();
    for kind in RecordKind::ALL {
        let body = format!("\"{kind}\"");
        let version = config.put(kind, id, Some("same".to_owned()), body, Expect::Absent).await?;
        assert_eq!(version, 1);
    }
    for kind in RecordKind::ALL {
        let body = Some(format!("\"{kind}\""));
        assert_eq!(config.get(kind, id).await?.map(|record| record.body), body);
        assert_eq!(config.find(kind, "same").await?.map(|record| record.body), body);
        assert_eq!(config.list(kind, None, 10).await?.records.len(), 1);
    }
    Ok(())
}

/// A key that was taken over is found by its old hash alone, then by its own alone; equal digits in the two forms are not the
/// same hash.
pub async fn a_client_key_is_found_by_the_hash_that_it_has_now(stores: Stores) -> Promise {
    let keys = Repository::<ClientKey>::new(stores.config);
    let [old, own] = [1, 2].map(|byte| ClientKeyHash([byte; 32]));
    let key = ClientKey {
        id: ClientKeyId::generate(),
        name: "taken over".to_owned(),
        hash: old,
        hash_form: HashForm::Crs,
        hint: String::new(),
        enabled: true,
        disabled_because: None,
        revoked_at: None,
        deleted_at: None,
        expiry: Expiry::Never,
        first_used_at: None,
        models: ModelRules::default(),
        policy: KeyPolicy::default(),
        card_steps: Vec::new(),
        created_at: NOON,
        updated_at: NOON,
    };
    let made = keys.create(key.clone()).await?;
    assert_eq!(keys.by_crs_hash(old).await?, Some(made.clone()));
    assert_eq!(keys.by_hash(old).await?, None);
    assert_eq!(keys.by_crs_hash(own).await?, None);
    let own_now = ClientKey { hash: own, hash_form: HashForm::Own, ..key };
    let changed = keys.replace(own_now.clone(), made.version).await?;
    assert_eq!(keys.by_hash(own).await?, Some(changed));
    assert_eq!(keys.by_crs_hash(own).await?, None);
    assert_eq!(keys.by_crs_hash(old).await?, None);
    // Whoever still holds the record as it was cannot bring the old hash back.
    let undone =
        keys.replace(ClientKey { hash: old, hash_form: HashForm::Crs, ..own_now }, made.version).await;
    assert!(matches!(undone, Err(StorageError::Conflict { .. })));
    Ok(())
}

/// A card is found by the hash of its code alone, and of many who begin to redeem it at once, each for another client key, one
/// has it: the others are told that it has changed.
pub async fn of_many_who_redeem_a_card_at_once_one_has_it(stores: Stores) -> Promise {
    let cards = Repository::<Card>::new(stores.config);
    let (code, other) = (TokenHash::new([1; 32]), TokenHash::new([2; 32]));
    let card = Card {
        id: CardId::generate(),
        code,
        hint: "cdef".to_owned(),
        gives: CardGift { quota: 5, seconds: 7 },
        expires_at: Some(NOON),
        note: "ü".to_owned(),
        made_by: "ada".to_owned(),
        state: CardState::Unused,
        created_at: NOON,
        updated_at: NOON,
    };
    let made = cards.create(card.clone()).await?;
    assert_eq!(cards.find(&code.to_hex()).await?, Some(made.clone()));
    assert_eq!(cards.find(&other.to_hex()).await?, None);
    // A second card of the same code would be redeemed in its place.
    let twin = cards.create(Card { id: CardId::generate(), ..card.clone() }).await;
    assert!(matches!(twin, Err(StorageError::Taken { .. })), "{twin:?}");
    let tries = (0..WRITERS).map(|_| {
        let (cards, card, version) = (cards.clone(), card.clone(), made.version);
        let redemption = Redemption {
            id: RedemptionId::generate(),
            key: ClientKeyId::generate(),
            key_name: "held".to_owned(),
            by: "holder".to_owned(),
            at: NOON,
        };
        let id = redemption.id;
        let next = Card { state: CardState::Redeeming { redemption }, ..card };
        tokio::spawn(async move { cards.replace(next, version).await.map(|_| id) })
    });
    let mut won = Vec::new();
    for tried in tries.collect::<Vec<_>>() {
        match tried.await.expect("the try does not panic") {
            Ok(id) => won.push(Some(id)),
            Err(StorageError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let kept = cards.get(card.id.uuid()).await?.expect("the card is there").value;
    assert_eq!(won, [kept.redemption().map(|redemption| redemption.id)]);
    Ok(())
}

/// Every setting is one record, whoever makes it first, and comes back as it was written.
pub async fn a_setting_is_made_once(stores: Stores) -> Promise {
    let settings = Repository::<Setting>::new(stores.config);
    let rates =
        ServiceRates { rates: [(ProviderKind::Anthropic, Multiplier::from_millionths(1_250_000))].into() };
    for value in [SettingValue::ServiceRates(rates), SettingValue::CardLimits(CardLimits::default())] {
        let setting = Setting { value, updated_at: NOON };
        let made = settings.create(setting.clone()).await?;
        let again = settings.create(setting.clone()).await;
        assert!(matches!(again, Err(StorageError::Conflict { .. })), "{again:?}");
        assert_eq!(settings.get(setting.id()).await?, Some(made.clone()));
        assert_eq!(settings.find(setting.name()).await?, Some(made));
    }
    Ok(())
}

/// Parts of a list follow one another by identity, and the last one says that it is the last.
pub async fn lists_come_in_order_and_in_parts(stores: Stores) -> Promise {
    let config = stores.config;
    let mut ids: Vec<Uuid> = (0..10).map(|_| Uuid::new_v4()).collect();
    for id in &ids {
        put(&config, *id, None, "{}", Expect::Absent).await?;
    }
    ids.sort();
    for size in [1, 3, 5, 10, 11] {
        let mut listed = Vec::new();
        let mut after = None;
        loop {
            let page = config.list(RecordKind::Account, after, size).await?;
            assert!(page.records.len() <= size);
            listed.extend(page.records.iter().map(|record| record.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(listed, ids, "in parts of {size}");
    }
    let whole = config.list(RecordKind::Account, None, 10).await?;
    assert_eq!(whole.next, None, "a part that ends with the last record is the last");
    let empty = config.list(RecordKind::ClientKey, None, 10).await?;
    assert_eq!((empty.records.len(), empty.next), (0, None));
    Ok(())
}

/// A write under the version that is there goes through and counts on; under any other it changes nothing.
pub async fn a_replacement_names_the_version_it_replaces(stores: Stores) -> Promise {
    let config = stores.config;
    let id = Uuid::now_v7();
    put(&config, id, Some("a"), "1", Expect::Absent).await?;
    assert_eq!(put(&config, id, Some("a"), "2", Expect::Version(1)).await?, 2);
    for stale in [0, 1, 3] {
        expect_conflict(put(&config, id, Some("b"), "3", Expect::Version(stale)).await);
    }
    expect_conflict(put(&config, Uuid::now_v7(), None, "4", Expect::Version(1)).await);
    let read = config.get(RecordKind::Account, id).await?.expect("the record is there");
    assert_eq!((read.version, read.body.as_str(), read.lookup.as_deref()), (2, "2", Some("a")));
    assert_eq!(config.find(RecordKind::Account, "b").await?, None);
    Ok(())
}

/// A record that is there is not made anew.
pub async fn making_a_record_twice_is_a_conflict(stores: Stores) -> Promise {
    let config = stores.config;
    let id = Uuid::now_v7();
    put(&config, id, None, "1", Expect::Absent).await?;
    expect_conflict(put(&config, id, None, "2", Expect::Absent).await);
    let read = config.get(RecordKind::Account, id).await?.expect("the record is there");
    assert_eq!((read.version, read.body.as_str()), (1, "1"));
    Ok(())
}

/// Neither making nor renaming a record takes another's look-up name; its own it may keep.
pub async fn a_lookup_name_belongs_to_one_record(stores: Stores) -> Promise {
    let config = stores.config;
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    put(&config, first, Some("a"), "1", Expect::Absent).await?;
    expect_taken(put(&config, second, Some("a"), "2", Expect::Absent).await);
    assert_eq!(config.get(RecordKind::Account, second).await?, None);

    put(&config, second, Some("b"), "2", Expect::Absent).await?;
    let before = config.revision().await?;
    expect_taken(put(&config, second, Some("a"), "3", Expect::Version(1)).await);
    assert_eq!(config.revision().await?, before);
    let read = config.find(RecordKind::Account, "b").await?.expect("the name is kept");
    assert_eq!((read.id, read.version, read.body.as_str()), (second, 1, "2"));
    let owner = config.find(RecordKind::Account, "a").await?.expect("the name is kept");
    assert_eq!(owner.id, first);

    assert_eq!(put(&config, first, Some("a"), "3", Expect::Version(1)).await?, 2);
    Ok(())
}

/// A name that its record no longer has can be taken by another and finds that one.
pub async fn a_lookup_name_is_free_after_deletion_and_rename(stores: Stores) -> Promise {
    let config = stores.config;
    let (first, second, third) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    put(&config, first, Some("a"), "1", Expect::Absent).await?;
    put(&config, first, Some("b"), "1", Expect::Version(1)).await?;
    assert_eq!(config.find(RecordKind::Account, "a").await?, None);
    put(&config, second, Some("a"), "2", Expect::Absent).await?;
    assert_eq!(config.find(RecordKind::Account, "a").await?.map(|record| record.id), Some(second));

    config.delete(RecordKind::Account, first, 2).await?;
    assert_eq!(config.find(RecordKind::Account, "b").await?, None);
    put(&config, third, Some("b"), "3", Expect::Absent).await?;
    assert_eq!(config.find(RecordKind::Account, "b").await?.map(|record| record.id), Some(third));

    put(&config, third, None, "3", Expect::Version(1)).await?;
    assert_eq!(config.find(RecordKind::Account, "b").await?, None);
    put(&config, second, Some("b"), "2", Expect::Version(1)).await?;
    assert_eq!(config.find(RecordKind::Account, "b").await?.map(|record| record.id), Some(second));
    Ok(())
}

/// A deletion under another version, or of nothing, changes nothing.
pub async fn a_deletion_names_the_version_it_removes(stores: Stores) -> Promise {
    let config = stores.config;
    let id = Uuid::now_v7();
    put(&config, id, Some("a"), "1", Expect::Absent).await?;
    put(&config, id, Some("a"), "2", Expect::Version(1)).await?;
    let before = config.revision().await?;
    expect_conflict(config.delete(RecordKind::Account, id, 1).await);
    expect_conflict(config.delete(RecordKind::Account, id, 3).await);
    expect_conflict(config.delete(RecordKind::ClientKey, id, 2).await);
    assert_eq!(config.revision().await?, before);
    assert!(config.find(RecordKind::Account, "a").await?.is_some());

    config.delete(RecordKind::Account, id, 2).await?;
    assert_eq!(config.get(RecordKind::Account, id).await?, None);
    assert_eq!(config.find(RecordKind::Account, "a").await?, None);
    expect_conflict(config.delete(RecordKind::Account, id, 2).await);
    Ok(())
}

/// An identity that was deleted is absent, and a record made under it is a new one.
pub async fn a_deleted_record_can_be_made_again(stores: Stores) -> Promise {
    let config = stores.config;
    let id = Uuid::now_v7();
    put(&config, id, Some("a"), "1", Expect::Absent).await?;
    put(&config, id, Some("a"), "2", Expect::Version(1)).await?;
    config.delete(RecordKind::Account, id, 2).await?;
    expect_conflict(put(&config, id, Some("a"), "3", Expect::Version(2)).await);
    assert_eq!(put(&config, id, Some("a"), "4", Expect::Absent).await?, 1);
    Ok(())
}

/// Each write and deletion moves the revision on by one; a refused one does not.
pub async fn revisions_grow_with_each_write(stores: Stores) -> Promise {
    let config = stores.config;
    let id = Uuid::now_v7();
    let Revision(before) = config.revision().await?;
    put(&config, id, None, "1", Expect::Absent).await?;
    assert_eq!(config.revision().await?, Revision(before + 1));
    put(&config, id, None, "2", Expect::Version(1)).await?;
    assert_eq!(config.revision().await?, Revision(before + 2));
    expect_conflict(put(&config, id, None, "3", Expect::Version(1)).await);
    assert_eq!(config.revision().await?, Revision(before + 2));
    config.delete(RecordKind::Account, id, 2).await?;
    assert_eq!(config.revision().await?, Revision(before + 3));
    Ok(())
}

/// A reader that follows the feed meets every record written since, in the order of the last writes.
pub async fn the_feed_tells_what_happened_since(stores: Stores) -> Promise {
    let config = stores.config;
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    put(&config, first, None, "1", Expect::Absent).await?;
    let since = config.revision().await?;
    let nothing = config.changes(since).await?;
    assert_eq!((nothing.revision, nothing.changes.len(), nothing.truncated), (since, 0, false));

    put(&config, second, None, "1", Expect::Absent).await?;
    put(&config, first, None, "2", Expect::Version(1)).await?;
    let told = config.changes(since).await?;
    assert!(!told.truncated);
    assert_eq!(told.revision, config.revision().await?);
    let ids: Vec<Uuid> = told.changes.iter().map(|change| change.id).collect();
    assert_eq!(ids, [second, first]);
    assert!(told.changes.is_sorted_by_key(|change| change.revision));
    assert!(told.changes.iter().all(|change| change.revision > since && change.revision <= told.revision));
    assert!(told.changes.iter().all(|change| change.kind == RecordKind::Account));

    let rest = config.changes(told.changes[0].revision).await?;
    assert_eq!(rest.changes, told.changes[1..]);
    assert!(config.changes(told.revision).await?.changes.is_empty());
    Ok(())
}

/// A deletion is a change like any other.
pub async fn the_feed_tells_deletions(stores: Stores) -> Promise {
    let config = stores.config;
    let id = Uuid::now_v7();
    put(&config, id, None, "1", Expect::Absent).await?;
    let since = config.revision().await?;
    config.delete(RecordKind::Account, id, 1).await?;
    let told = config.changes(since).await?;
    assert_eq!(told.changes.iter().map(|change| change.id).collect::<Vec<_>>(), [id]);
    Ok(())
}

/// Waiting ends when somebody else has written, and the change can be read then.
pub async fn a_reader_that_has_waited_meets_the_change(stores: Stores) -> Promise {
    let since = stores.config.revision().await?;
    let reader = {
        let config = Arc::clone(&stores.config);
        tokio::spawn(async move {
            // Waiting may end early without a change.
            while config.revision().await? == since {
                config.changed(since).await?;
            }
            config.changes(since).await
        })
    };
    tokio::time::sleep(Duration::from_millis(20)).await;
    let id = Uuid::now_v7();
    put(&stores.config, id, None, "1", Expect::Absent).await?;
    let told = tokio::time::timeout(PATIENCE, reader).await.expect("the reader is woken");
    let told = told.expect("the reader does not panic")?;
    assert_eq!(told.changes.iter().map(|change| change.id).collect::<Vec<_>>(), [id]);
    Ok(())
}

/// Waiting for what has happened already is no waiting.
pub async fn a_reader_behind_the_feed_does_not_wait(stores: Stores) -> Promise {
    let since = stores.config.revision().await?;
    put(&stores.config, Uuid::now_v7(), None, "1", Expect::Absent).await?;
    let waited = tokio::time::timeout(PATIENCE, stores.config.changed(since)).await;
    waited.expect("nothing is waited for")
}

/// Of many writers who all read the same version, one goes through and the others learn that they were late.
pub async fn of_parallel_writers_exactly_one_wins(stores: Stores) -> Promise {
    let id = Uuid::now_v7();
    put(&stores.config, id, None, "0", Expect::Absent).await?;
    let writes = (0..WRITERS).map(|writer| {
        let config = Arc::clone(&stores.config);
        tokio::spawn(async move { put(&config, id, None, &writer.to_string(), Expect::Version(1)).await })
    });
    assert_eq!(count_winners(writes.collect()).await, 1);
    let read = stores.config.get(RecordKind::Account, id).await?.expect("the record is there");
    assert_eq!(read.version, 2);
    Ok(())
}

/// Of many new records with the same look-up name, one is made.
pub async fn of_parallel_makers_of_one_lookup_name_exactly_one_wins(stores: Stores) -> Promise {
    let writes = (0..WRITERS).map(|_| {
        let config = Arc::clone(&stores.config);
        tokio::spawn(async move { put(&config, Uuid::now_v7(), Some("one"), "0", Expect::Absent).await })
    });
    assert_eq!(count_winners(writes.collect()).await, 1);
    assert_eq!(stores.config.list(RecordKind::Account, None, WRITERS).await?.records.len(), 1);
    Ok(())
}

/// Two editors saw the same version and both write: one is told that it has changed, and what the other wrote stands.
pub async fn of_two_editors_who_saw_the_same_version_one_is_refused(stores: Stores) -> Promise {
    let (config, kind) = (stores.config, RecordKind::Account);
    for _ in 0..8 {
        let id = Uuid::now_v7();
        let seen = put(&config, id, None, "0", Expect::Absent).await?;
        let edit = async |body: &str| {
            let editor = PinnedConfig::new(Arc::clone(&config), kind, id, Some(seen));
            // As the services do: who was slower reads again.
            for _ in 0..3 {
                let read = editor.get(kind, id).await?.expect("nobody removes it");
                let expect = Expect::Version(read.version);
                match editor.put(kind, id, None, body.to_owned(), expect).await {
                    Err(StorageError::Conflict { .. }) => {}
                    written => return written.map(Some),
                }
            }
            Ok(None)
        };
        let (one, two) = tokio::join!(edit("1"), edit("2"));
        let (one, two) = (one?, two?);
        assert_eq!([one, two].iter().flatten().count(), 1, "{one:?} {two:?}");
        let body = if one.is_some() { "1" } else { "2" };
        let read = config.get(kind, id).await?.expect("nobody removes it");
        assert_eq!((read.version, read.body.as_str()), (seen + 1, body));
    }
    Ok(())
}

/// One piece of work may write its record twice, and others as it likes.
pub async fn a_pin_moves_on_with_its_own_writes_and_holds_one_record_only(stores: Stores) -> Promise {
    let (config, kind) = (stores.config, RecordKind::Account);
    let (id, other) = (Uuid::now_v7(), Uuid::now_v7());
    let seen = put(&config, id, None, "0", Expect::Absent).await?;
    put(&config, other, None, "0", Expect::Absent).await?;
    let pinned = PinnedConfig::new(Arc::clone(&config), kind, id, Some(seen));
    assert_eq!(pinned.written(), None);
    pinned.put(kind, other, None, "1".to_owned(), Expect::Version(1)).await?;
    let next = pinned.put(kind, id, None, "1".to_owned(), Expect::Version(seen)).await?;
    let next = pinned.put(kind, id, None, "2".to_owned(), Expect::Version(next)).await?;
    assert_eq!(pinned.written(), Some(next));
    let meanwhile = put(&config, id, None, "3", Expect::Version(next)).await?;
    let refused = pinned.delete(kind, id, meanwhile).await;
    assert!(matches!(refused, Err(StorageError::Conflict { .. })), "{refused:?}");
    assert_eq!(config.get(kind, id).await?.map(|record| record.body).as_deref(), Some("3"));
    Ok(())
}

async fn put(
    config: &Arc<dyn ConfigStore>,
    id: Uuid,
    lookup: Option<&str>,
    body: &str,
    expect: Expect,
) -> Result<u64, StorageError> {
    config.put(RecordKind::Account, id, lookup.map(str::to_owned), body.to_owned(), expect).await
}

async fn count_winners(writes: Vec<tokio::task::JoinHandle<Result<u64, StorageError>>>) -> usize {
    let mut winners = 0;
    for write in writes {
        match write.await.expect("a writer does not panic") {
            Ok(_) => winners += 1,
            Err(StorageError::Conflict { .. } | StorageError::Taken { .. }) => {}
            Err(other) => panic!("expected a conflict, met {other:?}"),
        }
    }
    winners
}

fn expect_conflict<T: std::fmt::Debug>(result: Result<T, StorageError>) {
    assert!(matches!(result, Err(StorageError::Conflict { .. })), "expected a conflict, met {result:?}");
}

fn expect_taken<T: std::fmt::Debug>(result: Result<T, StorageError>) {
    assert!(matches!(result, Err(StorageError::Taken { .. })), "expected a taken name, met {result:?}");
}

const WRITERS: usize = 16;

/// The promise is one second; a loaded machine may need more, and only a store that never wakes fails.
const PATIENCE: Duration = Duration::from_secs(20);
