//! `usage` objects. `input_tokens` includes what was read from or written to the cache, `output_tokens` includes
//! reasoning (<https://platform.openai.com/docs/api-reference/responses/object>).

use posthaste_core::Usage;
use serde::Deserialize;

use crate::{count::Count, lenient::Lenient};

/// The counts that are billed.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Counts {
    input_tokens: Count,
    output_tokens: Count,
    input_tokens_details: Lenient<InputDetails>,
    output_tokens_details: Lenient<OutputDetails>,
}

impl Counts {
    /// The counts in disjoint classes; `tools` stands beside the counts in the answer. Nothing goes below 0.
    pub fn to_usage(self, tools: ToolCounts) -> Usage {
        let InputDetails { cached_tokens, cache_write_tokens } =
            self.input_tokens_details.0.unwrap_or_default();
        let (cache_read, cache_write) = (cached_tokens.or_zero(), cache_write_tokens.or_zero());
        let reasoning = self.output_tokens_details.0.unwrap_or_default().reasoning_tokens.or_zero();
        let output = self.output_tokens.or_zero();
        Usage {
            input: self.input_tokens.or_zero().saturating_sub(cache_read).saturating_sub(cache_write),
            output,
            cache_read,
            cache_write_5m: cache_write,
            cache_write_1h: 0,
            reasoning: reasoning.min(output),
            web_searches: tools.web_search.0.unwrap_or_default().num_requests.or_zero(),
            ..Usage::default()
        }
    }

    /// Whether both sides are told, without which the counts are no bill.
    pub(crate) fn is_complete(&self) -> bool {
        self.input_tokens.0.is_some() && self.output_tokens.0.is_some()
    }
}

/// `tool_usage`: how often hosted tools that are billed by the piece were run.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ToolCounts {
    web_search: Lenient<WebSearch>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct WebSearch {
    num_requests: Count,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Count,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(counts: &str, tools: &str) -> Usage {
        let counts: Counts = serde_json::from_str(counts).unwrap();
        counts.to_usage(serde_json::from_str(tools).unwrap())
    }

    #[test]
    fn cached_and_written_tokens_are_taken_out_of_the_input() {
        let read = usage(
            r#"{"input_tokens":1420,"output_tokens":100,"total_tokens":1520,
                "input_tokens_details":{"cached_tokens":1280,"cache_write_tokens":40},
                "output_tokens_details":{"reasoning_tokens":64}}"#,
            r#"{"image_gen":{"input_tokens":0},"web_search":{"num_requests":2}}"#,
        );
        let expected = Usage {
            input: 100,
            output: 100,
            cache_read: 1_280,
            cache_write_5m: 40,
            reasoning: 64,
            web_searches: 2,
            ..Usage::default()
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn absurd_counts_neither_panic_nor_spread() {
        let read = usage(
            r#"{"input_tokens":7,"output_tokens":-4,"input_tokens_details":{"cached_tokens":161},
                "output_tokens_details":{"reasoning_tokens":1e300}}"#,
            r#"{"web_search":[]}"#,
        );
        assert_eq!(read, Usage { cache_read: 161, ..Usage::default() });
    }
}
