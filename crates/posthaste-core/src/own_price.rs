//! What operators say that models cost.

use serde::{Deserialize, Serialize};

use crate::{ModelName, OwnPriceId, Timestamp};

/// A price of the operator's own for one model of one list, in the place of all that the price book has for it: its tiers and
/// the prices of long prompts as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OwnPrice {
    /// Its identity.
    pub id: OwnPriceId,
    /// On whose list: a vendor of the price book such as `anthropic`, or one that it does not have.
    pub provider: String,
    /// The model's id there. Each model of a list has one such price at most.
    pub model: ModelName,
    /// What its tokens cost.
    pub rates: OwnRates,
    /// For those who come later: where it comes from, until when it holds.
    pub note: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl OwnPrice {
    /// What people call it: list and model.
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider, self.model)
    }
}

/// Billionths of a dollar for a million tokens of each class. What is `None` has no price: its tokens cost what those cost that
/// the book takes them for, as with the book's own prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct OwnRates {
    /// Tokens of the prompt.
    pub input: Option<u64>,
    /// Tokens of the answer.
    pub output: Option<u64>,
    /// Tokens of the prompt that are served from a cache.
    pub cache_read: Option<u64>,
    /// Tokens of the prompt that are written to a cache.
    pub cache_write: Option<u64>,
    /// The same, for a cache of an hour.
    pub cache_write_1h: Option<u64>,
    /// Tokens of reasoning.
    pub output_reasoning: Option<u64>,
    /// Billionths of a dollar for a thousand web searches.
    pub web_search_per_1k: Option<u64>,
}
