//! Pools of accounts, and routes that lead to them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AccountId, Limit, ModelName, PoolId, RouteId, Timestamp};

/// A set of accounts, of whatever providers, with rules of its own. The accounts name their pools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pool {
    /// Its identity.
    pub id: PoolId,
    /// The operator's name for it, unique.
    pub name: String,
    /// How its members are ordered.
    #[serde(default)]
    pub rules: PoolRules,
    /// Its members' limits taken together.
    #[serde(default)]
    pub limits: Vec<Limit>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// How accounts are chosen and asked again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct PoolRules {
    /// The order within equal priority.
    pub strategy: Strategy,
    /// How eagerly failed requests are repeated.
    pub retry: RetryPolicy,
    /// How long a request waits, in milliseconds, while all candidates are limited for a short time; 0 to 300,000.
    pub patience_ms: u64,
    /// How conversations stay with their account.
    pub affinity: AffinityRules,
}

/// The order of candidates of equal priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Whoever was used the longest time ago.
    LeastRecentlyUsed,
    /// One after another.
    RoundRobin,
    /// The first one until it cannot, then the next.
    Sequential,
    /// In proportion to their weights.
    Weighted,
    /// Whoever serves the fewest requests at this moment, by weight.
    LeastBusy,
    /// The better of two drawn by lot, by the time to the first token.
    PeakEwma,
    /// Whoever costs least for this model.
    LowestCost,
    /// By a score of health, tokens left and freshness.
    Hybrid,
    /// Whoever's quota would be lost soonest, spread over its window; where no quota is known, whoever serves the fewest
    /// requests, then whoever was used the longest time ago. `docs/SCHEDULING.md` shows why it is the default.
    #[default]
    QuotaPaced,
}

impl Strategy {
    /// Every strategy, in the order of their declaration.
    pub const ALL: [Self; 9] = [
        Self::LeastRecentlyUsed,
        Self::RoundRobin,
        Self::Sequential,
        Self::Weighted,
        Self::LeastBusy,
        Self::PeakEwma,
        Self::LowestCost,
        Self::Hybrid,
        Self::QuotaPaced,
    ];

    /// The stable name used in settings and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LeastRecentlyUsed => "least-recently-used",
            Self::RoundRobin => "round-robin",
            Self::Sequential => "sequential",
            Self::Weighted => "weighted",
            Self::LeastBusy => "least-busy",
            Self::PeakEwma => "peak-ewma",
            Self::LowestCost => "lowest-cost",
            Self::Hybrid => "hybrid",
            Self::QuotaPaced => "quota-paced",
        }
    }

    /// Whether it draws lots, so that requests in the same state of things go to different accounts.
    pub const fn draws_lots(self) -> bool {
        matches!(self, Self::Weighted | Self::PeakEwma)
    }

    /// Reads [`as_str`](Self::as_str)'s form.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.as_str() == name)
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How eagerly failed requests are repeated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RetryPolicy {
    /// More attempts, shorter pauses.
    Aggressive,
    /// The attempt cap of the relay's settings.
    #[default]
    Balanced,
    /// Two attempts, none of them at the same account.
    Conservative,
}

impl RetryPolicy {
    /// Every policy, in the order of their declaration.
    pub const ALL: [Self; 3] = [Self::Aggressive, Self::Balanced, Self::Conservative];

    /// The stable name used in settings and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aggressive => "aggressive",
            Self::Balanced => "balanced",
            Self::Conservative => "conservative",
        }
    }

    /// Reads [`as_str`](Self::as_str)'s form.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == name)
    }
}

impl fmt::Display for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How conversations stay with the account that holds their prompt cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct AffinityRules {
    /// Whether they do.
    pub enabled: bool,
    /// How long a conversation is remembered after its last request.
    pub ttl_seconds: u64,
    /// Whether each request renews that time.
    pub renew: bool,
}

impl Default for AffinityRules {
    fn default() -> Self {
        Self { enabled: true, ttl_seconds: 3_600, renew: true }
    }
}

/// A virtual model: a name for which real models are asked, the first one that can serve first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Route {
    /// Its identity.
    pub id: RouteId,
    /// The model name that clients ask for, unique.
    pub model: ModelName,
    /// What is asked, in order. Never empty.
    pub targets: Vec<RouteTarget>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// One step of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RouteTarget {
    /// The model that is asked for; a name of another route is refused, so that routes cannot loop.
    pub model: ModelName,
    /// Who is asked; everybody who serves the model when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// A pool or a single account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The members of a pool.
    Pool(PoolId),
    /// One account.
    Account(AccountId),
}
