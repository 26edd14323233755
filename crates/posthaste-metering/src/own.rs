//! Prices of the operator's own over a book.

use std::collections::BTreeSet;

use posthaste_core::{OwnPrice, OwnRates};

use crate::{Mode, ModelPrice, Multipliers, PriceBookError, Prices, Sheet, Tiers, TokenPrice};

/// The row that such a price is; `base` is what the book has for the model, of which it keeps sizes and dates.
///
/// # Errors
/// When it cannot be true.
pub(crate) fn row(own: &OwnPrice, base: Option<&ModelPrice>) -> Result<ModelPrice, PriceBookError> {
    let price = |class: &str, nanos: Option<u64>| {
        let wrong = |what| PriceBookError::Own { name: own.name(), what: format!("{class}: {what}") };
        nanos.map(TokenPrice::try_from).transpose().map_err(wrong)
    };
    let OwnRates {
        input,
        output,
        cache_read,
        cache_write,
        cache_write_1h,
        output_reasoning,
        web_search_per_1k,
    } = own.rates;
    if input.is_none() && output.is_none() {
        let what = "it has neither an input nor an output price".to_owned();
        return Err(PriceBookError::Own { name: own.name(), what });
    }
    let prices = Prices {
        input: price("input", input)?,
        output: price("output", output)?,
        cache_read: price("cache_read", cache_read)?,
        cache_write: price("cache_write", cache_write)?,
        cache_write_1h: price("cache_write_1h", cache_write_1h)?,
        output_reasoning: price("output_reasoning", output_reasoning)?,
        ..Prices::default()
    };
    Ok(ModelPrice {
        provider: own.provider.clone(),
        model: own.model.clone(),
        route: None,
        display_name: base.and_then(|base| base.display_name.clone()),
        created: base.and_then(|base| base.created),
        mode: base.map_or(Mode::Chat, |base| base.mode),
        unlisted: base.is_some_and(|base| base.unlisted),
        context_window: base.and_then(|base| base.context_window),
        max_output: base.and_then(|base| base.max_output),
        standard: Sheet { price: prices, above: Vec::new() },
        tiers: Tiers::default(),
        multipliers_per_mille: Multipliers::default(),
        web_search_per_1k: price("web_search_per_1k", web_search_per_1k)?
            .or_else(|| base.and_then(|base| base.web_search_per_1k)),
        deprecated: base.and_then(|base| base.deprecated),
    })
}

/// A list that nobody's models are looked up on.
pub(crate) fn unknown_list(own: &OwnPrice, known: &BTreeSet<&str>) -> PriceBookError {
    let known: Vec<_> = known.iter().copied().collect();
    let what = format!("`{}` is no list of prices; those are {}", own.provider, known.join(", "));
    PriceBookError::Own { name: own.name(), what }
}

/// A name that is never priced, since another one is asked for in its place.
pub(crate) fn alias(own: &OwnPrice, meaning: &str) -> PriceBookError {
    let what = format!("the name stands for `{meaning}`, which is what is priced");
    PriceBookError::Own { name: own.name(), what }
}

#[cfg(test)]
mod tests {
    use posthaste_core::{CostBasis, ModelName, OwnPriceId, ProviderKind, Timestamp, Usage, UsageSource};
    use rstest::rstest;

    use super::*;
    use crate::{PriceBook, UnknownModels};

    fn own(provider: &str, model: &str, rates: OwnRates) -> OwnPrice {
        OwnPrice {
            id: OwnPriceId::generate(),
            provider: provider.to_owned(),
            model: ModelName::parse(model).unwrap(),
            rates,
            note: String::new(),
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
        }
    }

    const RATES: OwnRates = OwnRates {
        input: Some(1_000_000_000),
        output: Some(2_000_000_000),
        cache_read: None,
        cache_write: None,
        cache_write_1h: None,
        output_reasoning: None,
        web_search_per_1k: None,
    };

    fn cost(book: &PriceBook, model: &str, usage: &Usage) -> (i64, CostBasis) {
        let charge = book.charge(ProviderKind::Anthropic, model, usage, UsageSource::Reported);
        (charge.cost.as_nanos(), charge.basis)
    }

    #[test]
    fn it_counts_in_the_place_of_the_books_and_keeps_the_models_sizes() {
        let book = PriceBook::builtin();
        let before = book.price(ProviderKind::Anthropic, "claude-haiku-4-5").unwrap().clone();
        let mine = book.with_own(&[own("anthropic", "claude-haiku-4-5", RATES)]);
        let after = mine.price(ProviderKind::Anthropic, "claude-haiku-4-5").unwrap();
        assert_eq!(after.standard.price.input.unwrap().nanos_per_million(), 1_000_000_000);
        assert_eq!((after.context_window, after.max_output), (before.context_window, before.max_output));
        assert_eq!((after.tiers.batch.is_some(), before.tiers.batch.is_some()), (false, true));
        let usage = Usage { input: 1_000, output: 100, ..Usage::default() };
        assert_eq!(cost(&mine, "claude-haiku-4-5", &usage), (1_000_000 + 200_000, CostBasis::Priced));
        // The others cost what they did.
        assert_eq!(cost(&mine, "claude-sonnet-5", &usage), cost(&book, "claude-sonnet-5", &usage));
        assert_eq!(mine.rows().count(), book.rows().count());
    }

    #[test]
    fn it_gives_a_price_to_a_model_that_had_none() {
        let book = PriceBook::builtin().with_unknown(UnknownModels::Refused).unwrap();
        assert!(book.refuses(ProviderKind::Anthropic, "claude-next"));
        let mine = book.with_own(&[own("anthropic", "claude-next", RATES)]);
        assert!(!mine.refuses(ProviderKind::Anthropic, "claude-next"));
        // What was chosen for the others still holds.
        assert!(mine.refuses(ProviderKind::Anthropic, "claude-later"));
    }

    #[rstest]
    #[case(own("anthropic", "m", OwnRates::default()), "neither an input nor an output price")]
    #[case(own("anthropic", "m", OwnRates { input: Some(u64::MAX), ..RATES }), "input: a price of")]
    #[case(own("nobody", "m", RATES), "is no list of prices")]
    #[case(own("anthropic", "claude-haiku-4.5", RATES), "stands for `claude-haiku-4-5`")]
    fn what_cannot_be_is_refused_and_left_out(#[case] own: OwnPrice, #[case] why: &str) {
        let book = PriceBook::builtin();
        let error = book.check_own(&own).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert_eq!(book.with_own(&[own]).rows().count(), book.rows().count());
    }
}
