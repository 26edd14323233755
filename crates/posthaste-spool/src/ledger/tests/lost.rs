//! A store that loses what it had long ago.

use posthaste_core::Clock;
use posthaste_storage::first_request;
use posthaste_testkit::FakeClock;
use uuid::Uuid;

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);

fn clock() -> Arc<FakeClock> {
    Arc::new(FakeClock::at(SystemClock.now()))
}

fn keeping(folder: &TempDir, clock: &Arc<FakeClock>, inner: Arc<dyn LedgerStore>) -> SpooledLedger {
    with_options(folder, &KEEPING, clock, inner)
}

fn with_options(
    folder: &TempDir,
    options: &SpoolOptions,
    clock: &Arc<FakeClock>,
    inner: Arc<dyn LedgerStore>,
) -> SpooledLedger {
    let clock: Arc<FakeClock> = Arc::clone(clock);
    SpooledLedger::on(Arc::new(plain(folder)), options, clock, inner).unwrap()
}

/// Books rows, and waits until the store was seen to have them.
async fn book(ledger: &SpooledLedger, count: usize) -> Vec<AttemptRow> {
    let rows = rows(count);
    ledger.append(&rows).await.unwrap();
    eventually(async || ledger.spool.inside.is_settled()).await;
    rows
}

fn kept(folder: &TempDir) -> usize {
    files(folder).keys().filter(|name| name.ends_with(".kept")).count()
}

#[tokio::test]
async fn s5_a_store_that_is_emptied_two_hours_later_has_every_row_again_once() {
    let (folder, clock, store) = (tempfile::tempdir().unwrap(), clock(), Moody::with(Vec::new()));
    let ledger = keeping(&folder, &clock, store.clone());
    let mut booked = book(&ledger, 30).await;
    assert_eq!(ledger.close(Duration::from_secs(60)).await, 0);
    assert_eq!(kept(&folder), 1, "{:?}", files(&folder));
    // Of an earlier process, of this one, and of several segments.
    let ledger = keeping(&folder, &clock, store.clone());
    booked.extend(book(&ledger, 20).await);
    for _ in 0..6 {
        booked.extend(book(&ledger, 1_000).await);
    }
    assert!(kept(&folder) >= 2, "{:?}", files(&folder));
    clock.advance(2 * HOUR);
    store.fail_over(MemoryStores::stores().ledger);
    assert_eq!(ledger.count().await.unwrap(), 0);
    assert!(!ledger.state().view().looking_back, "nobody knows");
    booked.extend(book(&ledger, 5).await);
    eventually(async || ledger.count().await.unwrap() == booked.len() as u64).await;
    eventually(async || !ledger.state().view().looking_back).await;
    assert_booked(&*store, &booked).await;
    assert_eq!(ledger.state().view().brought_back, 6_050);
}

/// As a cluster does of which one master comes back without what it had.
#[tokio::test]
async fn a_store_that_lost_one_client_keys_rows_has_them_again_though_only_others_ask() {
    let (folder, clock, store) = (tempfile::tempdir().unwrap(), clock(), Moody::with(Vec::new()));
    let ledger = keeping(&folder, &clock, store.clone());
    let of_another = |rows: Vec<AttemptRow>, key: ClientKeyId| -> Vec<AttemptRow> {
        rows.into_iter().map(|row| AttemptRow { key_id: key, ..row }).collect()
    };
    let lost = of_another(rows(20), ClientKeyId::generate());
    let other = ClientKeyId::generate();
    let stays = of_another(rows(20), other);
    for batch in [&lost, &stays] {
        ledger.append(batch).await.unwrap();
        eventually(async || ledger.spool.inside.is_settled()).await;
    }
    let half = MemoryStores::stores().ledger;
    half.append(&stays).await.unwrap();
    store.fail_over(half);
    let later = of_another(rows(5), other);
    ledger.append(&later).await.unwrap();
    eventually(async || ledger.count().await.unwrap() == 45).await;
    assert_booked(&*store, &[lost, stays, later].concat()).await;
}

#[tokio::test]
async fn a_store_that_lost_nothing_is_given_nothing_again() {
    let (folder, clock, store) = (tempfile::tempdir().unwrap(), clock(), Moody::with(Vec::new()));
    let ledger = keeping(&folder, &clock, store.clone());
    let mut booked = book(&ledger, 30).await;
    ledger.state().doubt();
    booked.extend(book(&ledger, 30).await);
    assert_eq!(ledger.close(Duration::from_secs(60)).await, 0);
    let ledger = keeping(&folder, &clock, store.clone());
    booked.extend(book(&ledger, 30).await);
    assert_eq!(store.calls.load(Ordering::SeqCst), 3, "each row was handed over once");
    assert_eq!(ledger.state().view().brought_back, 0);
    assert_booked(&*store, &booked).await;
}

#[tokio::test]
async fn a_loss_is_repaired_by_the_next_process_when_one_is_killed_meanwhile() {
    let (folder, clock, store) = (tempfile::tempdir().unwrap(), clock(), Moody::with(Vec::new()));
    let ledger = keeping(&folder, &clock, store.clone());
    let booked = [book(&ledger, 30).await, book(&ledger, 30).await].concat();
    let other = MemoryStores::stores().ledger;
    store.fail_over(other.clone());
    // It tells that rows are missing, and takes none.
    store.away.store(true, Ordering::SeqCst);
    ledger.state().doubt();
    eventually(async || ledger.state().view().looking_back).await;
    eventually(async || files(&folder).contains_key("lost")).await;
    // As a kill leaves it.
    drop(ledger);
    // The last row that was seen is there, so that no question tells of the loss.
    other.append(&booked[59..]).await.unwrap();
    store.away.store(false, Ordering::SeqCst);
    let ledger = keeping(&folder, &clock, store.clone());
    eventually(async || ledger.count().await.unwrap() == 60).await;
    eventually(async || !ledger.state().view().looking_back).await;
    assert_booked(&*store, &booked).await;
    assert!(!files(&folder).contains_key("lost"));
}

