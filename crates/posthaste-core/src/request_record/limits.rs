//! What a request was taken to use, and the limits that it met.

use serde::{Deserialize, Serialize};

use crate::{LimitUnit, NanoUsd, Timestamp};

/// What a request was taken to use until the truth was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Estimated {
    /// Tokens, those of the answer included.
    pub tokens: u64,
    /// What they cost at the dearest account that might serve.
    pub cost: NanoUsd,
}

/// A limit that a request was checked against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckedLimit {
    /// Its name.
    pub name: String,
    /// What it counts.
    pub unit: LimitUnit,
    /// What was reserved; `None` where it refused.
    pub reserved: Option<i64>,
    /// Where it stood: with what was reserved, or as it refused.
    pub used: i64,
    /// What it may not pass.
    pub limit: i64,
    /// Whether it counts and never refuses.
    #[serde(default)]
    pub shadow: bool,
    /// When it starts anew, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<Timestamp>,
}

impl CheckedLimit {
    /// Whether it refused.
    pub const fn refused(&self) -> bool {
        self.reserved.is_none()
    }
}
