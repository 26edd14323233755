#![doc = include_str!("../README.md")]

mod account_errors;
mod admission;
mod affinity;
mod config;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod correction;
mod error;
mod fleet;
mod health;
mod journal;
mod ledger;
mod ledger_writer;
mod lock;
pub mod memory;
mod packed;
mod pinned;
mod places;
mod record;
mod requests;
mod retention;
mod rollup;
mod sessions;
mod timed;
mod usage;

pub use account_errors::{AccountErrorStore, ErrorBounds};
pub use admission::{
    AdmissionStore, Claim, Counter, CounterWindow, Half, HeldLease, LeaseId, LeaseRef, LimitCheck, Outcome,
    Refusal, Settlement, Standing, Unit,
};
pub use affinity::{AffinityKey, AffinityStore};
pub use config::{Change, Changes, ConfigStore, Expect, Page, Revision};
pub use correction::{Amount, Correction, Shift, Shifts};
pub use error::StorageError;
pub use fleet::{
    FleetHealth, FleetSize, FleetStore, Mark, Member, News, NewsPage, TrialAnswer, TrialHolder,
    news_kept_until,
};
pub use health::{StoreHealth, StoreLoss};
pub use journal::{JournalEntry, JournalStore};
pub use ledger::{LedgerStore, RollupPeriod, last_spans};
pub use ledger_writer::{Booked, Durability, LedgerClosed, LedgerOptions, LedgerSlot, LedgerWriter};
pub use lock::{Fence, LockStore};
pub use packed::{
    UnpackError, pack_group, pack_kept_request, pack_request, pack_row, unpack_group, unpack_kept_request,
    unpack_request, unpack_row,
};
pub use pinned::PinnedConfig;
pub use places::{CounterAmount, HandedAmount, HandedLease, Places, SPANS_KEPT};
pub use record::{Entity, Record, RecordKind, Repository, Versioned};
pub use requests::{KeptRequest, RequestStore};
pub use retention::{Retention, Swept, first_request};
pub use rollup::{RollupKey, RollupRow, Rollups, Sums};
pub use sessions::SessionStore;
pub use timed::timed;
pub use usage::{Dimension, Group, GroupSums, Grouped, UsageQuery};

use std::sync::Arc;

/// One implementation of every port, as wired together.
#[derive(Clone)]
pub struct Stores {
    /// Configuration records.
    pub config: Arc<dyn ConfigStore>,
    /// Limits and leases.
    pub admission: Arc<dyn AdmissionStore>,
    /// The books.
    pub ledger: Arc<dyn LedgerStore>,
    /// Conversations' homes.
    pub affinity: Arc<dyn AffinityStore>,
    /// Records of requests.
    pub requests: Arc<dyn RequestStore>,
    /// Persons' sessions.
    pub sessions: Arc<dyn SessionStore>,
    /// What happened: the audit log and the like.
    pub journals: Arc<dyn JournalStore>,
    /// What went wrong at accounts.
    pub account_errors: Arc<dyn AccountErrorStore>,
    /// Locks.
    pub locks: Arc<dyn LockStore>,
    /// The relays that share the accounts.
    pub fleet: Arc<dyn FleetStore>,
    /// How the store fares.
    pub health: StoreHealth,
}
