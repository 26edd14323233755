//! The models by provider.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use jiff::civil::Date;
use posthaste_core::{ProviderKind, Usage, UsageSource};

use crate::{Charge, Mode, ModelPrice, PriceBookError, TokenPrice, alarm::Alarm, charge::charge, read::read};

/// Prices of models, by whose list they stand on.
#[derive(Debug)]
pub struct PriceBook {
    as_of: Date,
    catalogues: HashMap<String, Catalogue>,
    alarm: Alarm,
}

impl PriceBook {
    /// The price list that comes with the program.
    pub fn builtin() -> Arc<Self> {
        static BUILTIN: LazyLock<Arc<PriceBook>> = LazyLock::new(|| {
            let book = PriceBook::parse(include_str!("../data/prices.json"));
            Arc::new(book.expect("the built-in price list is well formed, as a test checks"))
        });
        Arc::clone(&BUILTIN)
    }

    /// Reads a price file.
    ///
    /// # Errors
    /// When any of it is not as the layout says or cannot be true; nothing of it is used then.
    pub fn parse(json: &str) -> Result<Self, PriceBookError> {
        let (as_of, models) = read(json)?;
        let mut catalogues: HashMap<String, Catalogue> = HashMap::new();
        for model in models {
            catalogues.entry(model.provider.clone()).or_default().add(model);
        }
        Ok(Self { as_of, catalogues, alarm: Alarm::default() })
    }

    /// The day whose prices these are.
    pub fn as_of(&self) -> Date {
        self.as_of
    }

    /// A model's price for accounts of `provider`: the name must stand in the list, a dated one too; there is no guessing.
    ///
    /// A vendor that speaks another's dialect has no list of its own: Anthropic's is tried first, then all others.
    pub fn price(&self, provider: ProviderKind, model: &str) -> Option<&ModelPrice> {
        self.find(provider, model).map(|(_, price)| price)
    }

    /// What an exchange costs.
    ///
    /// A model without a price costs nothing that is known: the basis is `Unpriced` then, and a warning is logged once
    /// for the model.
    pub fn charge(&self, provider: ProviderKind, model: &str, usage: &Usage, source: UsageSource) -> Charge {
        if source == UsageSource::None {
            return Charge::NOTHING;
        }
        let cost = self
            .find(provider, model)
            .and_then(|(catalogue, price)| charge(price, catalogue.dearest_web_search, usage));
        match cost {
            Some(cost) => Charge::priced(cost, source),
            None => {
                self.alarm.unpriced(provider, model);
                Charge::UNPRICED
            }
        }
    }

    /// The chat models that accounts of `provider` may be asked for, for lists of models. Each name comes once.
    pub fn models(&self, provider: ProviderKind) -> impl Iterator<Item = &ModelPrice> {
        own_lists(provider)
            .iter()
            .filter_map(|name| self.catalogues.get(*name))
            .flat_map(Catalogue::models)
            .filter(|model| matches!(model.mode, Mode::Chat | Mode::Responses))
    }

    fn find(&self, provider: ProviderKind, model: &str) -> Option<(&Catalogue, &ModelPrice)> {
        let others: &[&str] = match provider {
            ProviderKind::AnthropicCompatible | ProviderKind::OpenAiCompatible => &OTHER_LISTS,
            // The imitation answers to everybody's names.
            ProviderKind::Sandbox => &["openai", "gemini", "bedrock"],
            _ => &[],
        };
        own_lists(provider).iter().chain(others).find_map(|name| {
            let catalogue = self.catalogues.get(*name)?;
            Some((catalogue, catalogue.get(model)?))
        })
    }
}

/// One provider's list.
#[derive(Debug, Default)]
struct Catalogue {
    models: Vec<ModelPrice>,
    by_name: HashMap<String, usize>,
    dearest_web_search: Option<TokenPrice>,
}

impl Catalogue {
    /// Where a model stands on several sheets, the one without a route is the provider's plain price; otherwise the first
    /// counts.
    fn add(&mut self, model: ModelPrice) {
        self.dearest_web_search = self.dearest_web_search.max(model.web_search_per_1k);
        let index = self.models.len();
        let place = self.by_name.entry(model.model.as_str().to_owned()).or_insert(index);
        if model.route.is_none() {
            *place = index;
        }
        self.models.push(model);
    }

    fn get(&self, model: &str) -> Option<&ModelPrice> {
        self.by_name.get(model).map(|&index| &self.models[index])
    }

