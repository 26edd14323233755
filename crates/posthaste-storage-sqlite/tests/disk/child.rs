//! The process that works.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use posthaste_core::AttemptRow;
use posthaste_storage::{Expect, RecordKind, StorageError, Stores, contract::row};
use posthaste_storage_sqlite::SqliteStores;
use posthaste_testkit::beside;
use tokio::time::sleep;
use uuid::Uuid;

use crate::support::{Acknowledged, SAID, WORK_ON};

/// Not a test of its own: what the tests start. The disk fails now and then, and it goes on as the relay would: what was not
/// acknowledged is booked again, and the store is opened again where that failed.
#[tokio::test]
#[ignore = "started by the tests, which put a disk under it"]
async fn works() {
    let path = PathBuf::from(told());
    let mut desk = Desk::on(&path);
    for _ in 0..SITTINGS {
        let opened = open(&path).await;
        for _ in 0..BATCHES {
            desk.book(&opened.stores()).await;
        }
        // What was acknowledged is there for those who ask now.
        let known = desk.acknowledged.clone();
        insist("reading", async || {
            let read = opened.stores().ledger.recent(None, usize::MAX).await;
            let there = read?.iter().map(|row| row.request_id).collect();
            assert!(known.rows.is_subset(&there), "a row is not there for who asks");
            Ok(())
        })
        .await;
        // Emptying the log may fail; what was acknowledged is in it then.
        let _ = opened.close().await;
    }
    desk.say("done\n");
}

#[expect(clippy::disallowed_methods, reason = "the way by which a test talks to the process that it starts")]
fn told() -> String {
    std::env::var(WORK_ON).unwrap()
}

/// Who books, and says what was acknowledged.
struct Desk {
    said: File,
    acknowledged: Acknowledged,
    record: Uuid,
    expect: Expect,
    earlier: Vec<AttemptRow>,
}

impl Desk {
    fn on(path: &Path) -> Self {
        let said = OpenOptions::new().append(true).create(true).open(beside(path, SAID)).unwrap();
        let (record, expect) = (Uuid::now_v7(), Expect::Absent);
        Self { said, acknowledged: Acknowledged::default(), record, expect, earlier: Vec::new() }
    }

    async fn book(&mut self, stores: &Stores) {
        let new: Vec<AttemptRow> = (0..ROWS).map(|_| row()).collect();
        // A replay of what was booked before comes with every batch, as after an outage.
        let batch = [self.earlier.as_slice(), new.as_slice()].concat();
        insist("booking", async || stores.ledger.append(&batch).await).await;
        self.acknowledged.rows.extend(new.iter().map(|row| row.request_id));
        let lines: String = new.iter().map(|row| format!("row {}\n", row.request_id)).collect();
        self.say(&lines);
        self.earlier = new;
        let (id, body) = (self.record, "{}".to_owned());
        let put = stores.config.put(RecordKind::Account, id, None, body, self.expect).await;
        match put {
            Ok(version) => {
                self.expect = Expect::Version(version);
                self.acknowledged.record = Some((id, version));
                self.say(&format!("record {id} {version}\n"));
            }
            Err(StorageError::Unavailable { .. } | StorageError::Corrupt { .. }) => {}
            Err(error) => panic!("a record: {error:?}"),
        }
    }

    fn say(&mut self, lines: &str) {
        self.said.write_all(lines.as_bytes()).unwrap();
    }
}

async fn open(path: &Path) -> SqliteStores {
    insist("opening", async || SqliteStores::open(path)).await
}

/// Tries again for as long as the disk is in trouble. SQLite takes a read that fails with `EIO` for a damaged file; whether it
/// is one is seen when the disk is well again.
async fn insist<T>(what: &str, mut work: impl AsyncFnMut() -> Result<T, StorageError>) -> T {
    let mut last = None;
    for _ in 0..TRIES {
        match work().await {
            Ok(done) => return done,
            Err(error @ (StorageError::Unavailable { .. } | StorageError::Corrupt { .. })) => {
                last = Some(error)
            }
            Err(error) => panic!("{what}: {error:?}"),
        }
        sleep(Duration::from_millis(1)).await;
    }
    panic!("{what} fails for ever: {last:?}");
}

/// How often it opens the store and closes it again, which empties the log.
const SITTINGS: usize = 2;
const BATCHES: usize = 4;
const ROWS: usize = 3;
/// More than calls fail at most.
const TRIES: usize = 200;
