use posthaste_core::{ProviderKind, Terms};
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::PriceBook;

fn cost(model: &str, usage: Usage) -> i64 {
    let charge = PriceBook::builtin().charge(ProviderKind::Anthropic, model, &usage, UsageSource::Reported);
    assert_eq!(charge.basis, CostBasis::Priced, "{model}");
    charge.cost.as_nanos()
}

/// A book of one model `m` at Anthropic.
fn book(price: &str) -> PriceBook {
    let json = format!(
        r#"{{"schema":1,"as_of":"2026-11-23","unit":"nano-USD per 1000000 tokens","models":[
            {{"provider":"anthropic","model":"m","mode":"chat","standard":{{"price":{price}}}}}]}}"#
    );
    PriceBook::parse(&json).unwrap()
}

fn charge_by(book: &PriceBook, usage: Usage) -> Charge {
    book.charge(ProviderKind::Anthropic, "m", &usage, UsageSource::Reported)
}

#[test]
fn haiku_4_5_costs_one_dollar_in_and_five_out() {
    // 1,000 × $1 + 500 × $5, for a million.
    let usage = Usage { input: 1_000, output: 500, ..Usage::default() };
    assert_eq!(cost("claude-haiku-4-5", usage), 3_500_000);
}

#[test]
fn every_class_of_sonnet_4_5_has_its_own_price() {
    // 10 × $3 + 20 × $15 + 30 × $0.30 + 40 × $3.75 + 50 × $6, for a million, and two searches at $10 for a thousand.
    let usage = Usage {
        input: 10,
        output: 20,
        cache_read: 30,
        cache_write_5m: 40,
        cache_write_1h: 50,
        reasoning: 15,
        web_searches: 2,
        ..Usage::NONE
    };
    assert_eq!(cost("claude-sonnet-4-5", usage), 30_000 + 300_000 + 9_000 + 150_000 + 300_000 + 20_000_000);
}

#[test]
fn a_long_prompt_reprices_every_token_of_haiku_5_5() {
    // Up to 100,000: $0.10 in, $0.50 out, $0.01 read. Over: $0.50, $2.50, $0.05. The cached part counts as prompt.
    let usage = Usage { input: 60_000, output: 1_000, cache_read: 40_000, ..Usage::default() };
    assert_eq!(cost("claude-haiku-5-5", usage), 6_000_000 + 500_000 + 400_000);
    let longer = Usage { input: 60_001, ..usage };
    assert_eq!(cost("claude-haiku-5-5", longer), 30_000_500 + 2_500_000 + 2_000_000);
}

#[test]
fn one_hour_writes_of_opus_4_8_cost_twice_the_input() {
    let usage = Usage { cache_write_1h: 1_000_000, ..Usage::default() };
    assert_eq!(cost("claude-opus-4-8", usage), 10_000_000_000);
}

