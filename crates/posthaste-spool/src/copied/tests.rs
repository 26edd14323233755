use posthaste_core::SystemClock;
use posthaste_storage::{Stores, memory::MemoryStores};
use tempfile::TempDir;

use super::*;
use crate::{bring_back, compare, copy::Seal};

/// No cipher, but as strict as one.
struct Checksum;

impl Seal for Checksum {
    fn seal(&self, plain: &str) -> Result<String, posthaste_core::BoxError> {
        Ok(format!("{:08x}{plain}", crc32fast::hash(plain.as_bytes())))
    }

    fn open(&self, sealed: &str) -> Result<String, posthaste_core::BoxError> {
        let (checksum, plain) = sealed.split_at_checked(8).ok_or("too short")?;
        let right = checksum == format!("{:08x}", crc32fast::hash(plain.as_bytes()));
        if right { Ok(plain.to_owned()) } else { Err("not authentic".into()) }
    }
}

fn file(folder: &TempDir) -> CopyFile {
    CopyFile::new(folder.path(), Arc::new(Checksum))
}

async fn put(store: &dyn ConfigStore, kind: RecordKind, id: u128, name: &str) {
    let lookup = (kind != RecordKind::Keyring).then(|| name.to_owned());
    let body = format!("\"{name}\"");
    store.put(kind, Uuid::from_u128(id), lookup, body, Expect::Absent).await.unwrap();
}

/// A store with a keyring, two accounts and a client key.
async fn furnished() -> Stores {
    let stores = MemoryStores::stores();
    put(&*stores.config, RecordKind::Keyring, 0, "ring").await;
    put(&*stores.config, RecordKind::Account, 1, "one").await;
    put(&*stores.config, RecordKind::Account, 2, "two").await;
    put(&*stores.config, RecordKind::ClientKey, 3, "key").await;
    stores
}

async fn contents(store: &dyn ConfigStore) -> Vec<(RecordKind, Uuid, Option<String>, String)> {
    let mut contents = Vec::new();
    for kind in RecordKind::ALL {
        let records = all(store, kind).await.unwrap();
        contents.extend(records.into_iter().map(|record| (kind, record.id, record.lookup, record.body)));
    }
    contents
}

/// Empties a store as nobody but a flush does.
async fn flush(store: &dyn ConfigStore) {
    for kind in RecordKind::ALL {
        for record in all(store, kind).await.unwrap() {
            store.delete(kind, record.id, record.version).await.unwrap();
        }
    }
}

fn beside(stores: &Stores, folder: &TempDir, known: ConfigCopy) -> CopiedConfig {
    let locks = Arc::clone(&stores.locks);
    CopiedConfig::new(Arc::clone(&stores.config), locks, Arc::new(SystemClock), file(folder), known)
}

async fn copy_of(stores: &Stores, folder: &TempDir) -> ConfigCopy {
    beside(stores, folder, ConfigCopy::default()).renew().await.unwrap();
    file(folder).load().unwrap().unwrap()
}

