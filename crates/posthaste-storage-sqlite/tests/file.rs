//! What becomes of the file: opening again, closing, copying, and files that are not ours.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use posthaste_core::{AccountId, ClientKeyId};
use posthaste_storage::{
    AffinityKey, Claim, Counter, CounterWindow, Dimension, Expect, Half, LeaseId, LimitCheck, RecordKind,
    RollupPeriod, StorageError, Stores, Unit, UsageQuery,
    contract::{NOON, row},
};
use posthaste_storage_sqlite::{Copied, SchemaError, SqliteStores, backup_file, examine_file};
use rusqlite::Connection;
use uuid::Uuid;

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    let filled = {
        let opened = SqliteStores::open(&path).unwrap();
        let filled = fill(&opened.stores()).await;
        opened.close().await.unwrap();
        filled
    };
    let opened = SqliteStores::open(&path).unwrap();
    check(&opened.stores(), &filled).await;
}

#[tokio::test]
async fn everything_is_there_after_ending_without_closing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    let filled = fill(&SqliteStores::open(&path).unwrap().stores()).await;
    check(&SqliteStores::open(&path).unwrap().stores(), &filled).await;
}

#[tokio::test]
async fn closing_leaves_one_file_and_no_writer() {
    let folder = tempfile::tempdir().unwrap();
    let opened = SqliteStores::open(&folder.path().join("posthaste.db")).unwrap();
    let stores = opened.stores();
    fill(&stores).await;
    opened.close().await.unwrap();
    opened.close().await.unwrap();
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["posthaste.db"]);
    let refused = stores.ledger.append(&[row()]).await;
    assert!(matches!(refused, Err(StorageError::Unavailable { .. })), "{refused:?}");
}

#[tokio::test]
async fn writes_that_wait_are_written_before_closing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    let opened = SqliteStores::open(&path).unwrap();
    let stores = opened.stores();
    let writes: Vec<_> = (0..200)
        .map(|_| {
            let ledger = stores.ledger.clone();
            tokio::spawn(async move { ledger.append(&[row()]).await })
        })
        .collect();
    tokio::task::yield_now().await;
    opened.close().await.unwrap();
    let mut acknowledged = 0;
    for write in writes {
        acknowledged += u64::from(write.await.unwrap().is_ok());
    }
    let again = SqliteStores::open(&path).unwrap();
    assert_eq!(again.stores().ledger.count().await.unwrap(), acknowledged);
}

#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let opened = SqliteStores::open(&folder.path().join("posthaste.db")).unwrap();
    fill(&opened.stores()).await;
    opened.backup(&folder.path().join("copy.db")).await.unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn a_back_up_holds_what_was_there_and_can_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let opened = SqliteStores::open(&folder.path().join("posthaste.db")).unwrap();
    let filled = fill(&opened.stores()).await;
    let copy = folder.path().join("copy.db");
    opened.backup(&copy).await.unwrap();
    opened.stores().ledger.append(&[row()]).await.unwrap();
    check(&SqliteStores::open(&copy).unwrap().stores(), &filled).await;
}

#[tokio::test]
async fn a_back_up_taken_amid_writes_agrees_with_itself() {
    let folder = tempfile::tempdir().unwrap();
    let opened = SqliteStores::open(&folder.path().join("posthaste.db")).unwrap();
    let ledger = opened.stores().ledger;
    let writer = tokio::spawn(async move {
        loop {
            ledger.append(&(0..50).map(|_| row()).collect::<Vec<_>>()).await.unwrap();
        }
    });
    for name in ["a.db", "b.db", "c.db"] {
        tokio::time::sleep(Duration::from_millis(30)).await;
        opened.backup(&folder.path().join(name)).await.unwrap();
        let copy = SqliteStores::open(&folder.path().join(name)).unwrap().stores();
        let rows = copy.ledger.recent(None, usize::MAX).await.unwrap().len() as u64;
        assert_eq!(rows % 50, 0, "a batch is whole or not there");
        assert_eq!(copy.ledger.count().await.unwrap(), rows);
        assert_eq!(attempts_in_rollups(&copy).await, rows);
    }
    writer.abort();
}

#[tokio::test]
async fn a_back_up_does_not_overwrite() {
    let folder = tempfile::tempdir().unwrap();
    let opened = SqliteStores::open(&folder.path().join("posthaste.db")).unwrap();
    let there = folder.path().join("there");
    fs::write(&there, "something of somebody's").unwrap();
    assert!(opened.backup(&there).await.is_err());
    assert_eq!(fs::read_to_string(&there).unwrap(), "something of somebody's");
}

#[tokio::test]
async fn a_back_up_is_one_plain_file_with_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let opened = SqliteStores::open(&folder.path().join("posthaste.db")).unwrap();
    fill(&opened.stores()).await;
    let backups = tempfile::tempdir().unwrap();
    let copied = backup_file(&folder.path().join("posthaste.db"), &backups.path().join("copy.db")).await;
    let Copied { schema, bytes, problems, damaged } = copied.unwrap();
    assert_eq!(damaged, [""; 0]);
    assert_eq!((schema, problems.as_slice()), (10, [].as_slice()));
    let found: Vec<_> = fs::read_dir(backups.path()).unwrap().map(|entry| entry.unwrap()).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].metadata().unwrap().len(), bytes);
}

