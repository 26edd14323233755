//! Sums over attempts, as they are told.

use posthaste_core::{NanoUsd, Usage};
use posthaste_storage::Sums;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sums over attempts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageTotals {
    /// Attempts at upstreams, failed ones included.
    pub attempts: u64,
    /// Attempts that were answered to the end.
    pub completed: u64,
    /// Attempts whose tokens were estimated.
    pub estimated: u64,
    /// Attempts whose model has no price; their cost is unknown and not in the sum.
    pub unpriced: u64,
    /// Tokens.
    pub usage: Usage,
    /// What they cost, in billionths of a dollar.
    pub cost_nano_usd: NanoUsd,
    /// The same in dollars, for people.
    pub cost: String,
    /// What client keys are billed for them, in billionths of a dollar.
    #[serde(default)]
    pub billed_nano_usd: NanoUsd,
    /// The same in dollars, for people.
    #[serde(default)]
    pub billed: String,
}

impl From<Sums> for UsageTotals {
    fn from(sums: Sums) -> Self {
        let Sums { attempts, completed, estimated, unpriced, usage, cost, billed } = sums;
        Self {
            attempts,
            completed,
            estimated,
            unpriced,
            usage,
            cost_nano_usd: cost,
            cost: cost.to_string(),
            billed_nano_usd: billed,
            billed: billed.to_string(),
        }
    }
}
