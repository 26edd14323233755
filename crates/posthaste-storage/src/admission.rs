//! Limits and leases: reserve first, settle after.
//!
//! An admission has two halves, each one atomic step in the store: the caller's (its key, user and team) and the
//! account's (the account and its pool). All-or-none holds within a half; a refusal of one half releases the other.

use std::time::Duration;

use async_trait::async_trait;
use posthaste_core::{OnLoss, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::StorageError;

/// Which half of an admission a claim belongs to; with the owner it names the one place that counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Half {
    /// Key, user and team: tagged by the caller.
    Caller,
    /// Account and pool: tagged by the account.
    Seat,
}

impl Half {
    /// The stable name used in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Seat => "seat",
        }
    }
}

/// The identity of a lease: made by the claimant, so that a repeated claim is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LeaseId(pub Uuid);

impl LeaseId {
    /// Makes a new identity.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

/// What a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Unit {
    /// Requests.
    Requests,
    /// Tokens of all classes.
    Tokens,
    /// Nano-dollars.
    Cost,
    /// Leases held at the same time.
    Concurrency,
}

impl Unit {
    /// The stable name used in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::Cost => "cost",
            Self::Concurrency => "concurrency",
        }
    }
}

/// The span of time that a counter belongs to. The caller works out the borders, so that calendars stay out of stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CounterWindow {
    /// As long as a lease is held; for [`Unit::Concurrency`] only.
    Held,
    /// Counted from `start` on, given up after `end`. Another `start` is another, empty counter.
    Span {
        /// The first moment inside.
        start: Timestamp,
        /// The first moment after; the store may forget the counter then.
        end: Timestamp,
    },
    /// Opens with the first claim that is granted after the last one has ended, and lasts so long. Only the store knows
    /// where it stands.
    Rolling(Duration),
    /// For ever.
    Total,
}

/// One counter of an owner.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Counter {
    /// The limit's name, unique within its slot; `[A-Za-z0-9_-]`, at most 128 characters.
    pub name: String,
    /// What is counted.
    pub unit: Unit,
    /// When.
    pub window: CounterWindow,
}

impl Counter {
    /// Whether it counts what leases hold now: given back when the lease ends, in whatever way.
    pub fn is_held(&self) -> bool {
        self.unit == Unit::Concurrency || self.window == CounterWindow::Held
    }

    /// Whether both name one count: a span is known by its start, a rolling window by being one.
    pub fn is_same(&self, other: &Self) -> bool {
        let same_window = match (self.window, other.window) {
            (CounterWindow::Span { start, .. }, CounterWindow::Span { start: other, .. }) => start == other,
            (CounterWindow::Rolling(_), CounterWindow::Rolling(_)) => true,
            (CounterWindow::Held | CounterWindow::Total, CounterWindow::Held | CounterWindow::Total) => true,
            _ => false,
        };
        same_window && self.unit == other.unit && self.name == other.name
    }
}

/// One limit that a claim must pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitCheck {
    /// What counts.
    pub counter: Counter,
    /// What is reserved; 1 for [`Unit::Concurrency`] and [`Unit::Requests`], an estimate for the others.
    pub amount: i64,
    /// The counter may not pass this.
    pub limit: i64,
    /// Count, but never refuse.
    pub shadow: bool,
    /// What whoever stands in for a store that is away is to do. Stores themselves pass over it.
    pub on_loss: OnLoss,
}

/// A wish to be admitted: all of its checks pass, or nothing is changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Which half.
    pub half: Half,
    /// Whose counters: the identity of an account or a pool, or of the widest circle that a client key shares limits with: a
    /// team, an owner, or the key itself. The limits of narrower circles are counted there as well, under names of their
    /// own, so that one step takes them all.
    pub owner: Uuid,
    /// The lease to be held. The same identity again is the same claim and counts once.
    pub lease: LeaseId,
    /// How long the lease holds without renewal.
    pub ttl: Duration,
    /// The limits. Several may name one counter: each must then hold for the sum that they reserve of it.
    pub checks: Vec<LimitCheck>,
}

impl Claim {
    /// What renewing and settling need to know of this claim.
    pub fn lease_ref(&self) -> LeaseRef {
        LeaseRef { half: self.half, owner: self.owner, lease: self.lease }
    }

