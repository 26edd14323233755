//! `kill -9` while rows are booked and taken out.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use posthaste_core::SystemClock;
use posthaste_spool::{SpoolOptions, SpooledLedger};
use posthaste_storage::LedgerStore;
use posthaste_storage_sqlite::SqliteStores;

use crate::support::{eventually, rows, summed};

/// Names the folder to the child, which is this program once more.
const FOLDER: &str = "POSTHASTE_TEST_SPOOL_FOLDER";

/// Books rows and tells each that was acknowledged, until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child of another test"]
async fn child_that_books_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let sqlite = SqliteStores::open(&folder.join("behind.db")).unwrap();
    let ledger = open(folder, &sqlite).await;
    for size in (1..40).cycle() {
        let batch = rows(size);
        ledger.append(&batch).await.unwrap();
        let mut out = std::io::stdout().lock();
        for row in batch {
            writeln!(out, "booked {}", row.request_id).unwrap();
        }
        out.flush().unwrap();
    }
}

async fn open(folder: &Path, sqlite: &SqliteStores) -> SpooledLedger {
    let ledger = sqlite.stores().ledger;
    SpooledLedger::open(&folder.join("spool"), SpoolOptions::default(), Arc::new(SystemClock), ledger)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s10_rows_acknowledged_before_a_kill_are_all_there_and_none_is_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = HashSet::new();
    for round in 0_u64..12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "killed::child_that_books_until_it_is_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut told = |lines: &mut dyn Iterator<Item = String>| {
            for line in lines {
                // The test harness writes lines of its own, and the last line may be half.
                if let Some(id) = line.strip_prefix("booked ").filter(|id| id.len() == 36) {
                    acknowledged.insert(id.to_owned());
                }
            }
        };
        told(&mut lines.by_ref().take(200 * usize::try_from(round).unwrap() % 1_500 + 50));
        std::thread::sleep(Duration::from_millis(round * 7 % 30));
        child.kill().unwrap();
        child.wait().unwrap();
        told(&mut lines);
    }
    assert!(acknowledged.len() > 1_000, "only {} rows: that is no load", acknowledged.len());

    let sqlite = SqliteStores::open(&folder.path().join("behind.db")).unwrap();
    let ledger = open(folder.path(), &sqlite).await;
    eventually(async || ledger.state().view().rows == 0).await;
    let there = ledger.recent(None, usize::MAX).await.unwrap();
    let ids: HashSet<String> = there.iter().map(|row| row.request_id.to_string()).collect();
    assert_eq!(ids.len(), there.len(), "none is doubled");
    let lost: Vec<_> = acknowledged.difference(&ids).collect();
    assert!(lost.is_empty(), "{} of {} are lost", lost.len(), acknowledged.len());
    assert_eq!(summed(&ledger).await, there.len() as u64, "nor is one counted twice");
    assert_eq!(ledger.state().view().damaged, 0);
    assert_eq!(ledger.close(Duration::from_secs(30)).await, 0);
    sqlite.close().await.unwrap();
}
