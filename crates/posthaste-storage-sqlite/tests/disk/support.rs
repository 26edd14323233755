//! Starting the process that works, and looking at what it leaves.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

use posthaste_core::RequestId;
use posthaste_storage::{RecordKind, RollupPeriod, Stores, UsageQuery, contract::row};
use posthaste_storage_sqlite::SqliteStores;
use posthaste_testkit::{FaultyDisk, beside};
use tempfile::TempDir;
use uuid::Uuid;

/// Compiled once.
pub(crate) static DISK: LazyLock<FaultyDisk> = LazyLock::new(FaultyDisk::new);

/// A folder with a store in it that was used before.
pub(crate) struct Folder {
    pub(crate) folder: TempDir,
}

/// What a used store looks like; made once, since bringing tables up to date is a test of its own.
static USED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    // On a thread of its own: whoever asks first may be within a runtime.
    std::thread::scope(|scope| {
        let filled = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let opened = SqliteStores::open(&path).unwrap();
                opened.stores().ledger.append(&[row(), row()]).await.unwrap();
                opened.close().await.unwrap();
            });
        });
        filled.join().unwrap();
    });
    fs::read(path).unwrap()
});

/// Rows of [`Folder::used`].
pub(crate) const USED_ROWS: usize = 2;

impl Folder {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn used() -> Self {
        let made = Self::new();
        fs::write(made.path(), &*USED).unwrap();
        made
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("posthaste.db")
    }

    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        beside(&self.path(), suffix)
    }

    /// The process that works, before a disk is put under it.
    pub(crate) fn worker(&self) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "child::works", "--ignored", "--nocapture"]);
        command.env(WORK_ON, self.path()).stdin(Stdio::null());
        command
    }
}

/// Tells the working process where.
pub(crate) const WORK_ON: &str = "POSTHASTE_TEST_WORKS_ON";

/// What it says of its work, behind the path of the store.
pub(crate) const SAID: &str = "-said";

/// What the working process was told is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) rows: HashSet<RequestId>,
    pub(crate) record: Option<(Uuid, u64)>,
    /// It came to its end.
    pub(crate) done: bool,
}

impl Acknowledged {
    pub(crate) fn read(said: &[u8]) -> Self {
        let mut read = Self::default();
        let text = str::from_utf8(said).unwrap();
        // The last line may be cut off, and says nothing then.
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["row", id] => {
                    read.rows.insert(id.parse().unwrap());
                }
                ["record", id, version] => {
                    read.record = Some((id.parse().unwrap(), version.parse().unwrap()));
                }
                ["done"] => read.done = true,
                ref other => panic!("it said {other:?}"),
            }
        }
        read
    }

    pub(crate) fn of(path: &Path) -> Self {
        Self::read(&fs::read(path).unwrap_or_default())
    }
}

/// Opens the store and looks whether all that was acknowledged is there, once, and the sums say so.
pub(crate) async fn check(path: &Path, acknowledged: &Acknowledged, others: usize, when: &str) {
    let opened = SqliteStores::open(path).unwrap_or_else(|error| panic!("{when}: it opens: {error:?}"));
    look(&opened.stores(), acknowledged, others, when).await;
    opened.close().await.unwrap();
}

async fn look(stores: &Stores, acknowledged: &Acknowledged, others: usize, when: &str) {
    let booked = stores.ledger.recent(None, usize::MAX).await.unwrap();
    let ids: HashSet<RequestId> = booked.iter().map(|row| row.request_id).collect();
    assert_eq!(ids.len(), booked.len(), "{when}: a row was doubled");
    let lost = acknowledged.rows.difference(&ids).count();
    assert_eq!(lost, 0, "{when}: of {} rows", acknowledged.rows.len());
    assert!(booked.len() >= acknowledged.rows.len() + others, "{when}: rows of before are lost");
    assert_eq!(stores.ledger.count().await.unwrap(), booked.len() as u64, "{when}");
    for period in RollupPeriod::ALL {
        let sums = stores.ledger.usage(&UsageQuery::all(period)).await.unwrap();
        assert_eq!(sums.iter().map(|sum| sum.sums.attempts).sum::<u64>(), booked.len() as u64, "{when}");
        let input: u64 = booked.iter().map(|row| row.usage.input).sum();
        assert_eq!(sums.iter().map(|sum| sum.sums.usage.input).sum::<u64>(), input, "{when}");
    }
    if let Some((id, version)) = acknowledged.record {
        let record = stores.config.get(RecordKind::Account, id).await.unwrap().unwrap();
        assert!(record.version >= version, "{when}: a record went back");
    }
}
