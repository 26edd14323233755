//! The same file opened twice at once, as an old and a new process have it for a while, or the command line beside a
//! server.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::{collections::HashSet, path::PathBuf, time::Duration};

use posthaste_storage::{
    Claim, Counter, CounterWindow, Expect, Half, LeaseId, LimitCheck, RecordKind, RollupPeriod, StorageError,
    Unit, UsageQuery,
    contract::{NOON, row},
};
use posthaste_storage_sqlite::SqliteStores;
use tempfile::TempDir;
use uuid::Uuid;

/// Two independent stores over one file.
struct Two {
    here: SqliteStores,
    there: SqliteStores,
    _folder: TempDir,
}

impl Two {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("posthaste.db");
        let open = || SqliteStores::open(&path).unwrap();
        Self { here: open(), there: open(), _folder: folder }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_make_the_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("posthaste.db");
    let opens: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            tokio::task::spawn_blocking(move || SqliteStores::open(&path))
        })
        .collect();
    for open in opens {
        let opened = open.await.unwrap().unwrap();
        opened.stores().ledger.append(&[row()]).await.unwrap();
    }
    assert_eq!(SqliteStores::open(&path).unwrap().stores().ledger.count().await.unwrap(), 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_made_there_is_met_here() {
    let two = Two::open();
    let (here, there) = (two.here.stores().config, two.there.stores().config);
    let since = here.revision().await.unwrap();
    let id = Uuid::now_v7();
    let reader = tokio::spawn(async move {
        here.changed(since).await?;
        here.changes(since).await
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    there.put(RecordKind::Account, id, None, "{}".to_owned(), Expect::Absent).await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(20), reader).await.unwrap().unwrap().unwrap();
    assert_eq!(told.changes.iter().map(|change| change.id).collect::<Vec<_>>(), [id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_writers_on_both_sides_exactly_one_wins() {
    let two = Two::open();
    let sides = [two.here.stores().config, two.there.stores().config];
    let id = Uuid::now_v7();
    sides[0].put(RecordKind::Account, id, None, "0".to_owned(), Expect::Absent).await.unwrap();
    for version in 1..=10 {
        let writes: Vec<_> = (0..8)
            .map(|writer: usize| {
                let config = sides[writer % 2].clone();
                let expect = Expect::Version(version);
                tokio::spawn(async move {
                    config.put(RecordKind::Account, id, None, writer.to_string(), expect).await
                })
            })
            .collect();
        let mut winners = 0;
        for write in writes {
            match write.await.unwrap() {
                Ok(_) => winners += 1,
                Err(StorageError::Conflict { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(winners, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_on_both_sides_pass_one_limit_together() {
    let two = Two::open();
    let sides = [two.here.stores().admission, two.there.stores().admission];
    let owner = Uuid::now_v7();
    let claim = || Claim {
        half: Half::Caller,
        owner,
        lease: LeaseId::generate(),
        ttl: Duration::from_secs(60),
        checks: vec![LimitCheck {
            counter: Counter {
                name: "slots".to_owned(),
                unit: Unit::Concurrency,
                window: CounterWindow::Held,
            },
            amount: 1,
            limit: 25,
            shadow: false,
            on_loss: Default::default(),
        }],
    };
    let claims: Vec<_> = (0..80)
        .map(|number: usize| {
            let (admission, claim) = (sides[number % 2].clone(), claim());
            tokio::spawn(async move { admission.reserve(&claim, NOON).await })
        })
        .collect();
    let mut granted = 0;
    for claim in claims {
        granted += usize::from(claim.await.unwrap().unwrap().is_granted());
    }
    assert_eq!(granted, 25);
    let held = claim().checks[0].counter.clone();
    assert_eq!(sides[0].used(Half::Caller, owner, &held, NOON).await.unwrap(), 25);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_is_held_on_one_side_only() {
    let two = Two::open();
    let (here, there) = (two.here.stores().locks, two.there.stores().locks);
    let (mine, theirs) = (Uuid::now_v7(), Uuid::now_v7());
    let ttl = Duration::from_secs(60);
    let fence = here.acquire("refresh", mine, ttl, NOON).await.unwrap().unwrap();
    assert_eq!(there.acquire("refresh", theirs, ttl, NOON).await.unwrap(), None);
    here.release("refresh", mine).await.unwrap();
    assert!(there.acquire("refresh", theirs, ttl, NOON).await.unwrap().unwrap() > fence);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_may_book_the_same_rows() {
    let two = Two::open();
    let sides = [two.here.stores().ledger, two.there.stores().ledger];
    let rows: Vec<_> = (0..100).map(|_| row()).collect();
    let appends: Vec<_> = (0..20)
        .map(|number: usize| {
            let (ledger, rows) = (sides[number % 2].clone(), rows[(number % 5) * 15..][..40].to_vec());
            tokio::spawn(async move { ledger.append(&rows).await })
        })
        .collect();
    for append in appends {
        append.await.unwrap().unwrap();
    }
    for side in &sides {
        assert_eq!(side.count().await.unwrap(), 100);
        let booked: HashSet<_> =
            side.recent(None, 1_000).await.unwrap().iter().map(|row| row.request_id).collect();
        assert_eq!(booked.len(), 100);
        let query = UsageQuery::all(RollupPeriod::Month);
        let attempts: u64 = side.usage(&query).await.unwrap().iter().map(|row| row.sums.attempts).sum();
        assert_eq!(attempts, 100);
    }
}
