//! How the store fares: told by whoever watches over it, shown to operators, heeded by those who log.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use posthaste_core::Timestamp;
use tokio::time::Instant;

use crate::StorageError;

/// The store's health. Clones share it. One that nobody watches is always well.
#[derive(Clone, Debug, Default)]
pub struct StoreHealth {
    shared: Option<Arc<Shared>>,
}

/// A store that is away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreLoss {
    /// Since when.
    pub since: Timestamp,
    /// What went wrong, in words; with the setting to change where there is one.
    pub reason: String,
}

#[derive(Debug, Default)]
struct Shared {
    loss: Mutex<Option<StoreLoss>>,
    is_lost: AtomicBool,
    failures: AtomicU64,
    spoke: Mutex<Spoke>,
}

/// When something was said last.
#[derive(Debug, Default)]
struct Spoke {
    anybody: Option<Instant>,
    watcher: Option<Instant>,
}

impl StoreHealth {
    /// The health of a store that somebody watches.
    pub fn watched() -> Self {
        Self { shared: Some(Arc::default()) }
    }

    /// Whether somebody watches. Nobody needs to ask the store then to know how it is.
    pub fn is_watched(&self) -> bool {
        self.shared.is_some()
    }

    /// Whether the store is away.
    pub fn is_lost(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.is_lost.load(Ordering::Acquire))
    }

    /// Since when and why the store is away; `None` when it is there.
    pub fn loss(&self) -> Option<StoreLoss> {
        self.shared.as_ref()?.loss.lock().clone()
    }

    /// How many calls failed or were too late since the program's start.
    pub fn failures(&self) -> u64 {
        self.shared.as_ref().map_or(0, |shared| shared.failures.load(Ordering::Relaxed))
    }

    /// Notes that a call failed or was too late.
    pub fn note_failure(&self) {
        if let Some(shared) = &self.shared {
            shared.failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes that the store is away; an earlier note stays.
    pub fn note_loss(&self, loss: StoreLoss) {
        if let Some(shared) = &self.shared {
            shared.loss.lock().get_or_insert(loss);
            shared.is_lost.store(true, Ordering::Release);
        }
    }

    /// Notes that the store is back.
    pub fn note_return(&self) {
        if let Some(shared) = &self.shared {
            *shared.loss.lock() = None;
            shared.is_lost.store(false, Ordering::Release);
        }
    }

    /// Whether the watcher tells the log of such an error, so that nobody else has to.
    pub fn tells_of(&self, error: &StorageError) -> bool {
        self.is_watched() && matches!(error, StorageError::Unavailable { .. })
    }

    /// Whether a line about a store that is in trouble, but not away, may go to the log now: one in ten seconds.
    pub fn may_speak(&self) -> bool {
        let Some(shared) = &self.shared else { return true };
        let (now, mut spoke) = (Instant::now(), shared.spoke.lock());
        let may = !self.is_lost() && is_over(spoke.anybody, now);
        if may {
            spoke.anybody = Some(now);
        }
        may
    }

    /// The same for a store that is away. The line about the loss waits for no other.
    pub fn may_remind(&self) -> bool {
        let Some(shared) = &self.shared else { return true };
        let (now, mut spoke) = (Instant::now(), shared.spoke.lock());
        let may = is_over(spoke.watcher, now);
        if may {
            *spoke = Spoke { anybody: Some(now), watcher: Some(now) };
        }
        may
    }
}

fn is_over(last: Option<Instant>, now: Instant) -> bool {
    last.is_none_or(|last| now.duration_since(last) >= BETWEEN_LINES)
}

const BETWEEN_LINES: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(reason: &str) -> StoreLoss {
        StoreLoss { since: Timestamp::from_secs(1_790_000_000), reason: reason.to_owned() }
    }

    #[test]
    fn the_first_reason_stays_until_the_store_is_back() {
        let health = StoreHealth::watched();
        assert_eq!((health.loss(), health.is_lost()), (None, false));
        health.note_loss(loss("gone"));
        health.note_loss(loss("still gone"));
        assert_eq!(health.loss(), Some(loss("gone")));
        health.note_return();
        assert_eq!((health.loss(), health.is_lost()), (None, false));
    }

    #[test]
    fn the_watcher_tells_of_what_keeps_the_store_away() {
        let away = StorageError::unavailable("asking", "gone");
        let taken = StorageError::Taken { what: "a name".to_owned() };
        let health = StoreHealth::watched();
        assert!(health.tells_of(&away) && !health.tells_of(&taken));
        assert!(!StoreHealth::default().tells_of(&away));
    }

    #[test]
    fn a_store_that_nobody_watches_is_well_and_silences_nobody() {
        let health = StoreHealth::default();
        health.note_loss(loss("gone"));
        assert!(!health.is_lost() && health.loss().is_none());
        assert!(health.may_speak() && health.may_speak());
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_one_line_in_ten_seconds_and_the_loss_waits_for_none() {
        let health = StoreHealth::watched();
        let other = health.clone();
        assert!(health.may_speak());
        assert!(!other.may_speak());
        assert!(other.may_remind(), "the loss waits for no other line");
        assert!(!health.may_remind() && !health.may_speak());
        tokio::time::advance(BETWEEN_LINES).await;
        health.note_loss(loss("gone"));
        assert!(!other.may_speak(), "reminders alone tell of a store that is away");
        assert!(health.may_remind());
        assert!(!health.may_remind());
    }
}
