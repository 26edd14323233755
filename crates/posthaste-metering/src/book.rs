//! What is known of models: their prices, sizes and names, by whose list they stand on.

mod over;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Arc, LazyLock},
};

use jiff::civil::Date;
use posthaste_core::{Account, ModelName, OwnPrice, ProviderKind, Usage, UsageSource};

use crate::{
    Charge, ModelPrice, PriceBookError, Seller, UnknownModels,
    alarm::Alarm,
    believable::believable,
    catalogue::Catalogue,
    charge::{basis, charge},
    names::Names,
    own,
    places::Places,
    read::{Contents, read},
    saving::{CacheSaving, cache_saving},
    seller::{MAKERS, OTHER_LISTS},
};

/// Models with their prices, by whose list they stand on; whose names are whose; and what aliases stand for.
#[derive(Debug)]
pub struct PriceBook {
    as_of: Date,
    catalogues: BTreeMap<String, Arc<Catalogue>>,
    /// Where each model stands on them.
    places: Arc<Places>,
    names: Names,
    unknown: UnknownModels,
    /// The rows of an operator's file, which no list goes over.
    fixed: Arc<HashSet<(String, ModelName)>>,
    alarm: Alarm,
}

impl PriceBook {
    /// What comes with the program.
    pub fn builtin() -> Arc<Self> {
        static BUILTIN: LazyLock<Arc<PriceBook>> = LazyLock::new(|| {
            let book = read(BUILTIN_FILE)
                .and_then(|contents| PriceBook::new(contents, &Names::default(), BTreeMap::new(), !LISTED));
            Arc::new(book.expect("the built-in price list is well formed, as a test checks"))
        });
        Arc::clone(&BUILTIN)
    }

    /// Reads a price file that takes the place of the built-in prices. Its vendors and aliases come before the built-in ones.
    ///
    /// # Errors
    /// When any of it is not as the layout says or cannot be true; nothing of it is used then.
    pub fn parse(json: &str) -> Result<Self, PriceBookError> {
        let contents = read(json)?;
        if contents.models.is_empty() {
            return Err(PriceBookError::Empty);
        }
        Self::new(contents, &Self::builtin().names, BTreeMap::new(), LISTED)
    }

