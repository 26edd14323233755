//! The disk fails at every step, and so does the store behind.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use posthaste_core::SystemClock;
use posthaste_storage::{contract, memory::MemoryStores};
use tempfile::TempDir;
use tokio::time::sleep;

use super::*;
use crate::{
    SpoolView,
    cursor::Cursor,
    disk::{Appending, Disk},
};

mod faulty_disk;
mod lost;
mod moody_store;

use self::{
    faulty_disk::{Fault, faulty},
    moody_store::{Mood, Moody},
};

/// What is handed over is asked for at once, and not kept.
const AMPLE: SpoolOptions = kept_for(Duration::ZERO);

/// The same, and kept for a week.
const KEEPING: SpoolOptions = kept_for(Duration::from_secs(7 * 86_400));

const fn kept_for(keep: Duration) -> SpoolOptions {
    SpoolOptions { limit: 1 << 30, hold: Duration::ZERO, keep, keep_rows: None, books: String::new() }
}

fn on(disk: Arc<dyn Disk>, options: SpoolOptions, inner: Arc<dyn LedgerStore>) -> io::Result<SpooledLedger> {
    SpooledLedger::on(disk, &options, Arc::new(SystemClock), inner)
}

fn open(
    folder: &Path,
    options: SpoolOptions,
    inner: Arc<dyn LedgerStore>,
) -> impl Future<Output = Result<SpooledLedger, SpoolError>> {
    SpooledLedger::open(folder, options, Arc::new(SystemClock), inner)
}

fn rows(count: usize) -> Vec<AttemptRow> {
    let first = contract::row();
    (0..count).map(|_| AttemptRow { request_id: RequestId::generate(), ..first.clone() }).collect()
}

async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    let patience = timeout(Duration::from_secs(60), async {
        while !holds().await {
            sleep(Duration::from_millis(5)).await;
        }
    });
    patience.await.expect("it should hold within the patience");
}

/// All rows are there once, and the sums say so too.
async fn assert_booked(inner: &dyn LedgerStore, rows: &[AttemptRow]) {
    let mut ids: Vec<_> = inner.recent(None, usize::MAX).await.unwrap();
    ids.sort_by_key(|row| row.request_id);
    let mut expected = rows.to_vec();
    expected.sort_by_key(|row| row.request_id);
    assert_eq!(ids, expected);
    let sums = inner.sums(&UsageQuery::all(RollupPeriod::Day), &[]).await.unwrap();
    assert_eq!(sums.iter().map(|sums| sums.sums.attempts).sum::<u64>(), rows.len() as u64);
}

fn plain(folder: &TempDir) -> Folder {
    Folder(folder.path().to_owned())
}

fn files(folder: &TempDir) -> BTreeMap<String, u64> {
    plain(folder).list().unwrap().into_iter().collect()
}

#[tokio::test]
async fn s9_a_disk_that_fails_once_at_any_step_costs_no_row() {
    let mut steps_seen = 0;
    for fault in [Fault::Refused, Fault::Half] {
        for (first, options) in (0..).flat_map(|first| [(first, AMPLE), (first, KEEPING)]) {
            let folder = tempfile::tempdir().unwrap();
            let disk = faulty(&folder, first, 1, fault);
            // The store is away, so that every row has to be in the spool to survive.
            let away = Moody::away();
            let ledger = on(disk.clone(), options.clone(), away.clone()).unwrap();
            let mut booked = Vec::new();
            for _ in 0..4 {
                let batch = rows(3);
                // As the ledger's writer does.
                let mut tries = 0;
                while ledger.append(&batch).await.is_err() {
                    tries += 1;
                    assert!(tries < 3, "it failed once, at {first}");
                }
                booked.extend(batch);
            }
            assert_eq!(ledger.state().view().rows, booked.len() as u64, "{fault:?} at {first}");
            // As a crash leaves it.
            drop(ledger);

            let (store, is_last) = (Moody::with(Vec::new()), !options.keep.is_zero());
            let ledger = on(Arc::new(plain(&folder)), options, store.clone()).unwrap();
            eventually(async || ledger.state().view().rows == 0).await;
            assert_booked(&*store, &booked).await;
            assert_eq!(ledger.state().view().damaged, 0, "{fault:?} at {first}: {:?}", files(&folder));
            let steps = disk.faults.steps.load(Ordering::SeqCst);
            steps_seen = steps_seen.max(steps);
            if first >= steps && is_last {
                break;
            }
        }
    }
    assert!(steps_seen >= 10, "only {steps_seen} steps");
}

#[tokio::test]
async fn s8_a_full_disk_sends_rows_straight_to_the_store_and_is_used_again_when_there_is_room() {
    for fault in [Fault::Refused, Fault::Half] {
        let folder = tempfile::tempdir().unwrap();
        let disk = faulty(&folder, 0, 12, fault);
        let store = Moody::with(Vec::new());
        let ledger = on(disk, AMPLE, store.clone()).unwrap();
        let mut booked = Vec::new();
        let mut failed = 0;
        for _ in 0..20 {
            let batch = rows(2);
            ledger.append(&batch).await.unwrap();
            failed += u32::from(ledger.state().view().failing);
            booked.extend(batch);
        }
        assert!(failed > 0);
        assert!(!ledger.state().view().failing, "it recovers by itself");
        assert_eq!(ledger.count().await.unwrap(), 40);
        assert_booked(&*store, &booked).await;
    }
}

