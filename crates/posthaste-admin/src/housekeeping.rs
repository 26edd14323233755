//! Forgetting in the background what is older than it is kept for.

use std::{sync::Arc, time::Duration};

use metrics::{counter, gauge};
use parking_lot::Mutex;
use posthaste_core::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, interval_at};
use uuid::Uuid;

use crate::{
    Admin,
    data::{Cleaned, Cleanup, Part, clean_part},
};

/// What came of the last round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastCleanup {
    /// When it ended.
    pub ended_at: Timestamp,
    /// How long it took.
    pub took_ms: u64,
    /// What was forgotten.
    pub forgotten: Cleaned,
    /// What could not be, and why; it is tried again with the next round.
    pub problems: Vec<String>,
}

/// What the last round came to, for whoever asks. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct CleanupState(Arc<Mutex<Option<LastCleanup>>>);

impl CleanupState {
    /// The last round of this process, if there was one.
    pub fn last(&self) -> Option<LastCleanup> {
        self.0.lock().clone()
    }
}

/// Keeps the house of one process.
pub struct Housekeeper {
    admin: Admin,
    rules: Cleanup,
    state: CleanupState,
    /// Under which it holds the lock.
    holder: Uuid,
}

impl Housekeeper {
    /// Keeps `admin`'s stores by `rules`, and tells `state` what came of it.
    pub fn new(admin: Admin, rules: Cleanup, state: CleanupState) -> Self {
        Self { admin, rules, state, holder: Uuid::now_v7() }
    }

    /// Cleans up once an hour. Never ends; stop it by dropping it.
    pub async fn run(self) {
        let mut rounds = interval_at(Instant::now() + FIRST, EVERY);
        loop {
            rounds.tick().await;
            self.round().await;
        }
    }

    /// Cleans up once, unless another relay of the store is about it.
    pub async fn round(&self) {
        let parts = self.admin.parts();
        let now = parts.clock.now();
        match parts.stores.locks.acquire(LOCK, self.holder, LOCKED, now).await {
            Ok(Some(_)) => {}
            Ok(None) => return,
            Err(error) => {
                tracing::debug!(%error, "the store cannot be asked; it is cleaned up in an hour");
                return;
            }
        }
        let began = Instant::now();
        let (mut forgotten, mut problems) = (Cleaned::default(), Vec::new());
        for part in Part::ALL {
            let done = clean_part(&self.admin, &self.rules, part, (now, false), &mut forgotten).await;
            let name = part.as_str();
            counter!("posthaste_cleanup_forgotten_total", "what" => name).increment(forgotten.of(part));
            if let Err(error) = done {
                counter!("posthaste_cleanup_failures_total", "what" => name).increment(1);
                tracing::warn!(what = name, %error, "what is too old cannot be forgotten; trying again in an hour");
                problems.push(format!("{name}: {error}"));
            }
        }
        match self.admin.cards().finish_open().await {
            Ok(0) => {}
            Ok(cards) => {
                tracing::info!(cards, "redemption cards that were on their way were brought to their end")
            }
            Err(error) => {
                tracing::warn!(%error, "redemption cards that are on their way cannot be brought to their end; trying again in an hour");
                problems.push(format!("redemption cards: {error}"));
            }
        }
        let ended_at = parts.clock.now();
        gauge!("posthaste_cleanup_ended_timestamp_seconds").set(ended_at.as_millis() as f64 / 1_000.0);
        if forgotten != Cleaned::default() {
            tracing::info!(?forgotten, "what is older than it is kept for was forgotten");
        }
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        *self.state.0.lock() = Some(LastCleanup { ended_at, took_ms, forgotten, problems });
        // It lapses by itself where it cannot be given back.
        drop(parts.stores.locks.release(LOCK, self.holder).await);
    }
}

const LOCK: &str = "cleanup";

/// A round that takes longer may meet with another relay's, which does no harm.
const LOCKED: Duration = Duration::from_secs(900);

/// How often, and how long after the start for the first time: who starts a relay has more urgent work for the store.
const EVERY: Duration = Duration::from_secs(3_600);
const FIRST: Duration = Duration::from_secs(60);