#[test]
fn fractions_of_a_nano_dollar_are_rounded_once_and_half_up() {
    let book = book(r#"{"input":400000,"output":100000}"#);
    let nanos = |input, output| charge_by(&book, Usage { input, output, ..Usage::default() }).cost.as_nanos();
    assert_eq!(nanos(1, 0), 0);
    assert_eq!(nanos(1, 1), 1, "0.4 + 0.1 is a half");
    assert_eq!(nanos(3, 2), 1, "1.2 + 0.2");
    assert_eq!(nanos(3, 3), 2, "1.2 + 0.3 is one and a half");
}

#[rstest]
#[case::reads_as_input(Usage { cache_read: 10, ..Usage::default() }, 30)]
#[case::writes_as_input(Usage { cache_write_5m: 10, ..Usage::default() }, 30)]
#[case::long_writes_as_input(Usage { cache_write_1h: 10, ..Usage::default() }, 30)]
#[case::reasoning_as_output(Usage { output: 10, reasoning: 4, ..Usage::default() }, 50)]
fn a_class_without_a_price_takes_the_next_dearer_one(#[case] usage: Usage, #[case] nanos: i64) {
    let charge = charge_by(&book(r#"{"input":3000000,"output":5000000}"#), usage);
    assert_eq!((charge.cost.as_nanos(), charge.basis, charge.usage), (nanos, CostBasis::Priced, usage));
}

#[test]
fn reasoning_with_a_price_of_its_own_is_taken_out_of_the_output() {
    let book = book(r#"{"input":1000000,"output":5000000,"output_reasoning":9000000}"#);
    let usage = Usage { output: 10, reasoning: 4, ..Usage::default() };
    assert_eq!(charge_by(&book, usage).cost.as_nanos(), 6 * 5 + 4 * 9);
    let odd = Usage { output: 10, reasoning: 99, ..Usage::default() };
    assert_eq!(
        charge_by(&book, odd).cost.as_nanos(),
        10 * 9,
        "more reasoning than output is all of the output"
    );
}

#[test]
fn tokens_without_any_price_are_unpriced_and_not_free() {
    let book = book(r#"{"input":1000000}"#);
    let both = Usage { input: 1, output: 1, ..Usage::default() };
    assert_eq!(charge_by(&book, both), Charge::unpriced(both));
    assert_eq!(charge_by(&book, Usage { input: 1, ..Usage::default() }).basis, CostBasis::Priced);
    let search = Usage { web_searches: 1, ..Usage::default() };
    assert_eq!(charge_by(&book, search), Charge::unpriced(search));
}

#[test]
fn searches_without_a_price_cost_what_the_providers_dearest_model_pays() {
    // Claude Haiku 4.5 has no price for searches in the source; every other model pays $10 for a thousand.
    assert_eq!(cost("claude-haiku-4-5", Usage { web_searches: 3, ..Usage::default() }), 30_000_000);
}

#[rstest]
#[case("claude-haiku-4-5", UsageSource::Reported, CostBasis::Priced)]
#[case("claude-haiku-4-5", UsageSource::Estimated, CostBasis::Estimated)]
#[case("claude-haiku-4-5", UsageSource::None, CostBasis::None)]
#[case("nobody-knows", UsageSource::Reported, CostBasis::Unpriced)]
#[case("nobody-knows", UsageSource::Estimated, CostBasis::Unpriced)]
#[case("nobody-knows", UsageSource::None, CostBasis::None)]
fn the_basis_tells_what_the_cost_rests_on(
    #[case] model: &str,
    #[case] source: UsageSource,
    #[case] basis: CostBasis,
) {
    let usage = Usage { input: 1_000, ..Usage::default() };
    let charge = PriceBook::builtin().charge(ProviderKind::Anthropic, model, &usage, source);
    assert_eq!(charge.basis, basis);
    assert_eq!(charge.cost == NanoUsd::ZERO, matches!(basis, CostBasis::None | CostBasis::Unpriced));
}

fn counts(most: u64) -> impl Strategy<Value = Usage> {
    (0..=most, 0..=most, 0..=most, 0..=most, 0..=most, 0..=most, 0..=most / 1_000).prop_map(
        |(input, output, cache_read, cache_write_5m, cache_write_1h, reasoning, web_searches)| Usage {
            input,
            output,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            reasoning,
            web_searches,
            ..Usage::NONE
        },
    )
}

proptest! {
    #[test]
    fn two_exchanges_cost_what_their_sum_costs_within_rounding(a in counts(1_000_000), b in counts(1_000_000)) {
        // Without steps and with reasoning as output, prices are linear.
        let mut both = a;
        both.add(&b);
        let apart = cost("claude-opus-4-8", a) + cost("claude-opus-4-8", b);
        prop_assert!((cost("claude-opus-4-8", both) - apart).abs() <= 1);
    }

    #[test]
    fn more_never_costs_less(usage in counts(1_000_000), more in counts(10_000)) {
        let mut larger = usage;
        larger.add(&more);
        prop_assert!(cost("claude-haiku-5-5", larger) >= cost("claude-haiku-5-5", usage));
    }

    #[test]
    fn no_count_overflows_or_costs_less_than_nothing(usage in counts(u64::MAX)) {
        let usage = Usage { web_searches: usage.input, ..usage };
        for model in ["claude-haiku-5-5", "claude-opus-5"] {
            let book = PriceBook::builtin();
            let model = book.price(ProviderKind::Anthropic, model).unwrap();
            for terms in [Terms::PLAIN, Terms { fast: true, geography: Geography::Us, tier: ServiceTier::Batch }] {
                let cost = charge(model, None, &Usage { terms, ..usage }).unwrap();
                prop_assert!(cost >= NanoUsd::ZERO);
            }
        }
    }
}

#[test]
fn the_largest_counts_at_the_highest_prices_cost_the_most_that_can_be_booked() {
    let most = TokenPrice::MOST.nanos_per_million();
    let book = book(&format!(
        r#"{{"input":{most},"output":{most},"cache_read":{most},"cache_write":{most},"cache_write_1h":{most}}}"#
    ));
    let all = u64::MAX;
    let usage = Usage {
        input: all,
        output: all,
        cache_read: all,
        cache_write_5m: all,
        cache_write_1h: all,
        reasoning: all,
        ..Usage::NONE
    };
    let cost = charge(book.price(ProviderKind::Anthropic, "m").unwrap(), None, &usage);
    assert_eq!(cost.unwrap().as_nanos(), i64::MAX);
}

/// A book of one model `m` at Anthropic with these further fields.
fn book_with(price: &str, more: &str) -> PriceBook {
    let json = format!(
        r#"{{"schema":1,"as_of":"2026-11-23","unit":"nano-USD per 1000000 tokens","models":[
            {{"provider":"anthropic","model":"m","mode":"chat","standard":{{"price":{price}}},{more}}}]}}"#
    );
    PriceBook::parse(&json).unwrap()
}

const fn on(tier: ServiceTier) -> Terms {
    Terms { tier, ..Terms::PLAIN }
}

#[rstest]
#[case::gpt_5_4("openai", "gpt-5.4", ServiceTier::Standard, 1_000, 2_500 + 15_000)]
#[case::flex("openai", "gpt-5.4", ServiceTier::Flex, 1_000, 1_250 + 7_500)]
#[case::batch("openai", "gpt-5.4", ServiceTier::Batch, 1_000, 1_250 + 7_500)]
#[case::priority("openai", "gpt-5.4", ServiceTier::Priority, 1_000, 5_000 + 30_000)]
#[case::unstated_is_standard("openai", "gpt-5.4", ServiceTier::Balanced, 1_000, 2_500 + 15_000)]
#[case::anthropic_batch("anthropic", "claude-haiku-4-5", ServiceTier::Batch, 1_000, 500 + 2_500)]
fn a_tier_has_its_own_prices(
    #[case] list: &str,
    #[case] model: &str,
    #[case] tier: ServiceTier,
    #[case] tokens: u64,
    #[case] micros: i64,
) {
    let provider = if list == "openai" { ProviderKind::OpenAi } else { ProviderKind::Anthropic };
    let usage = Usage { input: tokens, output: tokens, terms: on(tier), ..Usage::NONE };
    let charge = PriceBook::builtin().charge(provider, model, &usage, UsageSource::Reported);
    assert_eq!(charge.cost.as_nanos(), micros * 1_000);
}

#[test]
fn a_tier_has_its_own_prices_for_long_prompts_too() {
    let more = r#""tiers":{"flex":{"price":{"input":1000000,"output":5000000},
        "above":[{"input_tokens_over":100,"price":{"input":4000000}}]}}"#;
    let book = book_with(r#"{"input":2000000,"output":9000000,"cache_read":500000}"#, more);
    let nanos = |input| {
        let usage = Usage { input, output: 1, cache_read: 2, terms: on(ServiceTier::Flex), ..Usage::NONE };
        charge_by(&book, usage).cost.as_nanos()
    };
    assert_eq!(nanos(98), 98 + 5 + 1, "what the tier does not state is the standard price");
    assert_eq!(nanos(99), 99 * 4 + 5 + 1, "over its own threshold, cached tokens counted");
}

/// As the priority tier of `eu/gpt-5.4` in the source.
#[test]
fn a_tier_without_long_prices_costs_the_dearer_of_its_own_and_the_standard_ones() {
    let row = r#"{"schema":1,"as_of":"2026-11-23","unit":"nano-USD per 1000000 tokens","models":[
        {"provider":"anthropic","model":"m","mode":"chat",
         "standard":{"price":{"input":1000000,"output":1000000},"above":[{"input_tokens_over":10,"price":{"input":6000000,"output":2000000}}]},
         "tiers":{"priority":{"price":{"input":3000000,"output":5000000}}}}]}"#;
    let book = PriceBook::parse(row).unwrap();
    let nanos = |input| {
        let usage = Usage { input, output: 1, terms: on(ServiceTier::Priority), ..Usage::NONE };
        charge_by(&book, usage).cost.as_nanos()
    };
    assert_eq!((nanos(10), nanos(11)), (10 * 3 + 5, 11 * 6 + 5));
}