    fn models(&self) -> impl Iterator<Item = &ModelPrice> {
        self.models.iter().enumerate().filter_map(|(index, model)| {
            (self.by_name.get(model.model.as_str()) == Some(&index)).then_some(model)
        })
    }
}

/// The lists that name a provider's models. The sandbox imitates Anthropic's beside its own.
const fn own_lists(provider: ProviderKind) -> &'static [&'static str] {
    match provider {
        ProviderKind::Anthropic | ProviderKind::AnthropicCompatible => &["anthropic"],
        ProviderKind::OpenAi | ProviderKind::OpenAiCompatible => &["openai"],
        ProviderKind::AzureOpenAi => &["azure", "openai"],
        ProviderKind::Gemini => &["gemini"],
        ProviderKind::Bedrock => &["bedrock"],
        ProviderKind::Sandbox => &["sandbox", "anthropic"],
    }
}

/// The order in which a name is looked for when the vendor is not known: those who make models before those who resell
/// them.
const OTHER_LISTS: [&str; 10] = [
    "zhipu",
    "moonshot",
    "deepseek",
    "dashscope",
    "openai",
    "gemini",
    "amazon_nova",
    "vertex",
    "bedrock",
    "azure",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_list_is_well_formed() {
        let book = PriceBook::parse(include_str!("../data/prices.json")).unwrap();
        assert_eq!(book.as_of().to_string(), "2026-11-23");
    }

    #[test]
    fn every_built_in_list_can_be_looked_up() {
        let book = PriceBook::builtin();
        for name in book.catalogues.keys() {
            let known = OTHER_LISTS.contains(&name.as_str())
                || own_lists(ProviderKind::Sandbox).contains(&name.as_str());
            assert!(known, "{name}");
        }
    }

    #[test]
    fn every_anthropic_model_is_whole() {
        for model in PriceBook::builtin().models(ProviderKind::Anthropic) {
            let price = &model.standard.price;
            let classes =
                [price.input, price.output, price.cache_read, price.cache_write, price.cache_write_1h];
            assert!(classes.iter().all(Option::is_some), "{}", model.model);
            assert!(model.context_window.is_some() && model.max_output.is_some(), "{}", model.model);
        }
        assert_eq!(PriceBook::builtin().models(ProviderKind::Anthropic).count(), 22);
    }

    #[test]
    fn a_compatible_vendor_is_looked_up_everywhere_and_anthropic_only_at_home() {
        let book = PriceBook::builtin();
        let provider = |kind, model| book.price(kind, model).map(|price| price.provider.as_str());
        assert_eq!(provider(ProviderKind::AnthropicCompatible, "claude-sonnet-4-5"), Some("anthropic"));
        assert_eq!(provider(ProviderKind::AnthropicCompatible, "deepseek-chat"), Some("deepseek"));
        assert_eq!(provider(ProviderKind::Anthropic, "deepseek-chat"), None);
        assert_eq!(provider(ProviderKind::Sandbox, "sandbox-fast"), Some("sandbox"));
        assert_eq!(provider(ProviderKind::Sandbox, "claude-haiku-4-5"), Some("anthropic"));
        assert_eq!(provider(ProviderKind::Anthropic, "sandbox-fast"), None);
    }

    #[test]
    fn a_dated_name_is_found_only_where_it_is_listed() {
        let book = PriceBook::builtin();
        assert!(book.price(ProviderKind::Anthropic, "claude-haiku-4-5-20251001").is_some());
        assert!(book.price(ProviderKind::Anthropic, "claude-haiku-4-5-20990101").is_none());
        assert!(book.price(ProviderKind::Anthropic, "claude-haiku").is_none());
    }

    #[test]
    fn the_sheet_without_a_route_is_the_plain_price() {
        let row = |route: &str, input: u64| {
            format!(
                r#"{{"provider":"azure","model":"m","mode":"chat"{route},"standard":{{"price":{{"input":{input}}}}}}}"#
            )
        };
        let rows = [row(r#","route":"a""#, 1), row("", 2), row(r#","route":"b""#, 3)].join(",");
        let json = format!(
            r#"{{"schema":1,"as_of":"2026-11-23","unit":"nano-USD per 1000000 tokens","models":[{rows}]}}"#
        );
        let book = PriceBook::parse(&json).unwrap();
        let price = book.price(ProviderKind::AnthropicCompatible, "m").unwrap();
        assert_eq!(price.route, None);
        assert_eq!(book.catalogues["azure"].models().count(), 1);
    }
}