#[tokio::test]
async fn s8_without_disk_and_store_booking_fails_cleanly_and_nothing_is_torn() {
    let folder = tempfile::tempdir().unwrap();
    let disk = faulty(&folder, 5, usize::MAX, Fault::Half);
    let store = Moody::away();
    let ledger = on(disk, AMPLE, store.clone()).unwrap();
    let kept = rows(5);
    ledger.append(&kept).await.unwrap();
    let refused = rows(5);
    let mut failures = 0;
    for _ in 0..3 {
        let error = ledger.append(&refused).await;
        failures += u32::from(matches!(error, Err(StorageError::Unavailable { .. })));
    }
    assert!(failures > 0);
    drop(ledger);
    store.away.store(false, Ordering::SeqCst);
    let ledger = on(Arc::new(plain(&folder)), AMPLE, store.clone()).unwrap();
    ledger.append(&refused).await.unwrap();
    assert_eq!(ledger.count().await.unwrap(), 10);
    assert_booked(&*store, &[kept, refused].concat()).await;
}

#[tokio::test]
async fn a_store_that_fails_at_any_call_in_any_way_has_every_row_once() {
    for first in 0..6 {
        for mood in [Mood::Refuses, Mood::TakesHalf, Mood::TakesAndFails] {
            let mut moods = vec![Mood::Takes; first];
            moods.extend([mood, mood]);
            let folder = tempfile::tempdir().unwrap();
            let store = Moody::with(moods);
            let ledger = on(Arc::new(plain(&folder)), AMPLE, store.clone()).unwrap();
            let mut booked = Vec::new();
            for _ in 0..8 {
                let batch = rows(5);
                ledger.append(&batch).await.unwrap();
                booked.extend(batch);
                ledger.spool.inside.caught_up().await;
            }
            eventually(async || ledger.state().view().rows == 0).await;
            assert_booked(&*store, &booked).await;
            eventually(async || !ledger.state().view().lost).await;
        }
    }
}

#[tokio::test]
async fn beyond_the_limit_rows_are_refused_until_some_were_taken() {
    let folder = tempfile::tempdir().unwrap();
    let store = Moody::away();
    let ledger =
        on(Arc::new(plain(&folder)), SpoolOptions { limit: 40_000, ..AMPLE }, store.clone()).unwrap();
    let mut booked = Vec::new();
    let refused = loop {
        let batch = rows(5);
        if ledger.append(&batch).await.is_err() {
            break batch;
        }
        booked.extend(batch);
        assert!(booked.len() < 200);
    };
    let view = ledger.state().view();
    assert!(view.failing && view.lost && view.bytes <= 40_000 && view.bytes > 30_000, "{view:?}");
    assert_eq!(view.rows, booked.len() as u64);
    assert!(view.oldest.is_some());
    store.away.store(false, Ordering::SeqCst);
    eventually(async || ledger.append(&refused).await.is_ok()).await;
    booked.extend(refused);
    eventually(async || ledger.state().view().rows == 0).await;
    let last = rows(1);
    ledger.append(&last).await.unwrap();
    booked.extend(last);
    eventually(async || ledger.state().view() == SpoolView::default()).await;
    assert_booked(&*store, &booked).await;
}

#[tokio::test]
async fn segments_go_as_their_rows_are_taken_and_an_orderly_end_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Moody::away();
    let ledger = open(folder.path(), AMPLE, store.clone()).await.unwrap();
    let mut booked = Vec::new();
    for _ in 0..14 {
        let batch = rows(1_000);
        ledger.append(&batch).await.unwrap();
        booked.extend(batch);
    }
    let segments = |folder| files(folder).keys().filter(|name| name.ends_with(".rows")).count();
    assert!(segments(&folder) >= 3, "{:?}", files(&folder));
    store.away.store(false, Ordering::SeqCst);
    eventually(async || ledger.state().view().rows == 0 && segments(&folder) == 1).await;
    assert_eq!(ledger.close(Duration::from_secs(60)).await, 0);
    assert_eq!(files(&folder).keys().collect::<Vec<_>>(), ["lock"]);
    assert_booked(&*store, &booked).await;
    // What is booked afterwards goes straight.
    let late = rows(1);
    ledger.append(&late).await.unwrap();
    assert_eq!(store.attempts(late[0].request_id).await.unwrap(), late);
}

