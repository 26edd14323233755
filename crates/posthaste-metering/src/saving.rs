//! What prompt caches save.

use posthaste_core::{NanoUsd, Usage};

use crate::{
    ModelPrice,
    charge::{MILLION, cached_audio, default_write, line, take},
};

/// What prompt caches made of the cost of a prompt, at the prices of an ordinary prompt in the standard tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheSaving {
    /// How much more the tokens that were read from caches would have cost as plain input.
    pub gained: NanoUsd,
    /// How much more the tokens that were written to caches cost than as plain input.
    pub surcharge: NanoUsd,
}

impl CacheSaving {
    /// What is left of the gain. Below zero where more was written than ever read.
    pub fn saved(&self) -> NanoUsd {
        NanoUsd::from_nanos(self.gained.as_nanos().saturating_sub(self.surcharge.as_nanos()))
    }
}

/// Compares the prices of the cache with those of plain input, for counts of any number of exchanges; `None` where a price is
/// not known that this needs.
pub(crate) fn cache_saving(model: &ModelPrice, usage: &Usage) -> Option<CacheSaving> {
    // Sums over many exchanges tell nothing of the length or the terms of each.
    let prices = &model.standard.price;
    let mut text = usage.cache_read;
    let audio = take(&mut text, usage.cache_read_audio);
    let written = usage.cache_write_5m.saturating_add(usage.cache_write_1h);
    let plain = line(text, prices.input)? + line(audio, prices.input_audio.or(prices.input))?;
    let read = line(text, prices.cache_read.or(prices.input))? + line(audio, cached_audio(prices))?;
    let short = line(usage.cache_write_5m, default_write(prices))?;
    let long = line(usage.cache_write_1h, prices.cache_write_1h.or(default_write(prices)))?;
    Some(CacheSaving {
        gained: nanos(plain - read),
        surcharge: nanos(short + long - line(written, prices.input)?),
    })
}

/// From millionths of nano-dollars, half up.
fn nanos(millionths: i128) -> NanoUsd {
    let nanos = (millionths + MILLION / 2).div_euclid(MILLION);
    let bound = if nanos < 0 { i64::MIN } else { i64::MAX };
    NanoUsd::from_nanos(i64::try_from(nanos).unwrap_or(bound))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prices in nano-dollars a token.
    fn model(price: &str) -> ModelPrice {
        let row =
            format!(r#"{{"provider":"p","model":"m","mode":"chat","standard":{{"price":{{{price}}}}}}}"#);
        serde_json::from_str(&row).unwrap()
    }

    fn saving(price: &str, usage: Usage) -> Option<(i64, i64, i64)> {
        let saving = cache_saving(&model(price), &usage)?;
        Some((saving.gained.as_nanos(), saving.surcharge.as_nanos(), saving.saved().as_nanos()))
    }

    const WHOLE: &str =
        r#""input":1000000,"cache_read":100000,"cache_write":1250000,"cache_write_1h":2000000"#;

    #[test]
    fn what_is_read_gains_and_what_is_written_costs() {
        let usage = Usage { cache_read: 1_000, cache_write_5m: 40, cache_write_1h: 10, ..Usage::NONE };
        assert_eq!(saving(WHOLE, usage), Some((900, 20, 880)));
        let never_read = Usage { cache_write_1h: 10, ..Usage::NONE };
        assert_eq!(saving(WHOLE, never_read), Some((0, 10, -10)));
        let plain = Usage { input: 1_000, output: 1_000, ..Usage::NONE };
        assert_eq!(saving(WHOLE, plain), Some((0, 0, 0)));
    }

    #[test]
    fn sound_has_its_own_prices_where_there_are_some() {
        let usage = Usage { cache_read: 100, cache_read_audio: 40, ..Usage::NONE };
        let price = r#""input":1000000,"cache_read":500000,"input_audio":8000000,"cache_read_audio":2000000"#;
        assert_eq!(saving(price, usage), Some((30 + 240, 0, 270)));
    }

    #[test]
    fn what_is_not_priced_apart_saves_nothing_and_what_has_no_price_is_not_told() {
        let usage = Usage { cache_read: 1_000, cache_write_5m: 40, ..Usage::NONE };
        assert_eq!(saving(r#""input":1000000"#, usage), Some((0, 0, 0)));
        assert_eq!(saving(r#""output":1000000"#, usage), None);
        assert_eq!(saving(r#""output":1000000"#, Usage::NONE), Some((0, 0, 0)));
    }

    #[test]
    fn sums_that_nobody_can_count_stay_within_bounds() {
        let usage = Usage { cache_read: u64::MAX, ..Usage::NONE };
        assert_eq!(saving(r#""input":1000000000000,"cache_read":0"#, usage), Some((i64::MAX, 0, i64::MAX)));
    }
}