    /// This book with an operator's file over it. A row takes the place of all that the book has for the model on that list;
    /// the file's vendors and aliases come before the book's. A file of aliases alone is one, too.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn overlaid(&self, json: &str) -> Result<Self, PriceBookError> {
        let contents = read(json)?;
        let given: HashSet<_> =
            contents.models.iter().map(|row| (&*row.provider, row.model.as_str())).collect();
        let mut kept: BTreeMap<String, Catalogue> = BTreeMap::new();
        for (provider, catalogue) in &self.catalogues {
            let place = kept.entry(provider.clone()).or_default();
            for row in catalogue.rows().filter(|row| !given.contains(&(&*row.provider, row.model.as_str()))) {
                place.add(row.clone());
            }
        }
        let fixed = contents.models.iter().map(|row| (row.provider.clone(), row.model.clone()));
        let fixed = Arc::new(self.fixed.iter().cloned().chain(fixed).collect());
        Ok(Self { fixed, ..Self::new(contents, &self.names, kept, LISTED)? })
    }

    fn new(
        contents: Contents,
        names: &Names,
        mut catalogues: BTreeMap<String, Catalogue>,
        listed: bool,
    ) -> Result<Self, PriceBookError> {
        let Contents { as_of, vendors, aliases, models } = contents;
        let priced: HashSet<_> = models.iter().map(|row| row.model.clone()).collect();
        let names = names.overlaid(vendors, aliases, listed, |name| priced.contains(name))?;
        for model in models {
            catalogues.entry(model.provider.clone()).or_default().add(model);
        }
        let catalogues = catalogues.into_iter().map(|(list, rows)| (list, rows.shared())).collect();
        let places = Arc::new(Places::of(&catalogues));
        let (unknown, fixed, alarm) = (UnknownModels::default(), Arc::default(), Alarm::default());
        Ok(Self { as_of, catalogues, places, names, unknown, fixed, alarm })
    }

    /// This book with an operator's choice for models without a price.
    ///
    /// # Errors
    /// When the model whose price is to count for them has none itself.
    pub fn with_unknown(&self, unknown: UnknownModels) -> Result<Self, PriceBookError> {
        if let UnknownModels::PricedAs(model) = &unknown
            && self.example(model).is_none()
        {
            return Err(PriceBookError::NoSuchExample { model: model.to_string() });
        }
        let (catalogues, names) = (self.catalogues.clone(), self.names.clone());
        let (places, fixed) = (Arc::clone(&self.places), Arc::clone(&self.fixed));
        Ok(Self { as_of: self.as_of, catalogues, places, names, unknown, fixed, alarm: Alarm::default() })
    }

    /// This book with prices of the operator's own over it. One that cannot be true, such as a newer release may keep, is left
    /// out, and a warning is logged.
    pub fn with_own(&self, prices: &[OwnPrice]) -> Self {
        let mut rows = Vec::with_capacity(prices.len());
        for price in prices {
            match self.check_own(price) {
                Ok(row) => rows.push(row),
                Err(error) => tracing::warn!(%error, "a price of the operator's own is left out"),
            }
        }
        let given: HashSet<_> = rows.iter().map(|row| (&*row.provider, row.model.as_str())).collect();
        let mut catalogues: BTreeMap<String, Catalogue> = BTreeMap::new();
        for (provider, catalogue) in &self.catalogues {
            let place = catalogues.entry(provider.clone()).or_default();
            for row in catalogue.rows().filter(|row| !given.contains(&(&*row.provider, row.model.as_str()))) {
                place.add(row.clone());
            }
        }
        for row in rows {
            catalogues.entry(row.provider.clone()).or_default().add(row);
        }
        let catalogues = catalogues.into_iter().map(|(list, rows)| (list, rows.shared())).collect();
        let places = Arc::new(Places::of(&catalogues));
        let (names, unknown, fixed) = (self.names.clone(), self.unknown.clone(), Arc::clone(&self.fixed));
        Self { as_of: self.as_of, catalogues, places, names, unknown, fixed, alarm: Alarm::default() }
    }

    /// The row that a price of the operator's own is in this book.
    ///
    /// # Errors
    /// When it cannot be true, when no such list is looked at, or when the name is an alias.
    pub fn check_own(&self, price: &OwnPrice) -> Result<ModelPrice, PriceBookError> {
        let lists = self.lists();
        if !lists.contains(price.provider.as_str()) {
            return Err(own::unknown_list(price, &lists));
        }
        if let Some(meaning) = self.names.meaning(price.model.as_str()) {
            return Err(own::alias(price, meaning.as_str()));
        }
        let catalogue = self.catalogues.get(&price.provider);
        let base = catalogue.and_then(|list| list.models().find(|row| row.model == price.model));
        own::row(price, base)
    }

    /// The lists that models are looked up on.
    pub fn lists(&self) -> BTreeSet<&str> {
        self.catalogues.keys().map(String::as_str).chain(OTHER_LISTS).collect()
    }

    /// Whether there may be models that [`refuses`](Self::refuses) tells of.
    pub fn refuses_some(&self) -> bool {
        self.unknown == UnknownModels::Refused
    }

    /// Whether a model may not be served, since it has no price.
    pub fn refuses<'a>(&self, seller: impl Into<Seller<'a>>, model: &str) -> bool {
        self.refuses_some() && self.find(&seller.into(), model).is_none()
    }

    /// The day whose prices these are: of the file that was read last.
    pub fn as_of(&self) -> Date {
        self.as_of
    }

    /// A model's price at a seller: the name must stand in the list, a dated one too; there is no guessing.
    ///
    /// A vendor that speaks another's dialect has no list of its own, unless its preset tells the vendor: that one's is tried
    /// first, then that of the dialect's inventor, then all others.
    pub fn price<'a>(&self, seller: impl Into<Seller<'a>>, model: &str) -> Option<&ModelPrice> {
        self.find(&seller.into(), model).map(|(_, price)| price)
    }

    /// What prompt caches save at a seller, for the counts of any number of exchanges with a model, which may be an alias;
    /// `None` where a price is not known that this needs.
    pub fn cache_saving<'a>(
        &self,
        seller: impl Into<Seller<'a>>,
        model: &str,
        usage: &Usage,
    ) -> Option<CacheSaving> {
        let seller = seller.into();
        let meant = || self.find(&seller, self.names.meaning(model)?.as_str());
        let (_, price) = self.find(&seller, model).or_else(meant)?;
        cache_saving(price, usage)
    }

    /// What an exchange costs, on the terms that its usage tells. Counts beyond belief are cut down, and a warning is logged
    /// once for the model.
    ///
    /// A model without a price costs what the operator chose for such models: what another one costs, or nothing that is
    /// known, in which case the basis is `Unpriced`. A warning is logged once for the model.
    pub fn charge<'a>(
        &self,
        seller: impl Into<Seller<'a>>,
        model: &str,
        usage: &Usage,
        source: UsageSource,
    ) -> Charge {
        if source == UsageSource::None {
            return Charge::nothing(*usage);
        }
        let seller = seller.into();
        let found = self.find(&seller, model);
        let (usage, was_cut) = {
            let told = usage;
            let (usage, was_cut) = believable(found.map(|(_, price)| price), told);
            if was_cut {
                self.alarm.absurd(seller.provider, model, told);
            }
            (usage, was_cut)
        };
        let cost = found.and_then(|(catalogue, price)| charge(price, catalogue.dearest_web_search, &usage));
        match cost {
            Some(cost) => Charge { cost, basis: basis(source, was_cut, false), usage },
            None => {
                self.alarm.unpriced(seller.provider, model, &self.unknown);
                let assumed = self
                    .assumed()
                    .and_then(|(catalogue, price)| charge(price, catalogue.dearest_web_search, &usage));
                match assumed {
                    Some(cost) => Charge { cost, basis: basis(source, was_cut, true), usage },
                    None => Charge::unpriced(usage),
                }
            }
        }
    }

    /// The vendor whose models have such names, by the name of its list; `None` for a name that tells nothing.
    pub fn owner(&self, model: &str) -> Option<&str> {
        self.names.owner(model)
    }

    /// The model that an alias stands for; `None` for a name that is no alias.
    pub fn meaning(&self, alias: &str) -> Option<&ModelName> {
        self.names.meaning(alias)
    }

    /// The operator's aliases, each with the model that it stands for, by name.
    pub fn aliases(&self) -> impl Iterator<Item = (&ModelName, &ModelName)> {
        self.names
            .aliases()
            .filter(|(_, meaning)| meaning.listed)
            .map(|(alias, meaning)| (alias, &meaning.model))
    }

    /// Every row of every list, names that lists of models leave out included.
    pub fn rows(&self) -> impl Iterator<Item = &ModelPrice> {
        self.catalogues.values().flat_map(|list| list.rows())
    }

    /// What an account may be taken to offer, as far as its own rules for models allow it: what stands on its vendor's list.
    /// Where the vendor is not known, the rules tell what it has of all that is known, and without such rules nothing does.
    pub fn models<'b>(&'b self, account: &Account) -> impl Iterator<Item = &'b ModelPrice> + use<'b> {
        let seller = Seller::from(account);
        let lists = match self.names.sold_by(seller.preset) {
            Some(vendor) => vec![vendor],
            None if !seller.is_compatible() => seller.own_lists().to_vec(),
            None if account.models.allow.is_empty() => Vec::new(),
            None => OTHER_LISTS[..MAKERS].to_vec(),
        };
        let lists = lists.into_iter().filter_map(|list| self.catalogues.get(list));
        lists.flat_map(|list| list.models()).filter(|model| !model.unlisted)
    }

    /// The model whose price counts for those that have none.
    fn assumed(&self) -> Option<(&Catalogue, &ModelPrice)> {
        match &self.unknown {
            UnknownModels::PricedAs(model) => self.example(model),
            UnknownModels::Unpriced | UnknownModels::Refused => None,
        }
    }

    fn example(&self, model: &ModelName) -> Option<(&Catalogue, &ModelPrice)> {
        let model = self.names.meaning(model.as_str()).unwrap_or(model);
        self.places.of_model(model.as_str())?.anywhere()
    }

    fn find(&self, seller: &Seller<'_>, model: &str) -> Option<(&Catalogue, &ModelPrice)> {
        let found = self.places.of_model(model)?;
        let sold = self.names.sold_by(seller.preset);
        let mut lists = sold.into_iter().chain(seller.own_lists().iter().copied());
        lists.find_map(|list| found.on(list)).or_else(|| match seller.provider {
            _ if seller.is_compatible() => found.anywhere(),
            // The imitation answers to everybody's names.
            ProviderKind::Sandbox => {
                ["openai", "gemini", "bedrock"].into_iter().find_map(|list| found.on(list))
            }
            _ => None,
        })
    }
}