#[tokio::test]
async fn a_copy_holds_what_the_store_does_and_follows_it() {
    let folder = tempfile::tempdir().unwrap();
    let stores = furnished().await;
    let copied = beside(&stores, &folder, ConfigCopy::default());
    copied.renew().await.unwrap();
    let first = file(&folder).load().unwrap().unwrap();
    assert_eq!(first.records.len(), 4);
    put(&copied, RecordKind::Pool, 9, "pool").await;
    copied.delete(RecordKind::Account, Uuid::from_u128(1), 1).await.unwrap();
    copied.renew().await.unwrap();
    let second = file(&folder).load().unwrap().unwrap();
    assert!(second.revision > first.revision);
    assert!(second.records.contains_key(&(RecordKind::Pool, Uuid::from_u128(9))));
    assert!(!second.records.contains_key(&(RecordKind::Account, Uuid::from_u128(1))));
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&file(&folder).path().metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_lost_store_is_read_from_the_copy_and_written_back_before_anything_else() {
    let folder = tempfile::tempdir().unwrap();
    let stores = furnished().await;
    let before = contents(&*stores.config).await;
    let copied = beside(&stores, &folder, copy_of(&stores, &folder).await);
    flush(&*stores.config).await;
    assert_eq!(contents(&copied).await, before);
    let found = copied.find(RecordKind::ClientKey, "key").await.unwrap().unwrap();
    assert_eq!(copied.get(RecordKind::ClientKey, found.id).await.unwrap(), Some(found));
    assert_eq!(copied.find(RecordKind::ClientKey, "none").await.unwrap(), None);
    let page = copied.list(RecordKind::Account, None, 1).await.unwrap();
    assert_eq!((page.records.len(), page.next), (1, Some(Uuid::from_u128(1))));
    copied.renew().await.unwrap();
    assert_eq!(file(&folder).load().unwrap().unwrap().records.len(), 4, "nothing is no copy");

    put(&copied, RecordKind::Account, 7, "seven").await;
    let mut after = contents(&*stores.config).await;
    after.retain(|(_, id, ..)| *id != Uuid::from_u128(7));
    assert_eq!(after, before);
    assert!(copied.changes(Revision(1)).await.unwrap().truncated, "whoever follows reads everything again");
}

#[tokio::test]
async fn only_an_empty_store_is_refilled_or_one_whose_refill_was_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let stores = furnished().await;
    let before = contents(&*stores.config).await;
    let copy = copy_of(&stores, &folder).await;
    let now = SystemClock.now();
    let refill = async |stores: &Stores| refill(&*stores.config, &*stores.locks, &copy, now).await.unwrap();
    assert_eq!(refill(&stores).await, Refilled::NotNeeded);

    let foreign = MemoryStores::stores();
    put(&*foreign.config, RecordKind::Account, 5, "theirs").await;
    let theirs = contents(&*foreign.config).await;
    assert_eq!(refill(&foreign).await, Refilled::Foreign);
    assert_eq!(contents(&*foreign.config).await, theirs);

    let half = MemoryStores::stores();
    put(&*half.config, RecordKind::Account, 2, "two").await;
    assert_eq!(refill(&half).await, Refilled::Done(3));
    assert_eq!(contents(&*half.config).await, before);

    let busy = MemoryStores::stores();
    busy.locks.acquire("config-refill", Uuid::max(), Duration::from_secs(60), now).await.unwrap();
    assert_eq!(refill(&busy).await, Refilled::Busy);
    assert!(contents(&*busy.config).await.is_empty());
}

#[tokio::test]
async fn what_is_missing_is_brought_back_on_request_and_nothing_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let stores = furnished().await;
    let copy = copy_of(&stores, &folder).await;
    let config = &*stores.config;
    config.delete(RecordKind::ClientKey, Uuid::from_u128(3), 1).await.unwrap();
    let id = Uuid::from_u128(1);
    config.put(RecordKind::Account, id, Some("uno".into()), "1".into(), Expect::Version(1)).await.unwrap();
    let compared = compare(config, &copy).await.unwrap();
    assert_eq!((compared.missing.len(), compared.same, compared.differing), (1, 2, 1));
    assert!(!compared.other_keyring);
    assert_eq!(bring_back(config, &compared.missing).await.unwrap(), (1, Vec::new()));
    assert_eq!(config.get(RecordKind::Account, id).await.unwrap().unwrap().body, "1");
    assert!(compare(config, &copy).await.unwrap().missing.is_empty());
}

#[tokio::test]
async fn a_store_of_somebody_else_does_not_take_the_copy_s_place() {
    let folder = tempfile::tempdir().unwrap();
    let copy = copy_of(&furnished().await, &folder).await;
    let other = MemoryStores::stores();
    put(&*other.config, RecordKind::Keyring, 0, "another ring").await;
    beside(&other, &folder, copy.clone()).renew().await.unwrap();
    let aside: Vec<_> = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let aside =
        aside.iter().find(|name| name.to_string_lossy().contains("before-")).expect("it is set aside");
    std::fs::rename(folder.path().join(aside), file(&folder).path()).unwrap();
    assert_eq!(file(&folder).load().unwrap().unwrap(), copy);
}

#[tokio::test]
async fn a_copy_that_is_cut_or_changed_anywhere_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    copy_of(&furnished().await, &folder).await;
    let path = file(&folder).path();
    let whole = std::fs::read(&path).unwrap();
    for at in 0..whole.len() - 1 {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        assert!(matches!(file(&folder).load(), Err(CopyError::Unreadable { .. })), "byte {at}");
        std::fs::write(&path, &whole[..at]).unwrap();
        assert!(file(&folder).load().is_err(), "cut at {at}");
    }
}
