//! The sum over an exchange's token classes.

use posthaste_core::{CostBasis, Geography, NanoUsd, ServiceTier, Usage, UsageSource};

use crate::{ModelPrice, Prices, TokenPrice};

/// What an exchange costs, and what that rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The cost; no price but unknown when the basis is `Unpriced`.
    pub cost: NanoUsd,
    /// What it rests on.
    pub basis: CostBasis,
    /// The counts that are billed: those that were told, cut down where they are beyond belief.
    pub usage: Usage,
}

impl Charge {
    /// There was nothing to price.
    pub(crate) const fn nothing(usage: Usage) -> Self {
        Self { cost: NanoUsd::ZERO, basis: CostBasis::None, usage }
    }

    /// The price is not known.
    pub(crate) const fn unpriced(usage: Usage) -> Self {
        Self { cost: NanoUsd::ZERO, basis: CostBasis::Unpriced, usage }
    }
}

/// What a cost from the price book rests on.
pub(crate) const fn basis(source: UsageSource, was_cut: bool, was_assumed: bool) -> CostBasis {
    match source {
        UsageSource::None => CostBasis::None,
        _ if was_assumed => CostBasis::Assumed,
        _ if was_cut => CostBasis::Capped,
        UsageSource::Reported => CostBasis::Priced,
        UsageSource::Estimated => CostBasis::Estimated,
    }
}

/// Prices every token by its class on the exchange's terms; `None` when there are tokens whose price is not known.
///
/// `dearest_web_search` stands in where the model's row does not price searches.
pub(crate) fn charge(
    model: &ModelPrice,
    dearest_web_search: Option<TokenPrice>,
    usage: &Usage,
) -> Option<NanoUsd> {
    let prices = prices(model, usage);
    let parts = Parts::of(usage);
    let lines = [
        (parts.input_text, prices.input),
        (parts.input_audio, prices.input_audio.or(prices.input)),
        (parts.input_image, prices.input_image.or(prices.input)),
        (parts.output_text, prices.output),
        (parts.reasoning, prices.output_reasoning.or(prices.output)),
        (parts.output_audio, prices.output_audio.or(prices.output)),
        (parts.output_image, prices.output_image.or(prices.output)),
        (parts.cache_read_text, prices.cache_read.or(prices.input)),
        (parts.cache_read_audio, cached_audio(&prices)),
        (usage.cache_write_5m, default_write(&prices)),
        (usage.cache_write_1h, prices.cache_write_1h.or(default_write(&prices))),
    ];
    let mut tokens: i128 = 0;
    for (count, price) in lines {
        tokens += line(count, price)?;
    }
    // The factors are on tokens alone; a search costs the same on all terms.
    for factor in factors(model, usage) {
        tokens = tokens.saturating_mul(i128::from(factor));
    }
    let searches = line(usage.web_searches, model.web_search_per_1k.or(dearest_web_search))?;
    let searches = searches.saturating_mul((MILLION / PER_MILLE) * PER_MILLE * PER_MILLE);
    Some(round(tokens.saturating_add(searches)))
}

/// The prices of the tier that answered, for the length of the whole prompt.
///
/// What a tier does not state costs as in the standard one. A tier that states no prices for long prompts, where the standard
/// one has some, costs the dearer of its own and of those, class by class.
fn prices(model: &ModelPrice, usage: &Usage) -> Prices {
    let prompt = usage.prompt();
    let standard = model.standard.for_prompt(prompt);
    let tiers = &model.tiers;
    let tier = match usage.terms.tier {
        ServiceTier::Standard => None,
        ServiceTier::Batch => tiers.batch.as_deref(),
        ServiceTier::Flex => tiers.flex.as_deref(),
        ServiceTier::Priority => tiers.priority.as_deref(),
        ServiceTier::Ultrafast => tiers.ultrafast.as_deref(),
        ServiceTier::Balanced => tiers.balanced.as_deref(),
    };
    match tier {
        None => standard,
        Some(tier) if tier.above.is_empty() && standard != model.standard.price => {
            tier.price.or(&standard).dearer(&standard)
        }
        Some(tier) => tier.for_prompt(prompt).or(&standard),
    }
}

/// Thousandths: of fast mode and of the geography, each 1,000 where it does not apply or has no price.
fn factors(model: &ModelPrice, usage: &Usage) -> [u32; 2] {
    let multipliers = &model.multipliers_per_mille;
    let fast = multipliers.fast.filter(|_| usage.terms.fast);
    let geography = match usage.terms.geography {
        Geography::Anywhere => None,
        Geography::Us => multipliers.us,
    };
    [fast, geography].map(|factor| factor.unwrap_or(1_000))
}

/// The counts without those that are a part of another one. Parts that are larger than the whole are cut down to it.
struct Parts {
    input_text: u64,
    input_audio: u64,
    input_image: u64,
    cache_read_text: u64,
    cache_read_audio: u64,
    output_text: u64,
    reasoning: u64,
    output_audio: u64,
    output_image: u64,
}

impl Parts {
    fn of(usage: &Usage) -> Self {
        let mut input_text = usage.input;
        let mut cache_read_text = usage.cache_read;
        let mut output_text = usage.output;
        Self {
            input_audio: take(&mut input_text, usage.input_audio),
            input_image: take(&mut input_text, usage.input_image),
            cache_read_audio: take(&mut cache_read_text, usage.cache_read_audio),
            reasoning: take(&mut output_text, usage.reasoning),
            output_audio: take(&mut output_text, usage.output_audio),
            output_image: take(&mut output_text, usage.output_image),
            input_text,
            cache_read_text,
            output_text,
        }
    }
}

/// Takes a part out of what is left of a whole.
pub(crate) fn take(left: &mut u64, part: u64) -> u64 {
    let taken = part.min(*left);
    *left -= taken;
    taken
}

/// Some vendors bill what they write to the cache as plain input, and then state no price for it.
pub(crate) fn default_write(prices: &Prices) -> Option<TokenPrice> {
    prices.cache_write.or(prices.input)
}

/// Where sound has a price of its own, sound from a cache without one costs as if it had not been there.
pub(crate) fn cached_audio(prices: &Prices) -> Option<TokenPrice> {
    prices.cache_read_audio.or(prices.input_audio).or(prices.cache_read).or(prices.input)
}

/// Counts reach 2^64 and prices 10^12, so that a line stays below 2^104 and the sum of all below 2^108.
pub(crate) fn line(count: u64, price: Option<TokenPrice>) -> Option<i128> {
    match price {
        _ if count == 0 => Some(0),
        Some(price) => Some(i128::from(count) * i128::from(price.nanos_per_million())),
        None => None,
    }
}

/// From millionths of millionths of nano-dollars to nano-dollars, half up: the one place where anything is rounded. A sum
/// that the books cannot hold is the most they can.
fn round(sum: i128) -> NanoUsd {
    const UNIT: i128 = MILLION * PER_MILLE * PER_MILLE;
    let nanos = sum.saturating_add(UNIT / 2) / UNIT;
    NanoUsd::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// Prices are for a million tokens.
pub(crate) const MILLION: i128 = 1_000_000;

/// Factors are in thousandths, and searches are priced by the thousand.
const PER_MILLE: i128 = 1_000;

#[cfg(test)]
mod tests;
