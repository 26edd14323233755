//! The sum over an exchange's token classes.

use posthaste_core::{CostBasis, NanoUsd, Usage, UsageSource};

use crate::{ModelPrice, Prices, TokenPrice};

/// What an exchange costs, and what that rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The cost; no price but unknown when the basis is `Unpriced`.
    pub cost: NanoUsd,
    /// What it rests on.
    pub basis: CostBasis,
}

impl Charge {
    /// There was nothing to price.
    pub(crate) const NOTHING: Self = Self { cost: NanoUsd::ZERO, basis: CostBasis::None };
    /// The price is not known.
    pub(crate) const UNPRICED: Self = Self { cost: NanoUsd::ZERO, basis: CostBasis::Unpriced };

    pub(crate) fn priced(cost: NanoUsd, source: UsageSource) -> Self {
        let basis = match source {
            UsageSource::Reported => CostBasis::Priced,
            UsageSource::Estimated => CostBasis::Estimated,
            UsageSource::None => CostBasis::None,
        };
        Self { cost, basis }
    }
}

/// Prices every token by its class; `None` when there are tokens whose price is not known.
///
/// `dearest_web_search` stands in where the model's row does not price searches.
pub(crate) fn charge(
    model: &ModelPrice,
    dearest_web_search: Option<TokenPrice>,
    usage: &Usage,
) -> Option<NanoUsd> {
    let prices = model.standard.for_prompt(usage.prompt());
    let reasoning = usage.reasoning.min(usage.output);
    let lines = [
        (usage.input, prices.input),
        (usage.output - reasoning, prices.output),
        (reasoning, prices.output_reasoning.or(prices.output)),
        (usage.cache_read, prices.cache_read.or(prices.input)),
        (usage.cache_write_5m, default_write(&prices)),
        (usage.cache_write_1h, prices.cache_write_1h.or(default_write(&prices))),
    ];
    let mut sum = 0;
    for (count, price) in lines {
        sum += line(count, price)?;
    }
    let searches = line(usage.web_searches, model.web_search_per_1k.or(dearest_web_search))?;
    Some(round(sum + searches * (MILLION / 1_000)))
}

/// Some vendors bill what they write to the cache as plain input, and then state no price for it.
fn default_write(prices: &Prices) -> Option<TokenPrice> {
    prices.cache_write.or(prices.input)
}

/// Counts reach 2^64 and prices 10^12, so that a line stays below 2^104 and the sum of all far below 2^127.
fn line(count: u64, price: Option<TokenPrice>) -> Option<i128> {
    match price {
        _ if count == 0 => Some(0),
        Some(price) => Some(i128::from(count) * i128::from(price.nanos_per_million())),
        None => None,
    }
}

/// From millionths of nano-dollars to nano-dollars, half up. A sum that the books cannot hold is the most they can.
fn round(millionths: i128) -> NanoUsd {
    let nanos = (millionths + MILLION / 2) / MILLION;
    NanoUsd::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

const MILLION: i128 = 1_000_000;

#[cfg(test)]
mod tests;
