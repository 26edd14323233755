use posthaste_core::ProviderKind;
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
    assert_eq!(charge, Charge { cost: NanoUsd::from_nanos(nanos), basis: CostBasis::Priced });
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
    assert_eq!(charge_by(&book, Usage { input: 1, output: 1, ..Usage::default() }), Charge::UNPRICED);
    assert_eq!(charge_by(&book, Usage { input: 1, ..Usage::default() }).basis, CostBasis::Priced);
    assert_eq!(charge_by(&book, Usage { web_searches: 1, ..Usage::default() }), Charge::UNPRICED);
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
        for model in ["claude-haiku-5-5", "claude-fable-5"] {
            prop_assert!(cost(model, usage) >= 0);
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
    assert_eq!(charge_by(&book, usage).cost.as_nanos(), i64::MAX);
}
