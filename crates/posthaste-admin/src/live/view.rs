//! What is going on, as operators see it.

use posthaste_core::{AccountId, ClientKeyId, CooldownReason, InstanceId, PoolId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is looked at.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LiveInput {
    /// How many limits are looked at, 1 to 5000; 500 when not given.
    pub limit: Option<usize>,
    /// Whether limits are told as well of which nobody holds anything.
    pub idle: bool,
}

/// What is going on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiveView {
    /// When this was so.
    pub at: Timestamp,
    /// Attempts under way at the relay that answers; `None` where none runs.
    pub in_flight_here: Option<u64>,
    /// Conversations whose account the relay that answers knows.
    pub conversations_here: Option<u64>,
    /// Who holds places of limits on what is done at the same time, at all relays. Who has no such limit is not counted.
    pub places: Vec<LivePlaces>,
    /// How many more such limits there are than were looked at.
    pub not_looked_at: usize,
    /// Who waits for a place at the relay that answers.
    pub waiting_here: Vec<WaitingLine>,
    /// Accounts, or models of theirs, that rest.
    pub rests: Vec<LiveRest>,
}

/// Whose a limit is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PlaceOwner {
    /// A client key's.
    ClientKey {
        /// Which.
        id: ClientKeyId,
        /// Its name.
        name: String,
    },
    /// An account's.
    Account {
        /// Which.
        id: AccountId,
        /// Its name.
        name: String,
    },
    /// A pool's.
    Pool {
        /// Which.
        id: PoolId,
        /// Its name.
        name: String,
    },
}

/// The places of one limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LivePlaces {
    /// Whose the limit is.
    pub owner: PlaceOwner,
    /// Its name.
    pub limit: String,
    /// How many there are.
    pub most: u64,
    /// Those that are held, the first to lapse in front; at most 1000 are told.
    pub held: Vec<HeldPlace>,
}

/// A place that is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeldPlace {
    /// The lease.
    pub lease: Uuid,
    /// Since when.
    pub since: Option<Timestamp>,
    /// When it lapses, unless its holder renews it.
    pub lapses_at: Timestamp,
}

/// A line of requests that wait for a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingLine {
    /// Whose requests.
    pub key_id: ClientKeyId,
    /// The key's name, while it is there.
    pub key: Option<String>,
    /// How many wait.
    pub waiting: u32,
}

/// A rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiveRest {
    /// Which account.
    pub account_id: AccountId,
    /// Its name.
    pub account: String,
    /// Which of its models, where it is not all of them.
    pub models: Option<String>,
    /// The class of reason.
    pub reason: CooldownReason,
    /// When it ends.
    pub until: Timestamp,
    /// What the upstream said.
    pub why: String,
    /// The relay that told it to all; `None` for what the one that answers found out for itself.
    pub told_by: Option<InstanceId>,
}

/// Which places are given back.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReleaseInput {
    /// Only those that have been held for so long. 0: all.
    pub older_than_seconds: u64,
}

/// What was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReleasedPlaces {
    /// How many places.
    pub released: u64,
}
