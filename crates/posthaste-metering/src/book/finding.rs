//! What is found with one look is what is found by going through the lists one after another.

use std::{collections::HashMap, sync::LazyLock};

use proptest::prelude::*;

use super::*;

/// The lists in the plainest form: for each the row that counts for a model.
struct Lists<'a> {
    rows: BTreeMap<&'a str, HashMap<&'a str, &'a ModelPrice>>,
    names: &'a Names,
}

impl<'a> Lists<'a> {
    fn of(book: &'a PriceBook) -> Self {
        let mut rows: BTreeMap<_, HashMap<_, _>> = BTreeMap::new();
        for (list, catalogue) in &book.catalogues {
            let rows = rows.entry(list.as_str()).or_default();
            for row in catalogue.rows() {
                let place = rows.entry(row.model.as_str()).or_insert(row);
                if row.route.is_none() {
                    *place = row;
                }
            }
        }
        Self { rows, names: &book.names }
    }

    fn on(&self, list: &str, model: &str) -> Option<&'a ModelPrice> {
        self.rows.get(list)?.get(model).copied()
    }

    fn anywhere(&self, model: &str) -> Option<&'a ModelPrice> {
        OTHER_LISTS.into_iter().chain(self.rows.keys().copied()).find_map(|list| self.on(list, model))
    }

    fn find(&self, seller: &Seller<'_>, model: &str) -> Option<&'a ModelPrice> {
        let sold = self.names.sold_by(seller.preset).and_then(|list| self.on(list, model));
        let own = || seller.own_lists().iter().find_map(|list| self.on(list, model));
        sold.or_else(own).or_else(|| match seller.provider {
            ProviderKind::AnthropicCompatible | ProviderKind::OpenAiCompatible => self.anywhere(model),
            ProviderKind::Sandbox => {
                ["openai", "gemini", "bedrock"].into_iter().find_map(|list| self.on(list, model))
            }
            _ => None,
        })
    }

    fn models(&self) -> impl Iterator<Item = &'a str> {
        self.rows.values().flat_map(|rows| rows.keys().copied())
    }
}

fn agree(book: &PriceBook, lists: &Lists<'_>, seller: Seller<'_>, model: &str) {
    let found = book.find(&seller, model);
    let expected = lists.find(&seller, model);
    let address = |price: &ModelPrice| std::ptr::from_ref(price);
    assert_eq!(
        found.map(|(_, price)| address(price)),
        expected.map(address),
        "{model} at {seller:?}: {found:?}, {expected:?}"
    );
    if let Some((catalogue, price)) = found {
        assert!(
            std::ptr::eq(catalogue, &*book.catalogues[&price.provider]),
            "{model} at {seller:?} with its own list"
        );
    }
}

const PRESETS: [&str; 9] =
    ["", "anthropic", "deepseek", "moonshot", "zhipu", "zai", "dashscope", "mine", "nobody"];

const KINDS: [ProviderKind; 8] = [
    ProviderKind::Anthropic,
    ProviderKind::AnthropicCompatible,
    ProviderKind::OpenAi,
    ProviderKind::OpenAiCompatible,
    ProviderKind::AzureOpenAi,
    ProviderKind::Gemini,
    ProviderKind::Bedrock,
    ProviderKind::Sandbox,
];

/// The built-in book with a file over it: a list and a vendor of its own, models that are on other lists, too, and sheets of
/// several routes.
static OVERLAID: LazyLock<PriceBook> = LazyLock::new(|| {
    let row = |list: &str, model: &str, route: &str| {
        format!(
            r#"{{"provider":"{list}","model":"{model}","mode":"chat"{route},"standard":{{"price":{{"input":5}}}}}}"#
        )
    };
    let rows = [
        row("mine", "claude-haiku-4-5", ""),
        row("mine", "own-1", r#","route":"a""#),
        row("mine", "own-1", r#","route":"b""#),
        row("azure", "own-2", r#","route":"a""#),
        row("azure", "own-2", ""),
        row("azure", "deepseek-chat", ""),
        row("sandbox", "gpt-5.4", ""),
    ]
    .join(",");
    let head = r#""schema":1,"as_of":"2026-11-24","unit":"nano-USD per 1000000 tokens""#;
    let vendor = r#""vendors":[{"provider":"mine","names":["own-*"],"presets":["mine"]}]"#;
    PriceBook::builtin().overlaid(&format!("{{{head},{vendor},\"models\":[{rows}]}}")).unwrap()
});

#[test]
fn every_model_is_found_as_by_going_through_the_lists() {
    for book in [&*PriceBook::builtin(), &*OVERLAID] {
        let lists = Lists::of(book);
        let mut found = 0;
        for model in lists.models() {
            for provider in KINDS {
                for preset in PRESETS {
                    agree(book, &lists, Seller { provider, preset }, model);
                    found += usize::from(book.find(&Seller { provider, preset }, model).is_some());
                }
            }
        }
        assert!(found > 1_000, "{found} of them are there at all");
    }
}

proptest! {
    #[test]
    fn so_is_every_other_name(
        kind in prop::sample::select(KINDS.as_slice()),
        preset in prop_oneof![prop::sample::select(PRESETS.as_slice()).prop_map(str::to_owned), ".{0,9}"],
        model in prop_oneof![
            ".{0,40}",
            "(claude|gpt|gemini|own|deepseek)-[a-z0-9.-]{0,12}",
            (any::<prop::sample::Index>(), any::<prop::sample::Index>(), ".{0,2}").prop_map(|(which, cut, more)| {
                let lists = Lists::of(&OVERLAID);
                let models: Vec<_> = lists.models().collect();
                let mut model = (*which.get(&models)).to_owned();
                // A name that is nearly one.
                let end = cut.index(model.len() + 1);
                if model.is_char_boundary(end) {
                    model.truncate(end);
                }
                model + &more
            }),
        ],
    ) {
        for book in [&*PriceBook::builtin(), &*OVERLAID] {
            agree(book, &Lists::of(book), Seller { provider: kind, preset: &preset }, &model);
        }
    }
}