const BUILTIN_FILE: &str = include_str!("../data/models.json");

/// Lists of models name an operator's aliases, but not the program's, which are other spellings.
const LISTED: bool = true;

#[cfg(test)]
mod finding;

#[cfg(test)]
mod tests {
    use posthaste_core::{CostBasis, ModelPattern, PresetName};
    use posthaste_testkit::account as any_account;
    use rstest::rstest;

    use super::*;

    fn account(provider: ProviderKind, preset: &str) -> Account {
        Account { provider, preset: PresetName(preset.to_owned()), ..any_account("one") }
    }

    #[test]
    fn the_built_in_list_is_well_formed() {
        let book = PriceBook::parse(BUILTIN_FILE).unwrap();
        assert_eq!(book.as_of().to_string(), "2026-11-23");
    }

    #[test]
    fn every_built_in_list_can_be_looked_up() {
        let book = PriceBook::builtin();
        for name in book.catalogues.keys() {
            assert!(OTHER_LISTS.contains(&name.as_str()) || name == "sandbox", "{name}");
        }
    }

    #[rstest]
    #[case("claude-of-tomorrow", Some("anthropic"))]
    #[case("gpt-5.4", Some("openai"))]
    #[case("o3-mini", Some("openai"))]
    #[case("gemini-3-pro", Some("gemini"))]
    #[case("us.anthropic.claude-x-v1:0", Some("bedrock"))]
    #[case("amazon.nova-lite-v1:0", Some("bedrock"))]
    #[case("arn:aws:bedrock:us-east-1:000000000000:inference-profile/x", Some("bedrock"))]
    #[case("deepseek-chat", Some("deepseek"))]
    #[case("glm-5.3", Some("zhipu"))]
    #[case("mine", None)]
    fn a_name_tells_its_vendor(#[case] model: &str, #[case] owner: Option<&str>) {
        assert_eq!(PriceBook::builtin().owner(model), owner);
    }