#[test]
fn fast_mode_and_geography_multiply_all_tokens_but_no_searches() {
    // Claude Opus 5: $5 in, $25 out; fast mode doubles, inference in the United States adds a tenth; $10 for 1,000 searches.
    let usage = Usage { input: 1_000, output: 100, cache_read: 1_000, web_searches: 1, ..Usage::NONE };
    let nanos = |terms| cost("claude-opus-5", Usage { terms, ..usage });
    let (tokens, search) = (5_000_000 + 2_500_000 + 500_000, 10_000_000);
    assert_eq!(nanos(Terms::PLAIN), tokens + search);
    assert_eq!(nanos(Terms { fast: true, ..Terms::PLAIN }), 2 * tokens + search);
    assert_eq!(nanos(Terms { geography: Geography::Us, ..Terms::PLAIN }), tokens * 11 / 10 + search);
    let both = Terms { fast: true, geography: Geography::Us, ..Terms::PLAIN };
    assert_eq!(nanos(both), tokens * 22 / 10 + search);
}

#[test]
fn factors_are_rounded_with_the_rest_and_not_before() {
    let book = book_with(r#"{"input":450000,"output":1}"#, r#""multipliers_per_mille":{"us":1100}"#);
    let terms = Terms { geography: Geography::Us, ..Terms::PLAIN };
    // 0.45 × 1.1 = 0.495 and 3 × 0.495 = 1.485: rounding the base first would give 0 and 1.1.
    let nanos = |input| charge_by(&book, Usage { input, terms, ..Usage::NONE }).cost.as_nanos();
    assert_eq!((nanos(1), nanos(2), nanos(3), nanos(4)), (0, 1, 1, 2));
}

#[test]
fn sound_and_pictures_are_taken_out_of_the_class_that_holds_them() {
    let book = book(
        r#"{"input":1000000,"output":2000000,"cache_read":100000,"input_audio":7000000,"cache_read_audio":300000,
            "output_audio":11000000,"input_image":5000000,"output_image":13000000}"#,
    );
    let usage = Usage {
        input: 100,
        input_audio: 10,
        input_image: 20,
        cache_read: 100,
        cache_read_audio: 50,
        output: 60,
        reasoning: 10,
        output_audio: 20,
        output_image: 5,
        ..Usage::NONE
    };
    let expected = 70 + 70 + 100 + 5 + 15 + 25 * 2 + 10 * 2 + 220 + 65;
    assert_eq!(charge_by(&book, usage).cost.as_nanos(), expected);
    let odd =
        Usage { input: 10, input_audio: 99, input_image: 99, output: 10, output_audio: 99, ..Usage::NONE };
    assert_eq!(
        charge_by(&book, odd).cost.as_nanos(),
        10 * 7 + 10 * 11,
        "a part is never more than the whole"
    );
}

