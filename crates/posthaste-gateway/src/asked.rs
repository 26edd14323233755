//! The model that a request asks for.

use posthaste_core::{Account, Limit, ModelName, ModelRules};
use posthaste_metering::PriceBook;
use posthaste_provider::{owns, upstream_model};

/// A model under the name by which it was asked for, and what that stands for if it is an alias.
///
/// Rules and limits that name either mean the model; what serves and what is billed is what the alias stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AskedModel {
    name: ModelName,
    meaning: Option<ModelName>,
    /// Whose model it is, as far as its name tells.
    owner: Option<String>,
}

impl AskedModel {
    pub(crate) fn new(name: ModelName, prices: &PriceBook) -> Self {
        let meaning = prices.meaning(name.as_str()).cloned();
        let owner = prices.owner(bare(meaning.as_ref().unwrap_or(&name))).map(str::to_owned);
        Self { name, meaning, owner }
    }

    /// The name that the client used.
    pub(crate) fn name(&self) -> &ModelName {
        &self.name
    }

    /// The model itself.
    pub(crate) fn model(&self) -> &ModelName {
        self.meaning.as_ref().unwrap_or(&self.name)
    }

    fn names(&self) -> impl Iterator<Item = &str> + Clone {
        std::iter::once(&self.name).chain(&self.meaning).map(ModelName::as_str)
    }

    /// Whether a client key's or an account's rules leave it.
    pub(crate) fn is_allowed(&self, rules: &ModelRules) -> bool {
        rules.allows_by_names(self.names())
    }

    /// Whether rules keep it away by name. What a route leads to need not be allowed as well.
    pub(crate) fn is_denied(&self, rules: &ModelRules) -> bool {
        self.names().any(|name| rules.deny.iter().any(|pattern| pattern.matches(name)))
    }

    /// Whether a limit counts it.
    pub(crate) fn is_covered(&self, limit: &Limit) -> bool {
        self.names().any(|name| limit.covers(name))
    }

    /// Whether an account serves it, by the account's rules and by whose model it is.
    pub(crate) fn is_served(&self, account: &Account) -> bool {
        let is_known =
            || self.mapped(account).is_some() || owns(account, bare(self.model()), self.owner.as_deref());
        self.is_allowed(&account.models) && is_known()
    }

    /// Whose model it is, as far as its name tells, by the name of the vendor's price list.
    pub(crate) fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// Whether it may not be used at an account, since it has no price there.
    pub(crate) fn is_refused(&self, account: &Account, prices: &PriceBook) -> bool {
        prices.refuses_some() && prices.refuses(account, self.upstream(account).as_str())
    }

    /// What an account calls it.
    pub(crate) fn upstream(&self, account: &Account) -> ModelName {
        self.mapped(account).cloned().unwrap_or_else(|| upstream_model(account, self.model()))
    }

    /// What it is called in an account's health: as the account's map says, but not as its vendor does.
    pub(crate) fn in_health<'a>(&'a self, account: &'a Account) -> &'a ModelName {
        self.mapped(account).unwrap_or_else(|| self.model())
    }

    fn mapped<'a>(&self, account: &'a Account) -> Option<&'a ModelName> {
        self.names().find_map(|name| account.model_map.upstream_name(name))
    }
}

/// Gemini's names are often written as the resources that they are of.
fn bare(model: &ModelName) -> &str {
    model.as_str().strip_prefix("models/").unwrap_or(model.as_str())
}

#[cfg(test)]
mod tests {
    use posthaste_core::{ModelPattern, ProviderKind};
    use posthaste_testkit::{AccountSetters, account};

    use super::*;

    /// `fast` stands for Claude Haiku 4.5.
    fn fast() -> AskedModel {
        let json = r#"{"schema":1,"as_of":"2026-11-23","unit":"nano-USD per 1000000 tokens",
            "aliases":{"fast":"claude-haiku-4-5"}}"#;
        let prices = PriceBook::builtin().overlaid(json).unwrap();
        AskedModel::new(ModelName::parse("fast").unwrap(), &prices)
    }

    #[test]
    fn an_alias_is_served_by_those_who_have_what_it_stands_for() {
        let fast = fast();
        let served = |provider| fast.is_served(&account("one").with_provider(provider));
        assert!(served(ProviderKind::Anthropic) && served(ProviderKind::Bedrock));
        assert!(!served(ProviderKind::OpenAi) && !served(ProviderKind::Gemini));
        assert_eq!(fast.upstream(&account("one")).as_str(), "claude-haiku-4-5");
    }

    #[test]
    fn a_rule_or_a_map_that_names_either_means_the_model() {
        let fast = fast();
        let served = |account: Account| fast.is_served(&account);
        let anthropic = || account("one").with_provider(ProviderKind::Anthropic);
        assert!(served(anthropic().with_models(&["fast"])));
        assert!(served(anthropic().with_models(&["claude-haiku-*"])));
        assert!(!served(anthropic().with_models(&["claude-opus-*"])));
        let mut denied = anthropic();
        denied.models.deny = vec![ModelPattern::new("claude-haiku-*")];
        assert!(!served(denied));
        let mapped = account("one").with_provider(ProviderKind::OpenAi).with_model_name("fast", "gpt-5-mini");
        assert_eq!(fast.upstream(&mapped).as_str(), "gpt-5-mini");
        assert_eq!(fast.in_health(&mapped).as_str(), "gpt-5-mini");
        assert!(served(mapped));
        let by_meaning = anthropic().with_model_name("claude-haiku-4-5", "small");
        assert_eq!(fast.upstream(&by_meaning).as_str(), "small");
    }
}
