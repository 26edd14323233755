//! The list of models that a caller may ask for.

use std::collections::BTreeMap;

use posthaste_core::{Account, Dialect, ModelName, ModelRules, Operation, Timestamp};
use posthaste_metering::PriceBook;
use posthaste_provider::{upstream_dialect, upstream_model};
use posthaste_wire::ModelEntry;

/// What the accounts offer and the caller may use: the vendors' catalogues, and the names that accounts give or list.
pub(crate) fn offered<'a>(
    accounts: impl IntoIterator<Item = &'a Account>,
    prices: &PriceBook,
    caller: &ModelRules,
    pinned: Option<Dialect>,
) -> Vec<ModelEntry> {
    let mut models = BTreeMap::new();
    for account in accounts.into_iter().filter(|account| account.enabled) {
        let catalogue = prices.models(account.provider).map(|price| price.model.to_string());
        for name in catalogue.chain(named_by(account)) {
            if account.serves(&name) && caller.allows(&name) && speaks(account, &name, pinned) {
                models.entry(name).or_insert(account.provider);
            }
        }
    }
    models
        .into_iter()
        .map(|(id, provider)| ModelEntry {
            display_name: display_name(&id),
            id,
            // No vendor's catalogue in the price book tells when a model came out.
            created: Timestamp::EPOCH,
            owned_by: provider.as_str().to_owned(),
        })
        .collect()
}

/// Whether a request of Chat Completions, which all paths that name a vendor take, would go to the account in the dialect
/// that the path asks for.
fn speaks(account: &Account, name: &str, pinned: Option<Dialect>) -> bool {
    let Some(pinned) = pinned else { return true };
    let name = ModelName::parse(name).map(|name| upstream_model(account, &name));
    name.is_ok_and(|name| upstream_dialect(account, Operation::Chat, pinned, &name) == Some(pinned))
}

/// Names without a `*` in an account's own lists.
fn named_by(account: &Account) -> impl Iterator<Item = String> {
    let mapped = account.model_map.0.iter().map(|(pattern, _)| pattern);
    mapped
        .chain(&account.models.allow)
        .map(|pattern| pattern.as_str().to_owned())
        .filter(|name| !name.contains('*'))
}

/// `claude-haiku-4-5` reads as `Claude Haiku 4 5`: words, as the vendors do it, without guessing at version points.
fn display_name(id: &str) -> String {
    let words = id.split(['-', '_']).filter(|word| !word.is_empty()).map(|word| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_as_words() {
        assert_eq!(display_name("claude-haiku-4-5"), "Claude Haiku 4 5");
        assert_eq!(display_name("é--x"), "É X");
    }
}
