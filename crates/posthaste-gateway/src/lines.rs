//! Lines before keys' concurrency limits: first come, first served, bounded, and left by whoever stops waiting.
//!
//! A line is one relay's: among several relays each serves its own line in order, and the limit itself is shared.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use posthaste_core::{ClientKeyId, QueueRules};
use posthaste_storage::Unit;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout_at},
};

use crate::limits::Unseated;

/// The lines of all keys that have one.
#[derive(Debug, Default)]
pub(crate) struct Lines(Mutex<HashMap<ClientKeyId, Arc<Line>>>);

impl Lines {
    /// The line of a key.
    pub(crate) fn of(&self, key: ClientKeyId) -> Arc<Line> {
        let mut lines = self.0.lock();
        if lines.len() >= SWEEP_AT {
            lines.retain(|_, line| Arc::strong_count(line) > 1);
        }
        Arc::clone(lines.entry(key).or_default())
    }
}

/// One key's line. Whoever holds the only permit is at its head and asks for a place; the semaphore keeps the order.
#[derive(Debug)]
pub(crate) struct Line {
    head: Semaphore,
    waiting: AtomicU32,
}

impl Default for Line {
    fn default() -> Self {
        Self { head: Semaphore::new(1), waiting: AtomicU32::new(0) }
    }
}

impl Line {
    /// Takes what `take` gives, waiting in line while the key's concurrency is used up.
    ///
    /// # Errors
    /// What `take` says: at once for another limit than concurrency and for a line that is full, at the end of its patience
    /// for who waited in vain.
    pub(crate) async fn wait<T, Taking>(
        &self,
        rules: &QueueRules,
        take: impl Fn() -> Taking,
    ) -> Result<T, Unseated>
    where
        Taking: Future<Output = Result<T, Unseated>>,
    {
        let deadline = Instant::now() + Duration::from_millis(rules.patience_ms);
        // Nobody overtakes those who wait.
        if self.waiting.load(Ordering::Acquire) == 0 {
            match take().await {
                Err(refused) if is_crowded(&refused) => {}
                other => return other,
            }
        }
        let Some(_place) = Place::take(self, rules.length) else { return take().await };
        let Ok(Ok(_head)) = timeout_at(deadline, self.head.acquire()).await else { return take().await };
        loop {
            match take().await {
                Err(refused) if is_crowded(&refused) && Instant::now() < deadline => {
                    sleep(PAUSE.min(deadline.saturating_duration_since(Instant::now()))).await;
                }
                other => return other,
            }
        }
    }
}

/// Whether places get free again without anybody's doing.
fn is_crowded(unseated: &Unseated) -> bool {
    matches!(unseated, Unseated::Limit(refusal, _) if refusal.counter.unit == Unit::Concurrency)
}

/// A place in a line, given back when it is dropped.
struct Place<'a>(&'a Line);

impl<'a> Place<'a> {
    fn take(line: &'a Line, length: u32) -> Option<Self> {
        let more = |waiting| (waiting < length).then_some(waiting + 1);
        line.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok().map(|_| Self(line))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Between two questions of the one at the head. Places may get free at other relays, of which nobody here is told.
const PAUSE: Duration = Duration::from_millis(20);

/// Above so many lines those that nobody stands in are let go.
const SWEEP_AT: usize = 1_024;

#[cfg(test)]
mod tests {
    use posthaste_core::LimitOwner;
    use std::sync::atomic::AtomicUsize;

    use posthaste_storage::{Counter, CounterWindow, Refusal};

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

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_are_served_in_their_order() {
        let line = Arc::new(Line::default());
        let places = Arc::new(AtomicUsize::new(0));
        let served = Arc::new(Mutex::new(Vec::new()));
        let tasks: Vec<_> = (0..5)
            .map(|number| {
                let (line, places, served) = (Arc::clone(&line), Arc::clone(&places), Arc::clone(&served));
                tokio::spawn(async move {
                    sleep(Duration::from_millis(number)).await;
                    let take = || {
                        let one = |free: usize| free.checked_sub(1);
                        let taken = places.fetch_update(Ordering::AcqRel, Ordering::Acquire, one);
                        std::future::ready(taken.map(|_| ()).map_err(|_| crowded()))
                    };
                    line.wait(&rules(10, 60_000), take).await.map_err(|_| ()).expect("there is patience");
                    served.lock().push(number);
                })
            })
            .collect();
        for _ in 0..5 {
            sleep(Duration::from_secs(1)).await;
            places.fetch_add(1, Ordering::AcqRel);
        }
        for task in tasks {
            task.await.expect("it ends");
        }
        assert_eq!(*served.lock(), [0, 1, 2, 3, 4]);
        assert_eq!(line.waiting.load(Ordering::Acquire), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_is_bounded_in_length_and_in_time() {
        let line = Line::default();
        let began = Instant::now();
        let never = || std::future::ready(Err::<(), _>(crowded()));
        let one = rules(1, 5_000);
        let first = line.wait(&one, never);
        let second = async {
            sleep(Duration::from_millis(1)).await;
            let refused = line.wait(&rules(1, 5_000), never).await;
            (refused.is_err(), began.elapsed())
        };
        let (first, (refused, at)) = tokio::join!(first, second);
        assert!(refused && at < Duration::from_millis(10), "the line was full: {at:?}");
        assert!(first.is_err() && began.elapsed() >= Duration::from_secs(5));
        assert_eq!(line.waiting.load(Ordering::Acquire), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_makes_room_and_other_limits_are_told_at_once() {
        let line = Line::default();
        let never = || std::future::ready(Err::<(), _>(crowded()));
        let left = tokio::time::timeout(Duration::from_secs(1), line.wait(&rules(1, 60_000), never)).await;
        assert!(left.is_err() && line.waiting.load(Ordering::Acquire) == 0);
        let began = Instant::now();
        let used_up = || {
            let window = CounterWindow::Total;
            let counter = Counter { name: "r".to_owned(), unit: Unit::Requests, window };
            let refusal = Refusal { counter, used: 1, limit: 1, resets_at: None };
            std::future::ready(Err::<(), _>(Unseated::Limit(refusal, nobody())))
        };
        assert!(line.wait(&rules(1, 60_000), used_up).await.is_err());
        assert!(began.elapsed() < Duration::from_millis(1));
    }
}
