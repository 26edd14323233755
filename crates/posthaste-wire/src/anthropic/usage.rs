//! `usage` objects. `input_tokens` leaves out what was read from or written to the cache; `output_tokens` includes
//! thinking (<https://platform.claude.com/docs/en/build-with-claude/prompt-caching>).

use posthaste_core::Usage;
use serde::Deserialize;

use crate::{
    count::Count,
    lenient::Lenient,
    terms::{GeographyWord, SpeedWord, TierWord},
};

/// The counts that are billed. `iterations` is left out: the other fields give its sum already.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Counts {
    input_tokens: Count,
    output_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
    cache_creation: Lenient<CacheCreation>,
    output_tokens_details: Lenient<OutputDetails>,
    server_tool_use: Lenient<ServerToolUse>,
    service_tier: TierWord,
    speed: SpeedWord,
    inference_geo: GeographyWord,
}

impl Counts {
    /// Puts the counts over earlier ones: in a stream they are cumulative, and the last value of each field wins.
    pub fn merge_into(&self, usage: &mut Usage) {
        self.input_tokens.put(&mut usage.input);
        self.output_tokens.put(&mut usage.output);
        self.cache_read_input_tokens.put(&mut usage.cache_read);
        self.merge_cache_writes(usage);
        self.output_tokens_details.0.unwrap_or_default().thinking_tokens.put(&mut usage.reasoning);
        usage.reasoning = usage.reasoning.min(usage.output);
        self.server_tool_use.0.unwrap_or_default().web_search_requests.put(&mut usage.web_searches);
        self.service_tier.put(&mut usage.terms.tier);
        usage.terms.fast = self.speed.0.unwrap_or(usage.terms.fast);
        usage.terms.geography = self.inference_geo.0.unwrap_or(usage.terms.geography);
    }

    /// The counts of a stream's opening. Its `output_tokens` is a placeholder of a few tokens, not a beginning.
    pub(crate) fn without_output(self) -> Self {
        Self { output_tokens: Count::default(), output_tokens_details: Lenient::default(), ..self }
    }

    /// Whether the answer's own count is there, without which the others are only a beginning.
    pub(crate) fn tells_output(&self) -> bool {
        self.output_tokens.0.is_some()
    }

    /// Whether both sides are told, without which the counts are no bill.
    pub(crate) fn is_complete(&self) -> bool {
        self.input_tokens.0.is_some() && self.tells_output()
    }

    /// The split by lifetime where it is given; what the total holds beyond it counts as the default lifetime.
    /// `message_delta` repeats the total without the split, which then leaves an earlier split as it is.
    fn merge_cache_writes(&self, usage: &mut Usage) {
        let split = self.cache_creation.0.unwrap_or_default();
        split.ephemeral_5m_input_tokens.put(&mut usage.cache_write_5m);
        split.ephemeral_1h_input_tokens.put(&mut usage.cache_write_1h);
        if let Some(total) = self.cache_creation_input_tokens.0 {
            if split.is_empty() {
                usage.cache_write_1h = usage.cache_write_1h.min(total);
                usage.cache_write_5m = total - usage.cache_write_1h;
            } else {
                let known = usage.cache_write_5m + usage.cache_write_1h;
                usage.cache_write_5m += total.saturating_sub(known);
            }
        }
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_5m_input_tokens: Count,
    ephemeral_1h_input_tokens: Count,
}

impl CacheCreation {
    fn is_empty(&self) -> bool {
        self.ephemeral_5m_input_tokens.0.is_none() && self.ephemeral_1h_input_tokens.0.is_none()
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    thinking_tokens: Count,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct ServerToolUse {
    web_search_requests: Count,
}

#[cfg(test)]
mod tests {
    use posthaste_core::{Geography, ServiceTier, Terms};

    use super::*;

    fn merged(parts: &[&str]) -> Usage {
        let mut usage = Usage::default();
        for json in parts {
            serde_json::from_str::<Counts>(json).unwrap().merge_into(&mut usage);
        }
        usage
    }

    #[test]
    fn every_class_is_read() {
        let usage = merged(&[
            r#"{"input_tokens":3,"cache_creation_input_tokens":30,"cache_read_input_tokens":40,
            "cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":9,
            "output_tokens_details":{"thinking_tokens":4},"server_tool_use":{"web_search_requests":2}}"#,
        ]);
        let expected = Usage {
            input: 3,
            output: 9,
            cache_read: 40,
            cache_write_5m: 10,
            cache_write_1h: 20,
            reasoning: 4,
            web_searches: 2,
            ..Usage::default()
        };
        assert_eq!(usage, expected);
    }

    #[test]
    fn the_terms_are_read_and_stay_where_a_later_object_is_silent() {
        let usage = merged(&[
            r#"{"input_tokens":3,"service_tier":"batch","speed":"fast","inference_geo":"us"}"#,
            r#"{"output_tokens":9,"speed":null}"#,
        ]);
        let terms = Terms { tier: ServiceTier::Batch, fast: true, geography: Geography::Us };
        assert_eq!(usage, Usage { input: 3, output: 9, terms, ..Usage::NONE });
        let plain = merged(&[
            r#"{"input_tokens":3,"service_tier":"standard","speed":"standard","inference_geo":"not_available"}"#,
        ]);
        assert_eq!(plain.terms, Terms::PLAIN);
    }

    #[test]
    fn a_total_alone_counts_as_the_default_lifetime() {
        let usage = merged(&[r#"{"cache_creation_input_tokens":30}"#]);
        assert_eq!((usage.cache_write_5m, usage.cache_write_1h), (30, 0));
    }

    #[test]
    fn a_repeated_total_keeps_the_split_and_a_raised_one_adds_to_the_default_lifetime() {
        let split = r#"{"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":20}}"#;
        let same = merged(&[split, r#"{"cache_creation_input_tokens":20}"#]);
        assert_eq!((same.cache_write_5m, same.cache_write_1h), (0, 20));
        let raised = merged(&[split, r#"{"cache_creation_input_tokens":25}"#]);
        assert_eq!((raised.cache_write_5m, raised.cache_write_1h), (5, 20));
    }

    #[test]
    fn the_last_value_of_each_field_wins_and_absent_or_absurd_ones_change_nothing() {
        let usage = merged(&[
            r#"{"input_tokens":2039,"output_tokens":1,"cache_read_input_tokens":5}"#,
            r#"{"input_tokens":10423,"output_tokens":341,"cache_read_input_tokens":-1}"#,
            r#"{"input_tokens":"many","output_tokens":null,"cache_creation":7,"output_tokens_details":[]}"#,
        ]);
        let expected = Usage { input: 10_423, output: 341, cache_read: 5, ..Usage::default() };
        assert_eq!(usage, expected);
    }

    #[test]
    fn thinking_never_exceeds_the_output_that_contains_it() {
        let usage = merged(&[r#"{"output_tokens":5,"output_tokens_details":{"thinking_tokens":1e18}}"#]);
        assert_eq!((usage.output, usage.reasoning), (5, 5));
    }
}
