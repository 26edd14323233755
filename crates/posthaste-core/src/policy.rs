//! What a client key may do, and how it is billed.

use serde::{Deserialize, Serialize};

use crate::{ClientPattern, Limit, Multiplier, Network, Place, ProviderKind, Timestamp, UserId};

/// A client key's policy. The default allows everything and limits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct KeyPolicy {
    /// Its limits.
    pub limits: Vec<Limit>,
    /// Only accounts of these providers, unless empty.
    pub providers: Vec<ProviderKind>,
    /// Only clients whose user agent fits one of these, unless empty. Clients declare it themselves: a courtesy, no lock.
    pub clients: Vec<ClientPattern>,
    /// Only callers from these networks, unless empty.
    pub networks: Vec<Network>,
    /// Whom it is bound to.
    pub binding: Option<Binding>,
    /// Whether requests beyond its concurrency wait in line.
    pub queue: Option<QueueRules>,
    /// What a dollar of cost is billed as.
    pub multiplier: Multiplier,
    /// Whether tool calls left without a result get an explicit error result.
    pub repair_conversations: bool,
    /// Whether bodies are kept for a while.
    pub capture: Option<CaptureRules>,
    /// Free words for sorting.
    pub tags: Vec<String>,
    /// Whose it is.
    pub owner: Option<UserId>,
}

/// A key's bond to a pool or an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Binding {
    /// To whom.
    pub to: Place,
    /// Whether nobody else may serve; otherwise all others follow when the bound ones cannot.
    pub strict: bool,
}

/// A line before a key's concurrency limit: first come, first served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QueueRules {
    /// How many requests may wait.
    pub length: u32,
    /// How long each waits at most, in milliseconds.
    pub patience_ms: u64,
}

/// Keeping bodies for debugging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CaptureRules {
    /// When it ends by itself.
    pub until: Timestamp,
    /// How much of each body is kept, in bytes.
    pub most_bytes: u32,
}

/// How an account takes part in scheduling. The default is a free account of weight 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct SchedulingRules {
    /// Whether new requests are given to it; a switch beside `enabled` for a pause without losing its health.
    pub schedulable: bool,
    /// The pools that it belongs to.
    pub pools: Vec<crate::PoolId>,
    /// Its share where the strategy goes by weight, 1 to 1,000.
    pub weight: u16,
    /// Its own limits, concurrency included.
    pub limits: Vec<Limit>,
    /// When its subscription ends.
    pub expires_at: Option<Timestamp>,
    /// What a dollar of cost is billed as, where the account bills otherwise than the price book.
    pub multiplier: Multiplier,
    /// Free words for sorting.
    pub tags: Vec<String>,
    /// The operator's remarks.
    pub notes: String,
}

impl Default for SchedulingRules {
    fn default() -> Self {
        Self {
            schedulable: true,
            pools: Vec::new(),
            weight: 1,
            limits: Vec::new(),
            expires_at: None,
            multiplier: Multiplier::ONE,
            tags: Vec::new(),
            notes: String::new(),
        }
    }
}
