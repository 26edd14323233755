//! What prompt caches save, model by model.

use posthaste_core::{ModelName, NanoUsd};
use posthaste_metering::PriceBook;
use posthaste_storage::GroupSums;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What prompt caches save, at the list prices that hold now for an ordinary prompt, in billionths of a dollar. It may be below
/// zero: where more is written to caches than ever read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SavingView {
    /// How much more the tokens that were read from caches would have cost as plain input.
    pub gained_nano_usd: NanoUsd,
    /// How much more the tokens that were written to caches cost than as plain input.
    pub surcharge_nano_usd: NanoUsd,
    /// What is left of the gain.
    pub saved_nano_usd: NanoUsd,
    /// Tokens that were read or written and are left out, since their models have no price.
    pub unpriced_tokens: u64,
    /// The first few of these models.
    pub unpriced_models: Vec<ModelName>,
}

/// Adds up what is told by model and provider.
pub(super) fn saving(book: &PriceBook, groups: &[GroupSums]) -> SavingView {
    let (mut gained, mut surcharge, mut view) = (0_i64, 0_i64, SavingView::default());
    for group in groups {
        let usage = &group.sums.usage;
        let cached =
            usage.cache_read.saturating_add(usage.cache_write_5m).saturating_add(usage.cache_write_1h);
        let (Some(model), Some(provider)) = (&group.group.model, group.group.provider) else { continue };
        if cached == 0 {
            continue;
        }
        match book.cache_saving(provider, model.as_str(), usage) {
            Some(saving) => {
                gained = gained.saturating_add(saving.gained.as_nanos());
                surcharge = surcharge.saturating_add(saving.surcharge.as_nanos());
            }
            None => {
                view.unpriced_tokens = view.unpriced_tokens.saturating_add(cached);
                if view.unpriced_models.len() < MOST_NAMED && !view.unpriced_models.contains(model) {
                    view.unpriced_models.push(model.clone());
                }
            }
        }
    }
    view.gained_nano_usd = NanoUsd::from_nanos(gained);
    view.surcharge_nano_usd = NanoUsd::from_nanos(surcharge);
    view.saved_nano_usd = NanoUsd::from_nanos(gained.saturating_sub(surcharge));
    view
}

const MOST_NAMED: usize = 8;

#[cfg(test)]
mod tests {
    use posthaste_core::{ProviderKind, Usage};
    use posthaste_storage::{Group, Sums};

    use super::*;

    fn group(model: &str, usage: Usage) -> GroupSums {
        let (model, provider) = (Some(ModelName::parse(model).unwrap()), Some(ProviderKind::Anthropic));
        GroupSums {
            group: Group { model, provider, ..Group::default() },
            sums: Sums { usage, ..Sums::default() },
        }
    }

    #[test]
    fn models_add_up_and_those_without_a_price_are_told_apart() {
        let read = |cache_read| Usage { cache_read, ..Usage::default() };
        let written = Usage { cache_write_5m: 1_000_000, ..Usage::default() };
        let groups = [
            // 1 dollar a million of input, 0.10 of what is read, 1.25 of what is written.
            group("claude-haiku-4-5", read(2_000_000)),
            group("claude-haiku-4-5-20251001", written),
            group("nobody-knows", read(7)),
            group("nobody-knows-either", Usage { input: 5, ..Usage::default() }),
        ];
        let told = saving(&PriceBook::builtin(), &groups);
        assert_eq!(told.gained_nano_usd.as_nanos(), 1_800_000_000);
        assert_eq!(told.surcharge_nano_usd.as_nanos(), 250_000_000);
        assert_eq!(told.saved_nano_usd.as_nanos(), 1_550_000_000);
        assert_eq!(told.unpriced_tokens, 7);
        assert_eq!(told.unpriced_models.iter().map(ModelName::as_str).collect::<Vec<_>>(), ["nobody-knows"]);
    }
}
