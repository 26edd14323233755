//! Applying the retention: what is older than it is kept for is forgotten, in small steps with pauses.
//!
//! A running relay does it each hour (`housekeeping.rs`), `posthaste data cleanup` by hand. Several may at once.

use std::time::Duration;

use posthaste_core::Timestamp;
use posthaste_storage::Retention;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::{Admin, AdminError};

mod count;
mod forget;

/// How long what is kept. What is `None` is left alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cleanup {
    /// The books.
    pub books: Retention,
    /// Records of requests with their bodies: for how long, and how many at most.
    pub requests: Option<(Duration, u64)>,
    /// The audit log.
    pub audit: Option<Duration>,
    /// What became of messages to channels.
    pub deliveries: Option<Duration>,
    /// What went wrong at accounts.
    pub account_errors: Option<Duration>,
    /// Client keys that were deleted.
    pub deleted_keys: Option<Duration>,
}

/// What was too old, or too much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cleaned {
    /// Ledger rows.
    pub rows: u64,
    /// Roll-ups.
    pub rollups: u64,
    /// Records of requests.
    pub requests: u64,
    /// Entries of the audit log.
    #[serde(default)]
    pub audit: u64,
    /// What became of messages to channels.
    #[serde(default)]
    pub deliveries: u64,
    /// What went wrong at accounts.
    #[serde(default)]
    pub account_errors: u64,
    /// Sessions that have lapsed.
    #[serde(default)]
    pub sessions: u64,
    /// Client keys that were deleted.
    #[serde(default)]
    pub deleted_keys: u64,
}

/// Something that is forgotten with time. Whoever keeps something new that grows adds a part, and the compiler names the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Ledger rows and roll-ups.
    Books,
    /// Records of requests with their bodies.
    Requests,
    /// The audit log.
    Audit,
    /// What became of messages to channels.
    Deliveries,
    /// What went wrong at accounts.
    AccountErrors,
    /// Sessions that have lapsed.
    Sessions,
    /// Client keys that were deleted.
    DeletedKeys,
}

impl Part {
    /// Every part, in the order in which they are forgotten.
    pub const ALL: [Self; 7] = [
        Self::Sessions,
        Self::DeletedKeys,
        Self::AccountErrors,
        Self::Deliveries,
        Self::Requests,
        Self::Books,
        Self::Audit,
    ];

    /// The name in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Books => "books",
            Self::Requests => "requests",
            Self::Audit => "audit",
            Self::Deliveries => "deliveries",
            Self::AccountErrors => "account_errors",
            Self::Sessions => "sessions",
            Self::DeletedKeys => "deleted_keys",
        }
    }
}

impl Cleaned {
    /// How many of a part.
    pub const fn of(&self, part: Part) -> u64 {
        match part {
            Part::Books => self.rows + self.rollups,
            Part::Requests => self.requests,
            Part::Audit => self.audit,
            Part::Deliveries => self.deliveries,
            Part::AccountErrors => self.account_errors,
            Part::Sessions => self.sessions,
            Part::DeletedKeys => self.deleted_keys,
        }
    }
}

/// Forgets what is older than it is kept for, or only counts it.
///
/// # Errors
/// When the store fails, with the first part at which it did; the other parts are done all the same, and what was forgotten
/// stays so.
pub async fn clean_up(
    admin: &Admin,
    rules: &Cleanup,
    now: Timestamp,
    only_count: bool,
) -> Result<Cleaned, AdminError> {
    let mut cleaned = Cleaned::default();
    let mut failed = None;
    for part in Part::ALL {
        let done = clean_part(admin, rules, part, (now, only_count), &mut cleaned).await;
        if let Err(error) = done {
            failed.get_or_insert(error);
        }
    }
    failed.map_or(Ok(cleaned), Err)
}

/// One part of it; what was forgotten until an error is in `cleaned`.
pub(crate) async fn clean_part(
    admin: &Admin,
    rules: &Cleanup,
    part: Part,
    (now, only_count): (Timestamp, bool),
    cleaned: &mut Cleaned,
) -> Result<(), AdminError> {
    if only_count {
        count::count(admin, rules, part, now, cleaned).await
    } else {
        forget::forget(admin, rules, part, now, cleaned).await
    }
}

/// From when on an entry of the audit log is kept. A day later than it need be: each time that entries are forgotten an entry
/// says so, and that shall not happen with every round.
fn audit_bound(keep: Duration, now: Timestamp) -> (Timestamp, Timestamp) {
    let bound = now.minus(keep);
    (bound, bound.minus(AUDIT_SLACK))
}

const AUDIT_SLACK: Duration = Duration::from_secs(86_400);

/// Counts what a step forgot, and waits before the next one; `false` when there is nothing left for one.
async fn step(sum: &mut u64, forgotten: usize) -> bool {
    *sum += forgotten as u64;
    let more = forgotten >= STEP;
    if more {
        sleep(PAUSE).await;
    }
    more
}

/// How much is forgotten at once: a few milliseconds' work for a store.
const STEP: usize = 500;

const PAUSE: Duration = Duration::from_millis(50);