    /// All that the claim reserves of a counter.
    pub fn sum_of(&self, counter: &Counter) -> i64 {
        let same = self.checks.iter().filter(|check| check.counter.is_same(counter));
        same.fold(0, |sum: i64, check| sum.saturating_add(check.amount))
    }

    /// Each counter that the claim names, once, with all that is reserved of it.
    pub fn sums(&self) -> impl Iterator<Item = (&Counter, i64)> {
        let is_first = |(at, check): &(usize, &LimitCheck)| {
            !self.checks.iter().take(*at).any(|earlier| earlier.counter.is_same(&check.counter))
        };
        let firsts = self.checks.iter().enumerate().filter(is_first);
        firsts.map(|(_, check)| (&check.counter, self.sum_of(&check.counter)))
    }
}

/// Names a lease in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LeaseRef {
    /// Which half.
    pub half: Half,
    /// Whose.
    pub owner: Uuid,
    /// Which.
    pub lease: LeaseId,
}

/// A lease that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HeldLease {
    /// When it lapses, unless it is renewed.
    pub until: Timestamp,
    /// Which. Identities begin with the milliseconds since 1970 at which they were made.
    pub lease: LeaseId,
}

impl HeldLease {
    /// When it was taken, as its identity tells.
    pub fn since(&self) -> Option<Timestamp> {
        let (seconds, nanos) = self.lease.0.get_timestamp()?.to_unix();
        let micros = i64::try_from(seconds).ok()?.checked_mul(1_000_000)?;
        Some(Timestamp::from_micros(micros.checked_add(i64::from(nanos / 1_000))?))
    }
}

/// The store's answer to a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Everything is reserved and the lease is held. Tells where the counter of each check stands with that, in the order
    /// of the checks.
    Granted(Vec<Standing>),
    /// Nothing was changed.
    Refused(Refusal),
}

impl Outcome {
    /// Whether the claim was granted.
    pub const fn is_granted(&self) -> bool {
        matches!(self, Self::Granted(_))
    }
}

/// Where a counter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// What is used or reserved.
    pub used: i64,
    /// When the counter starts anew; `None` where it does not, or is not open.
    pub resets_at: Option<Timestamp>,
}

/// Which limit refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The first of the claim's checks that did not pass.
    pub counter: Counter,
    /// Where the counter stands.
    pub used: i64,
    /// What it may not pass.
    pub limit: i64,
    /// When the counter starts anew; `None` where it does not, or is not open.
    pub resets_at: Option<Timestamp>,
}

/// What a reservation turned out to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// The counter.
    pub counter: Counter,
    /// The truth that takes the reserved amount's place; ignored for [`Unit::Concurrency`], which is given back.
    pub actual: i64,
}

/// Counts and leases. A lease that is neither renewed nor settled lapses after its time to live: it then holds no
/// concurrency any more, while what it reserved in windows stays counted.
#[async_trait]
pub trait AdmissionStore: Send + Sync + 'static {
    /// Tries a claim at `now`: all checks pass and everything is reserved, or nothing is changed.
    async fn reserve(&self, claim: &Claim, now: Timestamp) -> Result<Outcome, StorageError>;

    /// Holds a lease for `ttl` from `now` on. `false` when it has lapsed or was settled.
    async fn renew(&self, lease: LeaseRef, ttl: Duration, now: Timestamp) -> Result<bool, StorageError>;

    /// Ends a lease: concurrency is given back and each reserved amount is replaced by the truth: all that was reserved of
    /// a counter by the first truth that names it. Counters that are not named keep what was reserved. A second settlement of the same lease changes nothing.
    async fn settle(&self, lease: LeaseRef, truth: &[Settlement], now: Timestamp)
    -> Result<(), StorageError>;

    /// Where a counter stands at `now`; zero when it was never used.
    async fn used(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
    ) -> Result<i64, StorageError>;

    /// The leases that hold something of a counter of the kind [`Held`](CounterWindow::Held) at `now`, those that lapse first
    /// in front, at most `limit`. For the operator's eye; no request asks for it.
    async fn leases(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HeldLease>, StorageError>;
}
