//! What is said.

use std::time::Duration;

use posthaste_core::Timestamp;
use posthaste_storage::{Claim, Counter, Half, HandedLease, HeldLease, LeaseRef, News, Outcome, Settlement};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The first line to a relay that runs.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Hello {
    /// The next process is there.
    TakeOver { protocol: u32, version: String, pid: u32 },
    /// Start the program anew and hand over to it; [`Progress`] is told.
    Upgrade,
    /// How it is; [`Seen`] is told.
    Look,
}

/// The answer to one who would take over. It follows the sockets.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Offer {
    /// The sockets' names, in their order.
    Sockets { version: String, pid: u32, names: Vec<String> },
    /// It does not hand over.
    Refused { reason: String },
}

/// What the next process says on its way.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// Everything is set up.
    Ready,
    /// What was handed over is taken.
    Taken,
    /// It serves.
    Serving,
}

/// What the process before says on the way.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Handed {
    /// What it holds in memory.
    Holdings {
        /// What requests under way hold.
        leases: Vec<HandedLease>,
        /// What is known of the accounts' health.
        health: Vec<News>,
    },
    /// It does not hand over after all.
    Refused { reason: String },
    /// All of it is the next one's from now on.
    Yours,
}

/// A question of the process before, once it admits no more by itself.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Question {
    pub(super) id: u64,
    pub(super) now: Timestamp,
    pub(super) ask: Ask,
}

/// What [`AdmissionStore`](posthaste_storage::AdmissionStore) is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ask {
    Reserve(Box<Claim>),
    Renew { lease: LeaseRef, ttl: Duration },
    Settle { lease: LeaseRef, truth: Vec<Settlement> },
    Used { half: Half, owner: Uuid, counter: Counter },
    Leases { half: Half, owner: Uuid, counter: Counter, limit: usize },
}

/// The answer to a question.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) id: u64,
    pub(super) told: Tell,
}

/// What the store said.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Tell {
    Reserved(Outcome),
    Renewed(bool),
    Settled,
    Used(i64),
    Leases(Vec<HeldLease>),
    Failed(String),
}

/// How an upgrade goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// The program was started.
    Started {
        /// Its process.
        pid: u32,
    },
    /// It serves; the process before ends with its last stream.
    Serving {
        /// Its process.
        pid: u32,
        /// Its release.
        version: String,
    },
    /// The relay goes on as before.
    Failed {
        /// Why.
        reason: String,
    },
}

/// What a relay that runs says of itself to whoever would upgrade it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its release.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// The file that an upgrade starts.
    pub program: String,
    /// Requests under way.
    pub in_flight: u64,
    /// The sockets that it would hand over: `relay 127.0.0.1:3001`.
    pub sockets: Vec<String>,
    /// Why it hands over nothing, if it does not.
    pub refuses: Option<String>,
}

/// Changes with what is said, and with tables that the release before cannot book into while it serves its last streams
/// ([`Schema::lets_the_one_before_book`](posthaste_storage_sqlite::Schema::lets_the_one_before_book)).
pub(super) const PROTOCOL: u32 = 2;

/// More than the leases of a hundred thousand requests take.
pub(super) const MOST_LINE_BYTES: u64 = 256 << 20;
