use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_core::{ClientKeyId, RequestId, Timestamp};
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::{Correction, Dimension, GroupSums, RollupPeriod, RollupRow, UsageQuery, contract::row};

#[tokio::test(start_paused = true)]
async fn rows_booked_close_together_share_one_append() {
    let (store, writer, _task) = start(LedgerOptions::default());
    for _ in 0..10 {
        writer.slot().await.unwrap().book(row());
    }
    sleep(Duration::from_millis(21)).await;
    assert_eq!(store.batches(), [10]);
    writer.slot().await.unwrap().book(row());
    sleep(Duration::from_millis(21)).await;
    assert_eq!(store.batches(), [10, 1]);
}

#[tokio::test(start_paused = true)]
async fn an_append_holds_no_more_than_a_batch() {
    let (store, writer, _task) = start(LedgerOptions { batch: 4, ..LedgerOptions::default() });
    for _ in 0..10 {
        writer.slot().await.unwrap().book(row());
    }
    writer.flush().await;
    assert_eq!(store.batches(), [4, 4, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_durable_row_does_not_wait_for_the_flush_interval() {
    let options = LedgerOptions { flush_every: HOUR, ..LedgerOptions::default() };
    let (store, writer, _task) = start(options);
    let began = Instant::now();
    writer.slot().await.unwrap().book(row());
    sleep(Duration::from_millis(1)).await;
    writer.slot().await.unwrap().book_durably(row()).await.unwrap();
    assert_eq!(store.batches(), [2]);
    assert!(began.elapsed() < HOUR);
}

#[tokio::test(start_paused = true)]
async fn durable_rows_that_come_during_an_append_share_the_next() {
    let (store, writer, _task) = start(LedgerOptions::default());
    store.append_takes(Duration::from_millis(10));
    let first = writer.slot().await.unwrap().book_durably(row());
    sleep(Duration::from_millis(1)).await;
    let mut others = Vec::new();
    for _ in 0..5 {
        others.push(writer.slot().await.unwrap().book_durably(row()));
    }
    first.await.unwrap();
    for other in others {
        other.await.unwrap();
    }
    assert_eq!(store.batches(), [1, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_durable_row_resolves_after_the_append_that_holds_it() {
    let (store, writer, _task) = start(LedgerOptions::default());
    store.fail(true);
    let mut booked = writer.slot().await.unwrap().book_durably(row());
    assert!(timeout(Duration::from_secs(60), &mut booked).await.is_err());
    store.fail(false);
    booked.await.unwrap();
    assert_eq!(store.batches(), [1]);
}

#[tokio::test(start_paused = true)]
async fn an_outage_loses_nothing_and_doubles_nothing() {
    let (store, writer, task) = start(LedgerOptions { batch: 3, ..LedgerOptions::default() });
    store.fail(true);
    let rows: Vec<AttemptRow> = (0..10).map(|_| row()).collect();
    for row in &rows {
        writer.slot().await.unwrap().book(row.clone());
        sleep(Duration::from_millis(7)).await;
    }
    sleep(Duration::from_secs(30)).await;
    assert!(store.batches().is_empty());
    store.fail(false);
    drop(writer);
    task.await.unwrap();
    assert_eq!(*store.rows.lock(), rows);
}

#[tokio::test(start_paused = true)]
async fn tries_grow_apart_during_an_outage_but_not_without_end() {
    let (store, writer, _task) = start(LedgerOptions::default());
    store.fail(true);
    writer.slot().await.unwrap().book(row());
    sleep(HOUR).await;
    let tries = store.tries.load(Ordering::Relaxed);
    assert!((700..800).contains(&tries), "{tries} tries in an hour of outage");
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_holds_back_new_requests_until_rows_are_durable() {
    let (store, writer, _task) = start(LedgerOptions { queue: 2, ..LedgerOptions::default() });
    store.fail(true);
    for _ in 0..2 {
        writer.try_slot().unwrap().book(row());
    }
    assert!(writer.try_slot().is_none());
    assert!(timeout(HOUR, writer.slot()).await.is_err(), "rows that are not durable keep their slots");
    store.fail(false);
    writer.slot().await.unwrap().book(row());
    writer.flush().await;
    assert_eq!(store.rows.lock().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_is_flushed_without_waiting_for_the_interval() {
    let options = LedgerOptions { queue: 2, flush_every: HOUR, ..LedgerOptions::default() };
    let (_store, writer, _task) = start(options);
    let began = Instant::now();
    for _ in 0..10 {
        writer.slot().await.unwrap().book(row());
    }
    assert!(began.elapsed() < HOUR);
}

#[tokio::test(start_paused = true)]
async fn an_unused_slot_is_free_again() {
    let (_store, writer, _task) = start(LedgerOptions { queue: 1, ..LedgerOptions::default() });
    let slot = writer.try_slot().unwrap();
    assert!(writer.try_slot().is_none());
    drop(slot);
    assert!(writer.try_slot().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_flush_needs_no_slot_and_covers_what_was_booked_before() {
    let (store, writer, _task) = start(LedgerOptions { queue: 2, ..LedgerOptions::default() });
    let _under_way = writer.try_slot().unwrap();
    writer.try_slot().unwrap().book(row());
    writer.flush().await;
    assert_eq!(store.batches(), [1]);
    writer.flush().await;
    assert_eq!(store.batches(), [1], "a flush of nothing appends nothing");
}

#[tokio::test(start_paused = true)]
async fn the_task_ends_when_everything_is_durable_and_nobody_can_book() {
    let (store, writer, task) = start(LedgerOptions::default());
    let slot = writer.slot().await.unwrap();
    writer.slot().await.unwrap().book(row());
    drop(writer);
    sleep(Duration::from_secs(1)).await;
    assert!(!task.is_finished(), "a slot can still book");
    slot.book(row());
    task.await.unwrap();
    assert_eq!(store.rows.lock().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_aborted_task_is_told_to_everybody() {
    let (_store, writer, task) = start(LedgerOptions { queue: 1, ..LedgerOptions::default() });
    let slot = writer.slot().await.unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(slot.book_durably(row()).await.is_err());
    assert_eq!(writer.slot().await.unwrap_err(), LedgerClosed);
    writer.flush().await;
}

/// Starts a writer over a store that can be made to fail.
fn start(options: LedgerOptions) -> (Arc<FlakyLedger>, LedgerWriter, JoinHandle<()>) {
    let store = Arc::new(FlakyLedger::default());
    let (writer, task) = LedgerWriter::start(store.clone(), options);
    (store, writer, task)
}

#[derive(Default)]
struct FlakyLedger {
    failing: AtomicBool,
    takes: Mutex<Duration>,
    tries: AtomicUsize,
    rows: Mutex<Vec<AttemptRow>>,
    batches: Mutex<Vec<usize>>,
}

impl FlakyLedger {
    fn fail(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
    }

    fn append_takes(&self, duration: Duration) {
        *self.takes.lock() = duration;
    }

    fn batches(&self) -> Vec<usize> {
        self.batches.lock().clone()
    }
}

#[async_trait]
impl LedgerStore for FlakyLedger {
    async fn append(&self, rows: &[AttemptRow]) -> Result<(), StorageError> {
        let takes = *self.takes.lock();
        sleep(takes).await;
        self.tries.fetch_add(1, Ordering::Relaxed);
        if self.failing.load(Ordering::Relaxed) {
            return Err(StorageError::unavailable("appending", "made to fail"));
        }
        self.batches.lock().push(rows.len());
        self.rows.lock().extend_from_slice(rows);
        Ok(())
    }

    async fn attempts(&self, _: RequestId) -> Result<Vec<AttemptRow>, StorageError> {
        unreachable!("the writer only appends")
    }

    async fn recent(&self, _: Option<ClientKeyId>, _: usize) -> Result<Vec<AttemptRow>, StorageError> {
        unreachable!("the writer only appends")
    }

    async fn usage(&self, _: &UsageQuery) -> Result<Vec<RollupRow>, StorageError> {
        unreachable!("the writer only appends")
    }

    async fn carry_over(&self, _: &[RollupRow]) -> Result<(), StorageError> {
        unreachable!("the writer only appends")
    }

    async fn correct(&self, _: &[Correction]) -> Result<Vec<(RequestId, u16)>, StorageError> {
        unreachable!("the writer only appends")
    }

    async fn count(&self) -> Result<u64, StorageError> {
        unreachable!("the writer only appends")
    }

    async fn sums(&self, _: &UsageQuery, _: &[Dimension]) -> Result<Vec<GroupSums>, StorageError> {
        unreachable!("the writer only appends")
    }

    async fn forget_rows(&self, _: Timestamp, _: usize) -> Result<usize, StorageError> {
        unreachable!("the writer only appends")
    }

    async fn forget_rollups(&self, _: RollupPeriod, _: Timestamp, _: usize) -> Result<usize, StorageError> {
        unreachable!("the writer only appends")
    }
}

const HOUR: Duration = Duration::from_secs(3_600);
