//! What a list of prices changes, as people see it.

use posthaste_core::ModelName;
use posthaste_metering::{Change, ChangedAmount, Differences, ModelPrice, PriceBook, ReadList};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{PriceView, prices::view};

/// What a list changes, or has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PriceUpdateView {
    /// Where the list comes from.
    pub source: String,
    /// The day whose prices these are.
    pub as_of: String,
    /// The SHA-256 of the list as it is kept; who takes it after a look tells it again.
    pub digest: String,
    /// How many rows the list has.
    pub models: usize,
    /// Whether it was taken: relays count by it from now on.
    pub taken: bool,
    /// Models that had no price.
    pub added: Vec<PriceView>,
    /// Models whose price, sizes or dates are others.
    pub changed: Vec<PriceChangeView>,
    /// Models of the list before that are not on this one and have no price any more.
    pub dropped: Vec<PriceView>,
    /// Entries that cannot be true and are not taken.
    pub refused: Vec<RefusedPrice>,
    /// Entries about what is not priced here.
    pub skipped: usize,
    /// Rows that stay without effect, since `accounting.models_file` says what those models cost.
    pub overruled: usize,
    /// How many prices of the operators' own there are, which count before the list's.
    pub own: usize,
    /// How many rows of the price book stay as they are.
    pub unchanged: usize,
}

/// A model whose row is another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PriceChangeView {
    /// On whose list it stands.
    pub provider: String,
    /// The model.
    pub model: ModelName,
    /// Which sheet, where its provider has several.
    pub route: Option<String>,
    /// The amounts that differ. Empty where sizes, names or dates do.
    pub amounts: Vec<AmountChange>,
    /// Whether one of them leaps to a thousandfold or more, a thousandth or less, or nothing.
    pub leap: bool,
}

/// An amount that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AmountChange {
    /// Which, such as `input`, `batch output` or `cache_read over 200000`. `us` and `fast` are factors in thousandths, all others
    /// billionths of a dollar for a million tokens (`web_search_per_1k`: for a thousand searches).
    pub what: String,
    /// What it was.
    pub before: Option<u64>,
    /// What it is.
    pub after: Option<u64>,
}

/// An entry that is not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedPrice {
    /// What it is called in the list.
    pub name: String,
    /// What is wrong with it.
    pub why: String,
}

impl PriceUpdateView {
    pub(super) fn new(
        read: &ReadList,
        (before, after): (&PriceBook, &PriceBook),
        (overruled, own): (usize, usize),
        (source, digest): (String, String),
    ) -> Self {
        let Differences { added, changed, gone, same } = Differences::between(before, after);
        let rows = |rows: Vec<ModelPrice>| rows.iter().map(view).collect();
        let refused = read.refused.iter();
        Self {
            source,
            as_of: read.list.as_of().to_string(),
            digest,
            models: read.list.models().len(),
            taken: false,
            added: rows(added),
            changed: changed.iter().map(PriceChangeView::from).collect(),
            dropped: rows(gone),
            refused: refused
                .map(|entry| RefusedPrice { name: entry.name.clone(), why: entry.why.clone() })
                .collect(),
            skipped: read.skipped,
            overruled,
            own,
            unchanged: same,
        }
    }
}

impl PriceChangeView {
    /// List and model, and the sheet where there are several.
    pub fn name(&self) -> String {
        let route = self.route.as_ref().map(|route| format!(" ({route})")).unwrap_or_default();
        format!("{}/{}{route}", self.provider, self.model)
    }
}

impl From<&Change> for PriceChangeView {
    fn from(change: &Change) -> Self {
        let row = &change.after;
        let amount = |ChangedAmount { what, before, after }: &ChangedAmount| AmountChange {
            what: what.clone(),
            before: *before,
            after: *after,
        };
        Self {
            provider: row.provider.clone(),
            model: row.model.clone(),
            route: row.route.clone(),
            amounts: change.amounts.iter().map(amount).collect(),
            leap: change.is_leap(),
        }
    }
}
