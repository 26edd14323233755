//! S12: bits are flipped and ends are cut off.
//!
//! SQLite has checksums in its log and none in its file: a flipped bit is told there where it breaks the form of a page. Rows of the
//! books have checksums of their own.

use std::{fs, os::unix::fs::FileExt, path::Path};

use posthaste_core::AttemptRow;
use posthaste_storage::{StorageError, contract::row};
use posthaste_storage_sqlite::{SqliteStores, examine_file};
use posthaste_testkit::Chance;

use crate::support::Folder;

/// A store with rows, closed: one file.
async fn filled(folder: &Folder) -> Vec<AttemptRow> {
    let rows: Vec<_> = (0..200).map(|_| row()).collect();
    let opened = SqliteStores::open(&folder.path()).unwrap();
    opened.stores().ledger.append(&rows).await.unwrap();
    opened.close().await.unwrap();
    rows
}

/// What there is to be read, or why there is nothing. No other error than damage may be told.
async fn read(path: &Path, when: &str) -> Option<Vec<AttemptRow>> {
    let corrupt = |error: StorageError| {
        assert!(matches!(error, StorageError::Corrupt { .. }), "{when}: {error:?}");
    };
    let opened = SqliteStores::open(path).map_err(corrupt).ok()?;
    opened.stores().ledger.recent(None, usize::MAX).await.map_err(corrupt).ok()
}

#[tokio::test]
async fn s12_a_store_that_is_cut_off_anywhere_is_told_and_never_taken_for_a_whole_one() {
    let folder = Folder::new();
    let rows = filled(&folder).await;
    let whole = fs::read(folder.path()).unwrap();
    let cut = Folder::new();
    let mut told = 0;
    // An empty file, and for SQLite one of a single byte, is a new store.
    for length in (2..whole.len()).step_by(3_777) {
        fs::write(cut.path(), &whole[..length]).unwrap();
        let when = format!("{length} of {} bytes", whole.len());
        let examined = examine_file(&cut.path(), &cut.beside("-examined")).await;
        let sound = examined.is_ok_and(|copied| copied.problems.is_empty() && copied.damaged.is_empty());
        let found = read(&cut.path(), &when).await;
        if found.as_ref().is_some_and(|found| found.len() == rows.len()) && sound {
            panic!("{when}: nothing is told");
        }
        assert!(!sound, "{when}: whoever looks is told");
        told += usize::from(found.is_none());
        for suffix in ["-wal", "-shm", "-examined"] {
            let _ = fs::remove_file(cut.beside(suffix));
        }
    }
    println!("of {} lengths {told} are told at opening or reading", (2..whole.len()).step_by(3_777).count());
}

#[tokio::test]
async fn s12_a_log_that_is_damaged_gives_whole_commits_up_to_the_damage() {
    let folder = Folder::new();
    let opened = SqliteStores::open(&folder.path()).unwrap();
    let mut ends = Vec::new();
    let mut rows = Vec::new();
    for _ in 0..20 {
        let batch = [row(), row()];
        opened.stores().ledger.append(&batch).await.unwrap();
        rows.extend(batch);
        ends.push(fs::metadata(folder.beside("-wal")).unwrap().len());
    }
    let (file, log) = (fs::read(folder.path()).unwrap(), fs::read(folder.beside("-wal")).unwrap());
    let mut chance = Chance::new(12);
    for number in 0..100 {
        let after = Folder::new();
        let at = chance.below(log.len() as u64);
        fs::write(after.path(), &file).unwrap();
        fs::write(after.beside("-wal"), &log).unwrap();
        let damaged = fs::OpenOptions::new().write(true).open(after.beside("-wal")).unwrap();
        let cut = number % 2 == 0;
        if cut {
            damaged.set_len(at).unwrap();
        } else {
            let byte = log[usize::try_from(at).unwrap()] ^ (1 << chance.below(8));
            damaged.write_all_at(&[byte], at).unwrap();
        }
        let when = format!("byte {at} of {}, cut off: {cut}", log.len());
        let Some(found) = read(&after.path(), &when).await else { continue };
        let before = ends.iter().filter(|end| **end <= at).count();
        assert!(found.len() % 2 == 0, "{when}: a commit is whole or not there");
        assert!(found.len() >= before * 2, "{when}: {} rows", found.len());
        assert!(found.iter().all(|row| rows.contains(row)), "{when}: a row is another one");
    }
}

#[tokio::test]
async fn s12_a_flipped_bit_in_the_file_is_told_wherever_it_changes_the_books() {
    let folder = Folder::new();
    let rows = filled(&folder).await;
    let whole = fs::read(folder.path()).unwrap();
    let mut chance = Chance::new(13);
    let (mut told, mut harmless) = (0, 0);
    for _ in 0..FLIPS {
        let after = Folder::new();
        let mut bytes = whole.clone();
        let at = usize::try_from(chance.below(bytes.len() as u64)).unwrap();
        bytes[at] ^= 1 << chance.below(8);
        fs::write(after.path(), &bytes).unwrap();
        let examined = examine_file(&after.path(), &after.beside("-examined")).await;
        let sound = examined.is_ok_and(|copied| copied.problems.is_empty() && copied.damaged.is_empty());
        match read(&after.path(), &format!("byte {at}")).await {
            _ if !sound => told += 1,
            None => told += 1,
            Some(found) if found.iter().all(|row| rows.contains(row)) && found.len() == rows.len() => {
                harmless += 1
            }
            Some(_) => panic!("byte {at}: rows are others, and nothing is told"),
        }
    }
    println!("of {FLIPS} flipped bits {told} are told, {harmless} change no row");
    assert!(told > 0 && harmless > 0);
}

const FLIPS: u64 = 200;
