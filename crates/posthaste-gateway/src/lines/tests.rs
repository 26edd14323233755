//! The line under a paused clock: whom a place goes to, and when.

use std::sync::atomic::AtomicUsize;

use posthaste_core::LimitOwner;
use posthaste_storage::{Counter, CounterWindow, Refusal};
use tokio::{task::JoinHandle, time::timeout};

use super::*;

fn nobody() -> LimitOwner {
    LimitOwner::ClientKey(ClientKeyId::from_uuid(uuid::Uuid::nil()))
}

fn crowded() -> Unseated {
    let counter = Counter { name: "c".to_owned(), unit: Unit::Concurrency, window: CounterWindow::Held };
    Unseated::Limit(Refusal { counter, used: 1, limit: 1, resets_at: None }, nobody())
}

fn rules(length: u32, patience_ms: u64) -> QueueRules {
    QueueRules { length, patience_ms }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Places of which none is free at first, a line before them, and who was served when, in order.
#[derive(Clone, Default)]
struct Scene {
    line: Arc<Line>,
    free: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
    served: Arc<Mutex<Vec<u64>>>,
    kept: Arc<Mutex<Vec<Taken>>>,
}

/// A place that is given back when it is dropped.
struct Taken(Arc<AtomicUsize>);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

impl Scene {
    async fn take(&self, slowly: Duration) -> Result<Taken, Unseated> {
        self.asked.fetch_add(1, Ordering::AcqRel);
        let one = |free: usize| free.checked_sub(1);
        self.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, one).map_err(|_| crowded())?;
        let taken = Taken(Arc::clone(&self.free));
        if !slowly.is_zero() {
            sleep(slowly).await;
        }
        Ok(taken)
    }

    /// Whoever comes `after` so long with so much patience; tells whether it was served, and keeps its place.
    fn comes(&self, number: u64, after: Duration, rules: QueueRules) -> JoinHandle<bool> {
        let scene = self.clone();
        tokio::spawn(async move {
            sleep(after).await;
            let taken = scene.line.wait(&rules, |_, _| true, || scene.take(Duration::ZERO)).await;
            let Ok(taken) = taken else { return false };
            scene.served.lock().push(number);
            scene.kept.lock().push(taken);
            true
        })
    }

    fn frees(&self, places: usize) {
        self.free.fetch_add(places, Ordering::AcqRel);
    }

    fn is_empty(&self) -> bool {
        self.line.waiting.load(Ordering::Acquire) == 0 && self.line.head.available_permits() == 1
    }
}

