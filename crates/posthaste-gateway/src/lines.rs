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
use posthaste_core::{ClientKeyId, LimitOwner, QueueRules};
use posthaste_storage::{Refusal, Unit};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout_at},
};

use crate::limits::Unseated;

/// The lines of all keys that have one.
#[derive(Debug, Default)]
pub(crate) struct Lines(Mutex<HashMap<ClientKeyId, Arc<Line>>>);

impl Lines {
    /// The keys in whose lines somebody stands, and how many.
    pub(crate) fn waiting(&self) -> Vec<(ClientKeyId, u32)> {
        let lines = self.0.lock();
        let waiting = lines.iter().map(|(key, line)| (*key, line.waiting.load(Ordering::Acquire)));
        waiting.filter(|(_, waiting)| *waiting > 0).collect()
    }

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
    /// What was said last to somebody who came to wait or is at the head.
    said: Mutex<Option<(Refusal, LimitOwner)>>,
}

impl Default for Line {
    fn default() -> Self {
        Self { head: Semaphore::new(1), waiting: AtomicU32::new(0), said: Mutex::default() }
    }
}

impl Line {
    /// Takes what `take` gives, waiting in line while the key's concurrency is used up. `is_mine` tells whether a limit,
    /// by whose it is and by its name, counts for who comes.
    ///
    /// Only the head asks for a place that others wait for. All others are told what was said last, else they would take
    /// one that gets free between two questions of the head.
    ///
    /// # Errors
    /// What `take` says: at once for another limit than concurrency and for a line that is full, at the end of its patience
    /// for who waited in vain.
    pub(crate) async fn wait<T, Taking>(
        &self,
        rules: &QueueRules,
        is_mine: impl Fn(LimitOwner, &str) -> bool,
        take: impl Fn() -> Taking,
    ) -> Result<T, Unseated>
    where
        Taking: Future<Output = Result<T, Unseated>>,
    {
        let deadline = Instant::now() + Duration::from_millis(rules.patience_ms);
        let turned_away = async || match self.said(&is_mine) {
            Some(said) => Err(said),
            None => take().await,
        };
        if self.waiting.load(Ordering::Acquire) == 0 {
            match take().await {
                Err(refused) if is_crowded(&refused) => self.note(&refused),
                other => return other,
            }
        }
        let Some(_place) = Place::take(self, rules.length) else { return turned_away().await };
        let Ok(Ok(_head)) = timeout_at(deadline, self.head.acquire()).await else {
            return turned_away().await;
        };
        loop {
            match take().await {
                Err(refused) if is_crowded(&refused) && Instant::now() < deadline => {
                    self.note(&refused);
                    sleep(PAUSE.min(deadline.saturating_duration_since(Instant::now()))).await;
                }
                other => return other,
            }
        }
    }

    fn note(&self, refused: &Unseated) {
        if let Unseated::Limit(refusal, whose) = refused {
            *self.said.lock() = Some((refusal.clone(), *whose));
        }
    }

    /// What was said last, where it is about a limit that counts here as well.
    fn said(&self, is_mine: impl Fn(LimitOwner, &str) -> bool) -> Option<Unseated> {
        let said = self.said.lock();
        let (refusal, whose) =
            said.as_ref().filter(|(refusal, whose)| is_mine(*whose, &refusal.counter.name))?;
        Some(Unseated::Limit(refusal.clone(), *whose))
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
mod tests;
