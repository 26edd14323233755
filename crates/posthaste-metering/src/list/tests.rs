use jiff::civil::date;
use posthaste_core::{CostBasis, ProviderKind, Timestamp, Usage, UsageSource};
use rstest::rstest;

use super::*;
use crate::{PriceBook, TokenPrice};

fn read_public(entries: &str) -> ReadList {
    PriceList::read(&format!("{{{entries}}}"), Timestamp::EPOCH).unwrap()
}

const CHAT: &str = r#""litellm_provider":"anthropic","mode":"chat""#;

fn entry(name: &str, more: &str) -> String {
    format!(r#""{name}":{{{CHAT},{more}}}"#)
}

fn one(more: &str) -> ModelPrice {
    let read = read_public(&entry("m", more));
    assert_eq!((read.refused.len(), read.skipped), (0, 0));
    read.list.models()[0].clone()
}

fn nanos(price: Option<TokenPrice>) -> Option<u64> {
    price.map(TokenPrice::nanos_per_million)
}

#[test]
fn an_entry_of_the_public_form_is_read_with_its_steps_tiers_and_factors() {
    let row = one(
        r#""input_cost_per_token":1e-07,"output_cost_per_token":5e-07,"cache_read_input_token_cost":1e-08,
        "cache_creation_input_token_cost":1.25e-07,"cache_creation_input_token_cost_above_1hr":2e-07,
        "input_cost_per_token_above_100k_tokens":5e-07,
        "cache_creation_input_token_cost_above_1hr_above_100k_tokens":1e-06,
        "input_cost_per_token_batches":5e-08,"input_cost_per_token_above_100k_tokens_batches":2.5e-07,
        "output_cost_per_token_priority":1e-06,"output_cost_per_reasoning_token":null,
        "search_context_cost_per_query":{"search_context_size_low":0.02,"search_context_size_medium":0.01},
        "provider_specific_entry":{"us":1.1,"fast":2},"max_input_tokens":1000000,"max_output_tokens":"unknown",
        "deprecation_date":"2027-01-20","supports_vision":true,"output_cost_per_second":0.5"#,
    );
    let PriceRow { input, output, cache_read, cache_write, cache_write_1h } = PriceRow::of(&row);
    assert_eq!((input, output), (Some(100_000_000), Some(500_000_000)));
    assert_eq!((cache_read, cache_write), (Some(10_000_000), Some(125_000_000)));
    assert_eq!(cache_write_1h, Some(200_000_000));
    let step = &row.standard.above[0];
    assert_eq!((step.input_tokens_over, nanos(step.price.cache_write_1h)), (100_000, Some(1_000_000_000)));
    let batch = row.tiers.batch.as_ref().unwrap();
    assert_eq!(nanos(batch.above[0].price.input), Some(250_000_000));
    assert_eq!(nanos(row.tiers.priority.as_ref().unwrap().price.output), Some(1_000_000_000));
    assert_eq!((row.multipliers_per_mille.us, row.multipliers_per_mille.fast), (Some(1_100), Some(2_000)));
    assert_eq!(nanos(row.web_search_per_1k), Some(10_000_000_000));
    assert_eq!((row.context_window, row.max_output), (Some(1_000_000), None));
    assert_eq!(row.deprecated, Some(date(2027, 1, 20)));
}

struct PriceRow {
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    cache_write_1h: Option<u64>,
}

impl PriceRow {
    fn of(row: &ModelPrice) -> Self {
        let price = row.standard.price;
        Self {
            input: nanos(price.input),
            output: nanos(price.output),
            cache_read: nanos(price.cache_read),
            cache_write: nanos(price.cache_write),
            cache_write_1h: nanos(price.cache_write_1h),
        }
    }
}

#[test]
fn prices_by_ranges_of_the_prompt_become_steps() {
    let row = one(r#""tiered_pricing":[
            {"range":[0,32000.0],"input_cost_per_token":1e-06,"output_cost_per_token":2e-06},
            {"range":[32000.0,128000.0],"input_cost_per_token":3e-06,"output_cost_per_token":4e-06}]"#);
    assert_eq!(nanos(row.standard.price.input), Some(1_000_000_000));
    let step = &row.standard.above[0];
    assert_eq!((step.input_tokens_over, nanos(step.price.output)), (31_999, Some(4_000_000_000)));
}

/// A vendor that states a write price of nothing bills writes as input.
#[test]
fn writes_to_a_cache_are_never_free() {
    let row = one(r#""input_cost_per_token":1e-06,"cache_creation_input_token_cost":0.0"#);
    assert_eq!(row.standard.price.cache_write, None);
}

#[rstest]
#[case::negative(r#""input_cost_per_token":-1e-06"#, "below zero")]
#[case::text(r#""input_cost_per_token":"NaN""#, "no number")]
#[case::absurd(r#""input_cost_per_token":0.5"#, "beyond belief")]
#[case::absurd_step(
    r#""input_cost_per_token":1e-6,"input_cost_per_token_above_200k_tokens":2"#,
    "beyond belief"
)]
#[case::factor(r#""input_cost_per_token":1e-6,"provider_specific_entry":{"us":0}"#, "multiplier")]
#[case::ranges(r#""tiered_pricing":{"range":1}"#, "no list of ranges")]
fn an_entry_that_cannot_be_true_is_refused_and_the_others_are_taken(#[case] more: &str, #[case] why: &str) {
    let read = read_public(&[entry("good", r#""input_cost_per_token":1e-06"#), entry("bad", more)].join(","));
    assert_eq!(read.list.models().len(), 1);
    assert_eq!(read.refused[0].name, "bad");
    assert!(read.refused[0].why.contains(why), "{}", read.refused[0].why);
}

#[test]
fn what_is_not_priced_here_is_passed_over() {
    let read = read_public(
        r#""a":{"litellm_provider":"anthropic","mode":"chat","input_cost_per_token":1e-06},
        "b":{"litellm_provider":"nobody","mode":"chat","input_cost_per_token":-1},
        "c":{"litellm_provider":"openai","mode":"image_generation","input_cost_per_token":1e-06},
        "d":{"litellm_provider":"openai","mode":"chat","input_cost_per_second":1},
        "sample_spec":{"litellm_provider":"one of them","mode":"one of those"}"#,
    );
    assert_eq!((read.form, read.list.models().len(), read.skipped), (ListForm::Public, 1, 4));
}

#[test]
fn names_lose_what_routers_put_before_them() {
    let entry = |name: &str, vendor: &str, price: &str| {
        format!(r#""{name}":{{"litellm_provider":"{vendor}","mode":"chat","input_cost_per_token":{price}}}"#)
    };
    let read = read_public(
        &[
            entry("azure/eu/gpt-5", "azure", "1e-6"),
            entry("vertex_ai/claude-x", "vertex_ai-anthropic_models", "1e-6"),
            entry("bedrock/us-east-1/m", "bedrock_converse", "1e-6"),
            entry("zai/glm-9", "zai", "1e-6"),
            // The vendor's own row counts, whichever stands first.
            entry("deepseek-chat", "deepseek", "2e-6"),
            entry("deepseek/deepseek-chat", "deepseek", "1e-6"),
            // But for a price of nothing.
            entry("gemini-exp", "gemini", "3e-6"),
            entry("gemini/gemini-exp", "gemini", "0"),
        ]
        .join(","),
    );
    let names: Vec<_> = read
        .list
        .models()
        .iter()
        .map(|row| format!("{} {} {}", row.provider, row.model, row.route.as_deref().unwrap_or("-")))
        .collect();
    assert_eq!(
        names,
        [
            "azure eu/gpt-5 -",
            "bedrock us-east-1/m bedrock_converse",
            "deepseek deepseek-chat -",
            "gemini gemini-exp -",
            "vertex claude-x vertex_ai-anthropic_models",
            "zhipu glm-9 zai",
        ]
    );
    let input = |row: usize| nanos(read.list.models()[row].standard.price.input);
    assert_eq!((input(2), input(3), read.skipped), (Some(1_000_000_000), Some(3_000_000_000), 2));
}

#[test]
fn a_list_is_kept_in_our_own_form_and_reads_back_the_same() {
    let list = read_public(&entry(
        "m",
        r#""input_cost_per_token":1e-07,"input_cost_per_token_above_100k_tokens":5e-07,
        "input_cost_per_token_batches":5e-08,"provider_specific_entry":{"us":1.1},"deprecation_date":"2027-01-20""#,
    ))
    .list;
    let again = PriceList::read(&list.text(), Timestamp::EPOCH).unwrap();
    assert_eq!((again.form, &again.list), (ListForm::Own, &list));
    assert_eq!(list.as_of(), date(1970, 1, 1));
    assert!(!list.text().contains("null"), "{}", list.text());
}

#[test]
fn the_built_in_list_is_a_list() {
    let text = include_str!("../../data/models.json");
    let read = PriceList::read(text, Timestamp::EPOCH).unwrap();
    assert_eq!(PriceList::read(&read.list.text(), Timestamp::EPOCH).unwrap().list, read.list);
    let over = PriceBook::builtin().with_list(&read.list).unwrap();
    assert_eq!(
        crate::Differences::between(&PriceBook::builtin(), &over),
        crate::Differences { same: over.rows().count(), ..Default::default() }
    );
}

#[rstest]
#[case("[]")]
#[case("{}")]
#[case(r#"{"a":{"litellm_provider":"anthropic","mode":"chat","input_cost_per_token":NaN}}"#)]
#[case(r#"{"a":1}"#)]
#[case(r#"{"schema":1}"#)]
#[case("<html>")]
fn what_is_no_list_is_refused_whole(#[case] text: &str) {
    assert!(PriceList::read(text, Timestamp::EPOCH).is_err());
}

#[test]
fn a_list_goes_under_an_operators_file_and_over_the_book() {
    let head = r#""schema":1,"as_of":"2026-11-24","unit":"nano-USD per 1000000 tokens""#;
    let row = |model: &str, input: u64| {
        format!(
            r#"{{"provider":"anthropic","model":"{model}","mode":"chat","standard":{{"price":{{"input":{input}}}}}}}"#
        )
    };
    let mine = format!(
        r#"{{{head},"aliases":{{"quick":"claude-haiku-4-5"}},"models":[{}]}}"#,
        row("claude-opus-5", 7)
    );
    let book = PriceBook::builtin().overlaid(&mine).unwrap();
    let rows = [row("claude-opus-5", 1), row("claude-haiku-4-5", 2), row("claude-new", 3), row("quick", 4)];
    let list = PriceList::read(&format!(r#"{{{head},"models":[{}]}}"#, rows.join(",")), Timestamp::EPOCH)
        .unwrap()
        .list;
    let over = book.with_list(&list).unwrap();
    let input = |model: &str| {
        over.price(ProviderKind::Anthropic, model).and_then(|row| nanos(row.standard.price.input))
    };
    assert_eq!(input("claude-opus-5"), Some(7), "the operator's file");
    assert_eq!((input("claude-haiku-4-5"), input("claude-new")), (Some(2), Some(3)));
    assert_eq!((over.meaning("quick").unwrap().as_str(), input("quick")), ("claude-haiku-4-5", None));
    assert_eq!(book.kept_from(&list), 1);
    let name = |book: &PriceBook| {
        book.price(ProviderKind::Anthropic, "claude-haiku-4-5").unwrap().display_name.clone()
    };
    assert_eq!(name(&over), name(&book));
}

#[test]
fn what_is_booked_is_charged_again_without_a_change_of_tokens() {
    let list =
        read_public(&entry("claude-new", r#""input_cost_per_token":1e-06,"max_input_tokens":10"#)).list;
    let (before, after) = (PriceBook::builtin(), PriceBook::builtin().with_list(&list).unwrap());
    let usage = Usage { input: 1_000, ..Usage::default() };
    let again = |book: &PriceBook, source, was| {
        book.recharge(ProviderKind::Anthropic, "claude-new", &usage, (source, was))
            .map(|(cost, basis)| (cost.as_nanos(), basis))
    };
    let reported = UsageSource::Reported;
    assert_eq!(again(&before, reported, CostBasis::Unpriced), None);
    assert_eq!(again(&after, reported, CostBasis::Unpriced), Some((1_000_000, CostBasis::Priced)));
    assert_eq!(again(&after, reported, CostBasis::Capped), Some((1_000_000, CostBasis::Capped)));
    assert_eq!(
        again(&after, UsageSource::Estimated, CostBasis::Estimated),
        Some((1_000_000, CostBasis::Estimated))
    );
    assert_eq!(again(&after, UsageSource::None, CostBasis::None), None);
}