#[tokio::test(start_paused = true)]
async fn fifty_who_wait_are_served_in_their_order() {
    let scene = Scene::default();
    let tasks: Vec<_> = (0..50).map(|number| scene.comes(number, ms(number), rules(50, 600_000))).collect();
    sleep(ms(100)).await;
    // One by one, and several at once.
    for places in [1, 1, 3, 1, 10, 4, 30] {
        scene.frees(places);
        sleep(ms(2_000)).await;
    }
    for task in tasks {
        assert!(task.await.expect("it ends"));
    }
    assert_eq!(*scene.served.lock(), (0..50).collect::<Vec<_>>());
    assert!(scene.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_finds_the_line_full_overtakes_nobody() {
    let scene = Scene::default();
    let first = scene.comes(0, ms(0), rules(1, 60_000));
    sleep(ms(5)).await;
    // The head asks again in 15 ms.
    scene.frees(1);
    let asked = scene.asked.load(Ordering::Acquire);
    assert!(!scene.comes(1, ms(0), rules(1, 60_000)).await.expect("it ends"));
    assert_eq!(scene.asked.load(Ordering::Acquire), asked, "it is told what the head was told");
    assert!(first.await.expect("it ends"));
    assert!(scene.is_empty());
}

#[tokio::test(start_paused = true)]
async fn whose_patience_ends_behind_the_head_overtakes_nobody() {
    let scene = Scene::default();
    let head = scene.comes(0, ms(0), rules(9, 60_000));
    let second = scene.comes(1, ms(1), rules(9, 60_000));
    let third = scene.comes(2, ms(2), rules(9, 103));
    // The head asks at 100 and 120 ms, the third one's patience ends at 105 ms.
    sleep(ms(104)).await;
    scene.frees(1);
    assert!(!third.await.expect("it ends"));
    assert!(head.await.expect("it ends"));
    scene.frees(1);
    assert!(second.await.expect("it ends"));
    assert_eq!(*scene.served.lock(), [0, 1]);
    assert!(scene.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_is_not_under_the_limit_that_others_wait_for_asks_for_itself() {
    let scene = Scene::default();
    let first = scene.comes(0, ms(0), rules(1, 60_000));
    sleep(ms(5)).await;
    let rules = rules(1, 60_000);
    let other = scene.line.wait(&rules, |_, name| name != "c", || std::future::ready(Ok(())));
    assert!(other.await.is_ok());
    scene.frees(1);
    assert!(first.await.expect("it ends"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_while_it_is_handed_a_place_leaves_it_to_the_next() {
    // Before the store answers, at the very moment, and after it.
    for (leaves_at, gets) in [(35, false), (50, true), (60, true)] {
        let scene = Scene::default();
        let slow = async {
            let rules = rules(9, 60_000);
            let wait = scene.line.wait(&rules, |_, _| true, || scene.take(ms(10)));
            timeout(ms(leaves_at), wait).await.is_ok_and(|taken| taken.is_ok())
        };
        let next = scene.comes(1, ms(1), rules(9, 60_000));
        let free = async {
            sleep(ms(25)).await;
            scene.frees(1);
        };
        let (got, ()) = tokio::join!(slow, free);
        assert_eq!(got, gets, "left at {leaves_at} ms");
        assert!(next.await.expect("it ends"), "left at {leaves_at} ms");
        assert!(scene.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_leaves_in_its_pause_wakes_the_next() {
    let scene = Scene::default();
    let head = scene.comes(0, ms(0), rules(9, 60_000));
    let second = scene.comes(1, ms(1), rules(9, 60_000));
    sleep(ms(30)).await;
    head.abort();
    scene.frees(1);
    assert!(timeout(ms(50), second).await.expect("it is woken").expect("it ends"));
    assert!(scene.is_empty());
}

#[tokio::test(start_paused = true)]
async fn patience_that_ends_as_the_place_is_handed_on_loses_no_place() {
    let scene = Scene::default();
    // All end at 100 ms: the head by its patience, the second one at the moment that it becomes the head.
    let head = scene.comes(0, ms(0), rules(9, 100));
    let second = scene.comes(1, ms(1), rules(9, 99));
    let third = scene.comes(2, ms(2), rules(9, 60_000));
    sleep(ms(100)).await;
    scene.frees(1);
    let served = [head.await.expect("it ends"), second.await.expect("it ends")];
    let places = served.iter().filter(|served| **served).count();
    assert!(places <= 1);
    scene.frees(places);
    assert!(timeout(ms(50), third).await.expect("it is woken").expect("it ends"));
    assert!(scene.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_line_is_bounded_in_length_and_in_time() {
    let scene = Scene::default();
    let began = Instant::now();
    let first = scene.comes(0, ms(0), rules(1, 5_000));
    assert!(!scene.comes(1, ms(1), rules(1, 5_000)).await.expect("it ends"));
    assert!(began.elapsed() < ms(10), "the line was full: {:?}", began.elapsed());
    assert!(!first.await.expect("it ends") && began.elapsed() >= ms(5_000));
    assert!(scene.is_empty());
}

#[tokio::test(start_paused = true)]
async fn other_limits_are_told_at_once() {
    let line = Line::default();
    let began = Instant::now();
    let used_up = || {
        let counter = Counter { name: "r".to_owned(), unit: Unit::Requests, window: CounterWindow::Total };
        let refusal = Refusal { counter, used: 1, limit: 1, resets_at: None };
        std::future::ready(Err::<(), _>(Unseated::Limit(refusal, nobody())))
    };
    assert!(line.wait(&rules(1, 60_000), |_, _| true, used_up).await.is_err());
    assert!(began.elapsed() < ms(1));
}