#[test]
fn cached_sound_without_a_price_costs_as_if_it_were_not_cached() {
    let book = book(r#"{"input":1000000,"output":1000000,"cache_read":100000,"input_audio":7000000}"#);
    let usage = Usage { cache_read: 10, cache_read_audio: 4, ..Usage::NONE };
    assert_eq!(charge_by(&book, usage).cost.as_nanos(), 4 * 7 + 1, "28.6 rounds up");
}

#[test]
fn counts_beyond_belief_are_capped_and_booked_as_such() {
    let usage = Usage { input: 1 << 53, output: 1 << 53, ..Usage::NONE };
    let charge = PriceBook::builtin().charge(
        ProviderKind::Anthropic,
        "claude-haiku-4-5",
        &usage,
        UsageSource::Reported,
    );
    // One full window of 200,000 at $1, and the longest answer, 64,000 at $5.
    assert_eq!((charge.cost.as_nanos(), charge.basis), (200_000_000 + 320_000_000, CostBasis::Capped));
    assert_eq!((charge.usage.input, charge.usage.output), (200_000, 64_000));
    let unknown =
        PriceBook::builtin().charge(ProviderKind::Anthropic, "nobody-knows", &usage, UsageSource::Reported);
    assert_eq!((unknown.basis, unknown.usage.input), (CostBasis::Unpriced, 2_000_000));
}