    /// What stands on the list of a vendor with names of its own must not be taken for another vendor's.
    #[test]
    fn listed_models_are_their_vendors_or_nobodys() {
        let book = PriceBook::builtin();
        for list in ["anthropic", "openai", "gemini", "bedrock", "deepseek", "moonshot", "zhipu"] {
            for model in book.catalogues[list].models().filter(|model| !model.unlisted) {
                let owner = book.owner(model.model.as_str());
                let at_bedrock = list == "bedrock" && owner == Some("anthropic");
                assert!(
                    owner.is_none_or(|owner| owner == list) || at_bedrock,
                    "{} is {owner:?}'s",
                    model.model
                );
            }
        }
    }

    #[test]
    fn built_in_aliases_stand_for_priced_models_and_are_not_listed() {
        let book = PriceBook::builtin();
        assert_eq!(book.meaning("claude-haiku-4.5").unwrap().as_str(), "claude-haiku-4-5");
        for (alias, meaning) in book.names.aliases() {
            assert!(book.price(ProviderKind::Anthropic, meaning.model.as_str()).is_some(), "{alias}");
        }
        assert_eq!(book.aliases().count(), 0);
    }

    fn models(book: &PriceBook, preset: &str, provider: ProviderKind, allow: &[&str]) -> Vec<String> {
        let mut account = account(provider, preset);
        account.models.allow = allow.iter().copied().map(ModelPattern::new).collect();
        let models = book.models(&account).map(|model| model.model.to_string());
        models.filter(|model| account.serves(model)).collect()
    }

    #[test]
    fn an_account_offers_its_vendors_list() {
        let book = PriceBook::builtin();
        let deepseek = models(&book, "deepseek", ProviderKind::OpenAiCompatible, &[]);
        assert!(!deepseek.is_empty() && deepseek.iter().all(|model| model.starts_with("deepseek-")));
        let claude = models(&book, "anthropic", ProviderKind::Anthropic, &[]);
        assert!(claude.iter().all(|model| model.starts_with("claude-")) && claude.len() == 22);
    }

    #[test]
    fn an_account_of_an_unknown_vendor_offers_what_its_rules_allow_of_all_that_is_known() {
        let book = PriceBook::builtin();
        assert_eq!(models(&book, "ollama", ProviderKind::OpenAiCompatible, &[]), Vec::<String>::new());
        let some = models(&book, "ollama", ProviderKind::OpenAiCompatible, &["glm-5.3", "claude-opus-5*"]);
        assert_eq!(some, ["claude-opus-5", "claude-opus-5-5", "glm-5.3"]);
    }

    fn over(json: &str) -> PriceBook {
        let head = r#""schema":1,"as_of":"2026-11-24","unit":"nano-USD per 1000000 tokens""#;
        PriceBook::builtin().overlaid(&format!("{{{head},{json}}}")).unwrap()
    }

