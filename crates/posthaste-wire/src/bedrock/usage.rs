//! `usage` objects (`TokenUsage`). As at Anthropic, `inputTokens` leaves out what was read from or written to the cache;
//! reasoning is part of `outputTokens` and not told apart.

use posthaste_core::Usage;
use serde::Deserialize;

use crate::{
    count::Count,
    lenient::{Lenient, List, Text},
    terms::TierWord,
};

/// The counts that are billed. Recorded answers repeat the cached ones under a second name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct Counts<'a> {
    input_tokens: Count,
    output_tokens: Count,
    cache_read_input_tokens: Count,
    cache_read_input_token_count: Count,
    cache_write_input_tokens: Count,
    cache_write_input_token_count: Count,
    cache_details: List<Detail<'a>>,
}

impl Counts<'_> {
    /// The counts as the relay bills them.
    pub fn to_usage(&self) -> Usage {
        let (cache_write_5m, cache_write_1h) = self.cache_writes();
        Usage {
            input: self.input_tokens.or_zero(),
            output: self.output_tokens.or_zero(),
            cache_read: self.cache_read_input_tokens.or(self.cache_read_input_token_count).or_zero(),
            cache_write_5m,
            cache_write_1h,
            ..Usage::default()
        }
    }

    /// Whether anything is told.
    pub(crate) fn tells_something(&self) -> bool {
        self.input_tokens.0.is_some() || self.output_tokens.0.is_some()
    }

    /// Whether both sides are told, without which the counts are no bill.
    pub(crate) fn is_complete(&self) -> bool {
        self.input_tokens.0.is_some() && self.output_tokens.0.is_some()
    }

    /// The split by lifetime where it is given; what the total holds beyond it counts as the default lifetime.
    fn cache_writes(&self) -> (u64, u64) {
        let total = self.cache_write_input_tokens.or(self.cache_write_input_token_count);
        let (mut short, mut long) = (0_u64, 0_u64);
        for detail in self.cache_details.0.iter().flatten() {
            let is_long = detail.ttl.0.as_ref().is_some_and(|ttl| ttl.0 == "1h");
            let place = if is_long { &mut long } else { &mut short };
            *place = place.saturating_add(detail.input_tokens.or_zero());
        }
        let beyond = total.or_zero().saturating_sub(short.saturating_add(long));
        (short.saturating_add(beyond), long)
    }
}

/// What an answer tells beside its counts of the terms on which they are billed: the tier, and `optimized` latency, which has
/// no price of its own in the price list.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Tier {
    #[serde(rename = "type")]
    kind: TierWord,
}

impl Tier {
    /// Puts the tier into the usage if there is one.
    pub(crate) fn put(self, usage: &mut Usage) {
        self.kind.put(&mut usage.terms.tier);
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct Detail<'a> {
    #[serde(borrow)]
    ttl: Lenient<Text<'a>>,
    input_tokens: Count,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Usage {
        serde_json::from_str::<Counts<'_>>(json).unwrap().to_usage()
    }

    #[test]
    fn cache_writes_are_split_by_lifetime() {
        let usage = read(
            r#"{"inputTokens":3,"outputTokens":9,"totalTokens":112,"cacheReadInputTokens":40,"cacheWriteInputTokens":60,
            "cacheDetails":[{"ttl":"1h","inputTokens":20},{"ttl":"5m","inputTokens":30},7],"serverToolUsage":{}}"#,
        );
        let expected = Usage {
            input: 3,
            output: 9,
            cache_read: 40,
            cache_write_5m: 40,
            cache_write_1h: 20,
            ..Usage::default()
        };
        assert_eq!(usage, expected);
    }

    #[test]
    fn the_second_names_serve_where_the_first_are_missing() {
        let usage = read(r#"{"inputTokens":1,"cacheReadInputTokenCount":4,"cacheWriteInputTokenCount":5}"#);
        assert_eq!((usage.cache_read, usage.cache_write_5m), (4, 5));
        assert_eq!(
            read(r#"{"inputTokens":"1","cacheReadInputTokens":-4,"cacheDetails":{}}"#),
            Usage::default()
        );
    }
}
