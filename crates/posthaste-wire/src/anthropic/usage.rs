//! `usage` objects. `input_tokens` leaves out what was read from or written to the cache; `output_tokens` includes
//! thinking (<https://platform.claude.com/docs/en/build-with-claude/prompt-caching>).

use posthaste_core::Usage;
use serde::Deserialize;

use crate::{count::Count, lenient::Lenient};

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
}

impl Counts {
    /// Puts the counts over earlier ones: in a stream they are cumulative, and the last value of each field wins.
    pub fn merge_into(&self, usage: &mut Usage) {
        self.input_tokens.put(&mut usage.input);
        self.output_tokens.put(&mut usage.output);
        self.cache_read_input_tokens.put(&mut usage.cache_read);
        self.merge_cache_writes(usage);
        self.output_tokens_details.0.unwrap_or_default().thinking_tokens.put(&mut usage.reasoning);
        self.server_tool_use.0.unwrap_or_default().web_search_requests.put(&mut usage.web_searches);
    }

    /// Whether the answer's own count is there, without which the others are only a beginning.
    pub(crate) fn tells_output(&self) -> bool {
        self.output_tokens.0.is_some()
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