    #[test]
    fn an_operators_file_over_the_book_replaces_and_adds_rows_and_keeps_the_rest() {
        let row = |list: &str, model: &str, input: u64| {
            format!(
                r#"{{"provider":"{list}","model":"{model}","mode":"chat","standard":{{"price":{{"input":{input},"output":7}}}}}}"#
            )
        };
        let rows = [row("anthropic", "claude-haiku-4-5", 5), row("mine", "own-1", 6)].join(",");
        let vendor = r#""vendors":[{"provider":"mine","names":["own-*"],"presets":["vllm"]}]"#;
        let book = over(&format!(r#"{vendor},"aliases":{{"fast":"own-1"}},"models":[{rows}]"#));
        let input = |seller: ProviderKind, model: &str| {
            book.price(seller, model)
                .and_then(|price| price.standard.price.input)
                .unwrap()
                .nanos_per_million()
        };
        assert_eq!(input(ProviderKind::Anthropic, "claude-haiku-4-5"), 5);
        assert_eq!(input(ProviderKind::Anthropic, "claude-opus-5"), 5_000_000_000);
        assert_eq!(input(ProviderKind::OpenAiCompatible, "own-1"), 6);
        assert_eq!(book.owner("own-2"), Some("mine"));
        assert_eq!(book.aliases().map(|(alias, _)| alias.as_str()).collect::<Vec<_>>(), ["fast"]);
        assert_eq!(models(&book, "vllm", ProviderKind::OpenAiCompatible, &[]), ["own-1"]);
        assert_eq!(book.as_of().to_string(), "2026-11-24");
    }

    #[test]
    fn an_unknown_model_is_booked_as_the_operator_chose() {
        let model = |name: &str| ModelName::parse(name).unwrap();
        let usage = Usage { input: 1_000, ..Usage::NONE };
        let choose = |unknown| PriceBook::builtin().with_unknown(unknown).unwrap();
        let charge = |book: &PriceBook, name: &str| {
            let charge = book.charge(ProviderKind::Anthropic, name, &usage, UsageSource::Reported);
            (charge.cost.as_nanos(), charge.basis)
        };
        let assuming = choose(UnknownModels::PricedAs(model("claude-opus-5")));
        assert_eq!(charge(&assuming, "nobody-knows"), (5_000_000, CostBasis::Assumed));
        assert_eq!(charge(&assuming, "claude-haiku-4-5"), (1_000_000, CostBasis::Priced));
        let refusing = choose(UnknownModels::Refused);
        assert!(refusing.refuses(ProviderKind::Anthropic, "nobody-knows"));
        assert!(!refusing.refuses(ProviderKind::Anthropic, "claude-haiku-4-5"));
        let plain = PriceBook::builtin();
        assert!(!plain.refuses(ProviderKind::Anthropic, "nobody-knows"));
        assert_eq!(charge(&plain, "nobody-knows"), (0, CostBasis::Unpriced));
        let example = UnknownModels::PricedAs(model("nobody-knows-either"));
        assert!(plain.with_unknown(example).is_err());
    }

    #[test]
    fn a_file_in_place_of_the_prices_keeps_the_built_in_names() {
        let json = r#"{"schema":1,"as_of":"2026-11-23","unit":"nano-USD per 1000000 tokens","models":[
            {"provider":"anthropic","model":"m","mode":"chat","standard":{"price":{"input":1}}}]}"#;
        let book = PriceBook::parse(json).unwrap();
        assert_eq!((book.owner("gpt-5"), book.price(ProviderKind::OpenAi, "gpt-5")), (Some("openai"), None));
        let names = json.replace(r#""models":["#, r#""aliases":{"a":"b"},"models":[],"vendors":["#);
        let names = &names[..names.find(r#"{"provider""#).unwrap()];
        assert!(matches!(PriceBook::parse(&format!("{names}]}}")), Err(PriceBookError::Empty)));
    }

    #[test]
    fn every_anthropic_model_is_whole() {
        let book = PriceBook::builtin();
        for model in book.catalogues["anthropic"].models() {
            let price = &model.standard.price;
            let classes =
                [price.input, price.output, price.cache_read, price.cache_write, price.cache_write_1h];
            assert!(classes.iter().all(Option::is_some), "{}", model.model);
            assert!(model.context_window.is_some() && model.max_output.is_some(), "{}", model.model);
        }
        assert_eq!(book.catalogues["anthropic"].models().count(), 22);
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
        assert_eq!(provider(ProviderKind::Sandbox, "gpt-5.4"), Some("openai"));
        assert_eq!(provider(ProviderKind::Sandbox, "gemini-2.5-pro"), Some("gemini"));
        assert_eq!(provider(ProviderKind::Sandbox, "amazon.nova-lite-v1:0"), Some("bedrock"));
        assert_eq!(provider(ProviderKind::Sandbox, "deepseek-chat"), None);
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
