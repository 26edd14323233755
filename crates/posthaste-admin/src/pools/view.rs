//! Pools as operators see them.

use posthaste_core::{Limit, Pool, PoolId, PoolRules, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A pool with its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PoolView {
    /// Its identity.
    pub id: PoolId,
    /// The operator's name for it.
    pub name: String,
    /// How its members are chosen.
    pub rules: PoolRules,
    /// Its members' limits taken together.
    pub limits: Vec<Limit>,
    /// The names of the accounts that belong to it, sorted.
    pub members: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl PoolView {
    pub(super) fn new(pool: Pool, members: Vec<String>) -> Self {
        let Pool { id, name, rules, limits, created_at, updated_at } = pool;
        Self { id, name, rules, limits, members, created_at, updated_at }
    }
}
