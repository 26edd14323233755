//! What is told of a limit before and when it is used up.

use serde::{Deserialize, Serialize};

use crate::{AccountId, ClientKeyId, LimitUnit, PoolId, TeamId, Timestamp, UserId};

/// A limit has been used or reserved up to a threshold. Each instance tells it once for a threshold and a window; whoever
/// listens to several knows repeats by owner, limit, window and threshold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LimitEvent {
    /// Whose limit.
    pub owner: LimitOwner,
    /// The limit's name.
    pub limit: String,
    /// What it counts.
    pub unit: LimitUnit,
    /// The threshold, one of [`THRESHOLDS`](Self::THRESHOLDS).
    pub percent: u8,
    /// What is used or reserved: requests, tokens or nano-dollars.
    pub used: i64,
    /// What may not be passed.
    pub amount: i64,
    /// When it starts anew, where it does: names the window.
    pub resets_at: Option<Timestamp>,
    /// Whether the limit counts and never refuses.
    pub shadow: bool,
}

impl LimitEvent {
    /// At which parts of a limit something is told, in percent.
    pub const THRESHOLDS: [u8; 4] = [50, 80, 95, 100];
}

/// Whose limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LimitOwner {
    /// A client key's.
    ClientKey(ClientKeyId),
    /// Of all keys of an owner together.
    Owner(UserId),
    /// Of all keys of a team's owners together.
    Team(TeamId),
    /// An account's.
    Account(AccountId),
    /// Of all accounts of a pool together.
    Pool(PoolId),
}
