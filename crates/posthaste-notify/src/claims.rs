//! Which of the relays that share a store tells what several find.

use std::{sync::Arc, time::Duration};

use posthaste_core::{Notice, Severity, Timestamp};
use posthaste_storage::{LockStore, StorageError};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// Claims notices for this relay, by locks that lapse when the same may be told again.
pub(crate) struct Claims {
    locks: Arc<dyn LockStore>,
    /// This relay.
    relay: Uuid,
    /// When the store may be asked again, after it could not be.
    from: Instant,
}

impl Claims {
    pub(crate) fn new(locks: Arc<dyn LockStore>, relay: Uuid) -> Self {
        Self { locks, relay, from: Instant::now() }
    }

    /// Whether this relay is the one that tells it. When the store cannot say, it is: twice is better than never, above all
    /// when the notice is about the store.
    pub(crate) async fn claim(&mut self, notice: &Notice, quiet_for: Duration, now: Timestamp) -> bool {
        let (name, quiet_for) = match notice.is_recovery() {
            true => (lock_name(END, &notice.dedup_key()), TOGETHER),
            // What got worse is told again, by whoever finds it.
            false => (lock_name(notice.severity().as_str(), &notice.dedup_key()), quiet_for),
        };
        let (locks, relay) = (Arc::clone(&self.locks), self.relay);
        self.ask(async move { locks.acquire(&name, relay, quiet_for, now).await })
            .await
            .is_none_or(|fence| fence.is_some())
    }

    /// Lets the next one be told at once, by whoever finds it. Locks of others lapse by themselves.
    pub(crate) async fn give_back(&mut self, key: &str) {
        for severity in Severity::ALL {
            let (locks, relay, name) =
                (Arc::clone(&self.locks), self.relay, lock_name(severity.as_str(), key));
            self.ask(async move { locks.release(&name, relay).await }).await;
        }
    }

    /// Asks the store, unless it could not be asked a moment ago: notices do not wait for it one after another.
    async fn ask<T>(&mut self, asked: impl Future<Output = Result<T, StorageError>>) -> Option<T> {
        if Instant::now() < self.from {
            return None;
        }
        let answer = match timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it does not answer".to_owned(),
        };
        tracing::debug!(answer, "other relays may tell the same notices: the store cannot be asked");
        self.from = Instant::now() + REST;
        None
    }
}

/// Keys hold names and addresses of people: the store is given their hash.
fn lock_name(sort: &str, key: &str) -> String {
    format!("notice-{}", hex::encode(&Sha256::digest(format!("{sort}\n{key}"))[..16]))
}

/// Instead of a severity.
const END: &str = "end";
/// Relays that find the same end find it within this time. A longer one would hide the next end of the same.
const TOGETHER: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(2);
const REST: Duration = Duration::from_secs(10);