#[tokio::test]
async fn a_damaged_store_makes_no_back_up_and_its_damage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    let opened = SqliteStores::open(&path).unwrap();
    let rows: Vec<_> = (0..500).map(|_| row()).collect();
    opened.stores().ledger.append(&rows).await.unwrap();
    opened.close().await.unwrap();
    damage(&path);
    let refused = backup_file(&path, &folder.path().join("copy.db")).await.unwrap_err();
    assert!(matches!(refused, StorageError::Corrupt { .. }), "{refused:?}");
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| name.to_string_lossy().starts_with("posthaste.db")), "{names:?}");

    let before = fs::read(&path).unwrap();
    let examined = examine_file(&path, &folder.path().join("examined.db")).await;
    assert!(examined.is_err() || !examined.unwrap().problems.is_empty());
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn looking_at_a_newer_file_or_anothers_says_what_it_is_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("newer.db");
    SqliteStores::open(&path).unwrap().close().await.unwrap();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&path).unwrap();
    for refused in [
        examine_file(&path, &folder.path().join("copy.db")).await.unwrap_err(),
        backup_file(&path, &folder.path().join("backup.db")).await.unwrap_err(),
    ] {
        let StorageError::Corrupt { source, .. } = &refused else { panic!("{refused:?}") };
        assert_eq!(source.downcast_ref(), Some(&SchemaError::Newer { found: 99, known: 10 }));
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

/// Overwrites a page in the middle.
fn damage(path: &Path) {
    use std::os::unix::fs::FileExt;
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    let middle = file.metadata().unwrap().len() / 2 / 4_096 * 4_096;
    file.write_all_at(&[0xa5; 4_096], middle).unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    SqliteStores::open(&path).unwrap().close().await.unwrap();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert_refused(&path, SchemaError::Newer { found: 99, known: 10 });
}

#[test]
fn another_programs_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert_refused(&path, SchemaError::Foreign);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    let notes = "not a database, but long enough to look like one might begin here".repeat(40);
    fs::write(&path, &notes).unwrap();
    let refused = SqliteStores::open(&path).unwrap_err();
    assert!(matches!(refused, StorageError::Corrupt { .. }), "{refused:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), notes);
}

#[test]
fn a_missing_folder_is_told() {
    let refused = SqliteStores::open(Path::new("/nowhere/at/all/posthaste.db")).unwrap_err();
    assert!(matches!(refused, StorageError::Unavailable { .. }), "{refused:?}");
    assert!(refused.to_string().contains("/nowhere/at/all/posthaste.db"), "{refused}");
}

#[tokio::test]
async fn damaged_rows_are_told_and_do_not_spoil_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    let opened = SqliteStores::open(&path).unwrap();
    let stores = opened.stores();
    let (good, bad) = (row(), row());
    stores.ledger.append(&[good.clone(), bad.clone()]).await.unwrap();
    let outside = Connection::open(&path).unwrap();
    for damage in [
        "row = x''",
        "row = x'01'",
        "row = substr(row, 1, length(row) - 1)",
        "row = CAST(row || x'00' AS BLOB)",
        "row = CAST(x'02' || substr(row, 2) AS BLOB)",
        "key_id = x'00'",
        "key_id = x'00000000000000000000000000000001'",
        "attempt = attempt + 1",
        "attempt = 70000",
    ] {
        outside.execute_batch("BEGIN").unwrap();
        let sql = format!("UPDATE attempt SET {damage} WHERE request_id = ?1");
        outside.execute(&sql, [bad.request_id.uuid().as_bytes().as_slice()]).unwrap();
        outside.execute_batch("COMMIT").unwrap();
        let met = stores.ledger.attempts(bad.request_id).await;
        assert!(matches!(met, Err(StorageError::Corrupt { .. })), "{damage}: {met:?}");
        assert_eq!(stores.ledger.attempts(good.request_id).await.unwrap(), std::slice::from_ref(&good));
        // All that can be read is, also behind one that cannot.
        let last = stores.ledger.last_use(Dimension::Key, &[bad.key_id.uuid(), good.key_id.uuid()]).await;
        assert_eq!(last.unwrap(), [None, Some(good.started_at)], "{damage}");
        assert_eq!(stores.ledger.recent(None, 1).await.unwrap(), std::slice::from_ref(&good), "{damage}");
        assert_eq!(stores.ledger.rows_after(None, 1).await.unwrap(), std::slice::from_ref(&good), "{damage}");
        let wrong = "DELETE FROM attempt WHERE request_id = ?1";
        outside.execute(wrong, [bad.request_id.uuid().as_bytes().as_slice()]).unwrap();
        stores.ledger.append(std::slice::from_ref(&bad)).await.unwrap();
    }
}