#[tokio::test]
async fn a_loss_while_no_process_ran_is_seen_at_the_start() {
    let (folder, clock, store) = (tempfile::tempdir().unwrap(), clock(), Moody::with(Vec::new()));
    let ledger = keeping(&folder, &clock, store.clone());
    let booked = book(&ledger, 30).await;
    assert_eq!(ledger.close(Duration::from_secs(60)).await, 0);
    store.fail_over(MemoryStores::stores().ledger);
    let ledger = keeping(&folder, &clock, store.clone());
    eventually(async || ledger.count().await.unwrap() == 30).await;
    assert_booked(&*store, &booked).await;
}

#[tokio::test]
async fn rows_that_the_store_has_forgotten_in_good_order_are_not_booked_again() {
    let (folder, clock, store) = (tempfile::tempdir().unwrap(), clock(), Moody::with(Vec::new()));
    let options = SpoolOptions { keep_rows: Some(24 * HOUR), ..KEEPING };
    let ledger = with_options(&folder, &options, &clock, store.clone());
    let old: Vec<AttemptRow> = rows(10)
        .into_iter()
        .map(|row| {
            let moment = first_request(clock.now().minus(23 * HOUR)).uuid().as_u128();
            let id = Uuid::from_u128(moment | row.request_id.uuid().as_u128() & u128::from(u64::MAX));
            AttemptRow { request_id: RequestId::from_uuid(id), ..row }
        })
        .collect();
    ledger.append(&old).await.unwrap();
    let young = book(&ledger, 10).await;
    assert_booked(&*store, &[old, young.clone()].concat()).await;
    store.fail_over(MemoryStores::stores().ledger);
    ledger.state().doubt();
    eventually(async || ledger.state().view().brought_back > 0).await;
    eventually(async || !ledger.state().view().looking_back).await;
    assert_booked(&*store, &young).await;
}

#[tokio::test]
async fn what_is_kept_goes_after_its_time() {
    let (folder, clock, store) = (tempfile::tempdir().unwrap(), clock(), Moody::with(Vec::new()));
    let ledger = keeping(&folder, &clock, store.clone());
    book(&ledger, 30).await;
    assert_eq!(ledger.close(Duration::from_secs(60)).await, 0);
    clock.advance(6 * 24 * HOUR);
    let ledger = keeping(&folder, &clock, store.clone());
    assert!(ledger.state().view().kept_bytes > 0);
    clock.advance(25 * HOUR);
    ledger.state().doubt();
    eventually(async || ledger.state().view().kept_bytes == 0).await;
    eventually(async || kept(&folder) == 0).await;
}

#[tokio::test]
async fn what_is_kept_of_other_books_is_not_booked() {
    let (folder, clock, store) = (tempfile::tempdir().unwrap(), clock(), Moody::with(Vec::new()));
    let ledger = keeping(&folder, &clock, store.clone());
    book(&ledger, 30).await;
    assert_eq!(ledger.close(Duration::from_secs(60)).await, 0);
    let other = Moody::with(Vec::new());
    let options = SpoolOptions { books: "other".to_owned(), ..KEEPING };
    let ledger = with_options(&folder, &options, &clock, other.clone());
    let booked = book(&ledger, 3).await;
    ledger.state().doubt();
    other.fail_over(MemoryStores::stores().ledger);
    eventually(async || ledger.state().view().brought_back == 3).await;
    assert_booked(&*other, &booked).await;
}

/// The disk is the one of those that wait: what is only kept goes first, the oldest before others.
#[tokio::test]
async fn at_the_limit_what_is_kept_goes_first_and_nothing_that_waits() {
    let (folder, clock, store) = (tempfile::tempdir().unwrap(), clock(), Moody::with(Vec::new()));
    let options = SpoolOptions { limit: 18 << 20, ..KEEPING };
    let ledger = with_options(&folder, &options, &clock, store.clone());
    let mut booked = Vec::new();
    while kept(&folder) < 3 {
        booked.extend(book(&ledger, 1_000).await);
    }
    let first = files(&folder).keys().find(|name| name.ends_with(".kept")).cloned().unwrap();
    store.away.store(true, Ordering::SeqCst);
    let mut waiting = 0;
    loop {
        let batch = rows(1_000);
        if ledger.append(&batch).await.is_err() {
            break;
        }
        waiting += 1_000;
        booked.extend(batch);
        if kept(&folder) == 2 {
            assert!(!files(&folder).contains_key(&first), "the oldest goes first");
        }
        let bytes: u64 = files(&folder).values().sum();
        assert!(bytes <= options.limit + (5 << 20), "{bytes} bytes are on disk");
    }
    assert_eq!(kept(&folder), 0);
    let view = ledger.state().view();
    assert!(view.rows == waiting && view.bytes > options.limit - (2 << 20), "{view:?}");
    store.away.store(false, Ordering::SeqCst);
    eventually(async || ledger.state().view().rows == 0).await;
    assert_booked(&*store, &booked).await;
}