#[tokio::test]
async fn an_orderly_end_without_the_store_leaves_rows_to_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let store = Moody::with(Vec::new());
    let open = || open(folder.path(), AMPLE, store.clone());
    let ledger = open().await.unwrap();
    let first = rows(10);
    ledger.append(&first).await.unwrap();
    eventually(async || ledger.spool.inside.is_settled()).await;
    store.away.store(true, Ordering::SeqCst);
    let second = rows(10);
    ledger.append(&second).await.unwrap();
    assert_eq!(ledger.close(Duration::from_millis(50)).await, 10);
    drop(ledger);
    let calls = store.calls.load(Ordering::SeqCst);
    store.away.store(false, Ordering::SeqCst);
    let ledger = open().await.unwrap();
    eventually(async || ledger.spool.inside.is_settled()).await;
    assert_eq!(store.calls.load(Ordering::SeqCst), calls + 1, "the first ten are not handed over again");
    assert_booked(&*store, &[first, second].concat()).await;
}

#[tokio::test]
async fn a_folder_is_one_process_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let open = || open(&path, SpoolOptions::default(), Moody::with(Vec::new()));
    let first = open().await.unwrap();
    let Err(refused) = open().await else { panic!("two have one folder") };
    assert!(matches!(refused, SpoolError::Held { .. }), "{refused:?}");
    assert!(refused.to_string().contains("one relay to a data folder"));
    first.close(Duration::ZERO).await;
    drop(open().await.unwrap());
    drop(open().await.unwrap());
}

#[tokio::test]
async fn s12_flipped_bits_are_told_the_rest_is_booked_and_the_file_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = on(Arc::new(plain(&folder)), AMPLE, Moody::away()).unwrap();
    let booked = rows(20);
    ledger.append(&booked).await.unwrap();
    drop(ledger);
    let segment = folder.path().join(crate::segment::name(1));
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    bytes.truncate(bytes.len() - 3);
    std::fs::write(&segment, bytes).unwrap();

    let found = crate::check(folder.path()).unwrap();
    assert_eq!((found.rows, found.problems.len()), (18, 1), "{found:?}");
    let store = Moody::with(Vec::new());
    let ledger = on(Arc::new(plain(&folder)), AMPLE, store.clone()).unwrap();
    eventually(async || ledger.state().view().damaged == 1).await;
    assert_eq!(ledger.state().view().rows, 0);
    assert_eq!(store.count().await.unwrap(), 18);
    let found = crate::check(folder.path()).unwrap();
    assert!(found.rows == 0 && found.problems[0].contains("set aside"), "{found:?}");
}

#[tokio::test]
async fn a_segment_cut_at_any_byte_gives_its_whole_rows_and_takes_new_ones() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = on(Arc::new(plain(&folder)), AMPLE, Moody::away()).unwrap();
    let booked = rows(3);
    ledger.append(&booked).await.unwrap();
    drop(ledger);
    let whole = std::fs::read(folder.path().join(crate::segment::name(1))).unwrap();
    for cut in (0..whole.len()).step_by(7) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(crate::segment::name(1)), &whole[..cut]).unwrap();
        let store = Moody::with(Vec::new());
        let ledger = on(Arc::new(plain(&folder)), AMPLE, store.clone()).unwrap();
        let more = rows(1);
        ledger.append(&more).await.unwrap();
        let left = usize::try_from(ledger.count().await.unwrap()).unwrap() - 1;
        assert_booked(&*store, &[&booked[..left], &more].concat()).await;
        assert_eq!(ledger.state().view().damaged, 0);
    }
}

#[tokio::test]
async fn s3_rows_that_the_store_took_and_lost_in_a_fail_over_are_handed_over_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Moody::with(Vec::new());
    let options = SpoolOptions { hold: Duration::from_secs(3), ..AMPLE };
    let ledger = on(Arc::new(plain(&folder)), options, store.clone()).unwrap();
    // The other server has the first rows, and not the next ones.
    let replica = MemoryStores::stores().ledger;
    let replicated = rows(30);
    ledger.append(&replicated).await.unwrap();
    replica.append(&replicated).await.unwrap();
    let lagging = rows(30);
    ledger.append(&lagging).await.unwrap();
    assert_eq!(ledger.count().await.unwrap(), 60);
    store.fail_over(replica);
    let later = rows(5);
    ledger.append(&later).await.unwrap();
    assert_eq!(ledger.count().await.unwrap(), 35, "what was lost is missing for now");
    eventually(async || ledger.count().await.unwrap() == 65).await;
    eventually(async || ledger.spool.inside.is_settled()).await;
    assert_booked(&*store, &[replicated, lagging, later].concat()).await;
}

#[tokio::test]
async fn what_is_held_beyond_its_bytes_is_settled_early() {
    let folder = tempfile::tempdir().unwrap();
    let store = Moody::with(Vec::new());
    let options = SpoolOptions { limit: 100_000, hold: Duration::from_secs(3_600), ..AMPLE };
    let ledger = on(Arc::new(plain(&folder)), options, store.clone()).unwrap();
    let mut booked = Vec::new();
    for _ in 0..30 {
        let batch = rows(20);
        eventually(async || ledger.append(&batch).await.is_ok()).await;
        ledger.spool.inside.caught_up().await;
        booked.extend(batch);
    }
    eventually(async || ledger.spool.inside.settled() > Cursor { segment: 1, place: 300_000 }).await;
    assert_booked(&*store, &booked).await;
    assert_eq!(ledger.close(Duration::from_secs(60)).await, 0);
    assert_eq!(files(&folder).len(), 0);
}