#[tokio::test]
async fn a_damaged_record_is_told_and_the_others_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    let opened = SqliteStores::open(&path).unwrap();
    let config = opened.stores().config;
    let (good, bad) = (Uuid::now_v7(), Uuid::now_v7());
    for (id, name) in [(good, "good"), (bad, "bad")] {
        let body = r#"{"limit":100}"#.to_owned();
        config.put(RecordKind::Account, id, Some(name.to_owned()), body, Expect::Absent).await.unwrap();
    }
    let outside = Connection::open(&path).unwrap();
    for damage in
        [r#"body = '{"limit":900}'"#, "lookup = 'other'", "lookup = NULL", "version = 2", "sum = NULL"]
    {
        let sql = format!("UPDATE record SET {damage} WHERE id = ?1");
        outside.execute(&sql, [bad]).unwrap();
        let met = config.get(RecordKind::Account, bad).await.unwrap().unwrap();
        assert!(!met.intact, "{damage}");
        let told = met.checked().unwrap_err().to_string();
        assert!(told.contains(&bad.to_string()), "{told}");
        let listed = config.list(RecordKind::Account, None, 10).await.unwrap().records;
        let intact: Vec<_> =
            listed.into_iter().filter(|record| record.intact).map(|record| record.id).collect();
        assert_eq!(intact, [good], "{damage}");
        outside.execute("DELETE FROM record WHERE id = ?1", [bad]).unwrap();
        let body = r#"{"limit":100}"#.to_owned();
        config.put(RecordKind::Account, bad, Some("bad".to_owned()), body, Expect::Absent).await.unwrap();
        assert!(config.get(RecordKind::Account, bad).await.unwrap().unwrap().intact);
    }
}

fn assert_refused(path: &Path, why: SchemaError) {
    let before = fs::read(path).unwrap();
    let refused = SqliteStores::open(path).unwrap_err();
    let StorageError::Corrupt { source, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!(source.downcast_ref(), Some(&why));
    assert_eq!(fs::read(path).unwrap(), before);
}

/// What was written into every port.
struct Filled {
    record: Uuid,
    row: posthaste_core::AttemptRow,
    claim: Claim,
    conversation: AffinityKey,
    account: AccountId,
    holder: Uuid,
}

async fn fill(stores: &Stores) -> Filled {
    let check = |name: &str, unit, window, amount| LimitCheck {
        counter: Counter { name: name.to_owned(), unit, window },
        amount,
        limit: 1_000,
        shadow: false,
        on_loss: Default::default(),
    };
    let filled = Filled {
        record: Uuid::now_v7(),
        row: row(),
        claim: Claim {
            half: Half::Caller,
            owner: Uuid::now_v7(),
            lease: LeaseId::generate(),
            ttl: TTL,
            checks: vec![
                check("slots", Unit::Concurrency, CounterWindow::Held, 1),
                check("money", Unit::Cost, CounterWindow::Total, 700),
            ],
        },
        conversation: AffinityKey { tenant: ClientKeyId::generate(), conversation: [7; 16] },
        account: AccountId::generate(),
        holder: Uuid::now_v7(),
    };
    let name = Some("name".to_owned());
    let put = stores.config.put(RecordKind::Account, filled.record, name, "{}".to_owned(), Expect::Absent);
    put.await.unwrap();
    stores.ledger.append(std::slice::from_ref(&filled.row)).await.unwrap();
    assert!(stores.admission.reserve(&filled.claim, NOON).await.unwrap().is_granted());
    stores.affinity.settle_at(filled.conversation, filled.account, TTL, NOON).await.unwrap();
    stores.locks.acquire("lock", filled.holder, TTL, NOON).await.unwrap().unwrap();
    filled
}

async fn check(stores: &Stores, filled: &Filled) {
    let record = stores.config.find(RecordKind::Account, "name").await.unwrap().unwrap();
    assert_eq!((record.id, record.version), (filled.record, 1));
    assert_eq!(stores.config.revision().await.unwrap().0, 1);
    assert_eq!(stores.ledger.recent(None, 10).await.unwrap(), std::slice::from_ref(&filled.row));
    assert_eq!(stores.ledger.count().await.unwrap(), 1);
    assert_eq!(attempts_in_rollups(stores).await, 1);
    for check in &filled.claim.checks {
        let used = stores.admission.used(Half::Caller, filled.claim.owner, &check.counter, NOON).await;
        assert_eq!(used.unwrap(), check.amount);
    }
    assert!(stores.admission.renew(filled.claim.lease_ref(), TTL, NOON).await.unwrap());
    assert_eq!(stores.affinity.home(filled.conversation, NOON).await.unwrap(), Some(filled.account));
    assert_eq!(stores.locks.acquire("lock", Uuid::now_v7(), TTL, NOON).await.unwrap(), None);
}

async fn attempts_in_rollups(stores: &Stores) -> u64 {
    let query = UsageQuery::all(RollupPeriod::Day);
    stores.ledger.usage(&query).await.unwrap().iter().map(|row| row.sums.attempts).sum()
}

const TTL: Duration = Duration::from_secs(60);
