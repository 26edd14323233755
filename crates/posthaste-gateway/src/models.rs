//! The list of models that a caller may ask for.

use std::{collections::BTreeMap, sync::Arc};

use posthaste_core::{Account, Dialect, ModelName, ModelRules, Operation, Route, Timestamp};
use posthaste_metering::{Mode, ModelPrice, PriceBook};
use posthaste_provider::upstream_dialect;
use posthaste_wire::{ModelEntry, ModelKind};

use crate::{
    asked::AskedModel,
    planning::{is_in, takes_part},
};

/// Who looks at the list.
pub(crate) struct View<'a> {
    pub(crate) prices: &'a PriceBook,
    /// The client key's rules.
    pub(crate) rules: &'a ModelRules,
    /// The operator's own models, by name.
    pub(crate) routes: &'a BTreeMap<ModelName, Arc<Route>>,
    /// The dialect in which the client would ask.
    pub(crate) dialect: Dialect,
    /// The dialect of the only vendor, if the path names one.
    pub(crate) pinned: Option<Dialect>,
    pub(crate) now: Timestamp,
}

/// What the accounts offer and the caller may use, in the order of names: the vendors' catalogues without what they have
/// retired, and the names that operators give, in accounts' own lists and maps and as aliases.
///
/// What is told of a name that several accounts offer is what the first of them has, in the order of identities.
pub(crate) fn offered<'a>(
    accounts: impl IntoIterator<Item = &'a Account>,
    view: &View<'_>,
) -> Vec<ModelEntry> {
    let accounts: Vec<_> = accounts.into_iter().filter(|account| takes_part(account, view.now)).collect();
    let mut models: BTreeMap<ModelName, ModelEntry> = BTreeMap::new();
    for account in &accounts {
        let catalogue = view.prices.models(account).filter(|model| !model.is_retired(view.now));
        let catalogue = catalogue.map(|model| model.model.clone());
        let aliases = view.prices.aliases().map(|(alias, _)| alias.clone());
        for name in catalogue.chain(aliases).chain(named_by(account)) {
            if !models.contains_key(&name)
                && let Some(entry) = entry(account, &name, view)
            {
                models.insert(name, entry);
            }
        }
    }
    for (name, route) in view.routes.iter().filter(|(name, _)| view.rules.allows(name.as_str())) {
        match routed(route, &accounts, view) {
            Some(entry) => models.insert(name.clone(), entry),
            // Its name means the route, which leads nowhere now.
            None => models.remove(name),
        };
    }
    models.into_values().collect()
}

/// What is told of a route: what its first target is that somebody serves.
fn routed(route: &Route, accounts: &[&Account], view: &View<'_>) -> Option<ModelEntry> {
    let entry = route.targets.iter().find_map(|target| {
        let asked = AskedModel::new(target.model.clone(), view.prices);
        let denied = asked.is_denied(view.rules);
        let mut accounts = accounts.iter().filter(|account| {
            !denied && asked.is_served(account) && target.place.is_none_or(|place| is_in(account, place))
        });
        accounts.find_map(|account| told(account, &target.model, &asked, view))
    })?;
    let (id, display_name) = (route.model.to_string(), display_name(route.model.as_str()));
    Some(ModelEntry { id, display_name, ..entry })
}

/// What is told of a model under a name, if the caller may ask the account for it.
fn entry(account: &Account, name: &ModelName, view: &View<'_>) -> Option<ModelEntry> {
    let asked = AskedModel::new(name.clone(), view.prices);
    if !asked.is_allowed(view.rules) || !asked.is_served(account) || asked.is_refused(account, view.prices) {
        return None;
    }
    told(account, name, &asked, view)
}

/// What is told of a model that the account serves, if the client can reach it there.
fn told(account: &Account, name: &ModelName, asked: &AskedModel, view: &View<'_>) -> Option<ModelEntry> {
    let upstream = asked.upstream(account);
    let facts = view.prices.price(account, upstream.as_str());
    // Bedrock's own names stand on its list, but what clients call the models tells more of them.
    let told = view.prices.price(account, name.as_str()).or(facts);
    let mode = told.map_or(Mode::Chat, |model| model.mode);
    if !speaks(account, mode, &upstream, view) {
        return None;
    }
    let is_itself = told.is_some_and(|model| model.model == *name);
    let own_name = told.filter(|_| is_itself).and_then(|model| model.display_name.clone());
    Some(ModelEntry {
        id: name.to_string(),
        display_name: own_name.unwrap_or_else(|| display_name(name.as_str())),
        created: told.and_then(ModelPrice::created_at).unwrap_or(Timestamp::EPOCH),
        owned_by: asked.owner().unwrap_or(account.provider.as_str()).to_owned(),
        kind: match mode {
            Mode::Chat | Mode::Responses => ModelKind::Conversation,
            Mode::Completion => ModelKind::Completion,
            Mode::Embedding => ModelKind::Embedding,
        },
        context_window: told.and_then(|model| model.context_window),
        max_output: told.and_then(|model| model.max_output),
    })
}

/// Whether the account has an endpoint for such a model that the client can reach. All paths that name a vendor take
/// conversations alone, which have to go to the account in the dialect that the path asks for.
fn speaks(account: &Account, mode: Mode, upstream: &ModelName, view: &View<'_>) -> bool {
    let operation = match mode {
        Mode::Chat | Mode::Responses => Operation::Chat,
        Mode::Completion => Operation::Completions,
        Mode::Embedding => Operation::Embeddings,
    };
    let dialect = upstream_dialect(account, operation, view.pinned.unwrap_or(view.dialect), upstream);
    match view.pinned {
        Some(pinned) => mode.is_conversation() && dialect == Some(pinned),
        None => dialect.is_some(),
    }
}

/// Names without a `*` in an account's own lists.
fn named_by(account: &Account) -> impl Iterator<Item = ModelName> {
    let mapped = account.model_map.0.iter().map(|(pattern, _)| pattern);
    mapped
        .chain(&account.models.allow)
        .filter(|pattern| !pattern.as_str().contains('*'))
        .filter_map(|pattern| ModelName::parse(pattern.as_str()).ok())
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
