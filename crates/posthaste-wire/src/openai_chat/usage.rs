//! `usage` objects. `prompt_tokens` includes what was read from or written to the cache, `completion_tokens` includes
//! reasoning (<https://platform.openai.com/docs/api-reference/chat/object>).

use posthaste_core::Usage;
use serde::Deserialize;

use crate::{count::Count, lenient::Lenient};

/// The counts that are billed, with the places where compatible vendors put them.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Counts {
    prompt_tokens: Count,
    completion_tokens: Count,
    prompt_tokens_details: Lenient<PromptDetails>,
    completion_tokens_details: Lenient<CompletionDetails>,
    /// Moonshot's place for what was read from the cache.
    cached_tokens: Count,
    /// DeepSeek's.
    prompt_cache_hit_tokens: Count,
}

impl Counts {
    /// The counts in disjoint classes. Some vendors report more cached than prompt tokens; nothing goes below 0.
    pub fn to_usage(self) -> Usage {
        let prompt = self.prompt_tokens_details.0.unwrap_or_default();
        let completion = self.completion_tokens_details.0.unwrap_or_default();
        let cache_read =
            prompt.cached_tokens.or(self.cached_tokens).or(self.prompt_cache_hit_tokens).or_zero();
        let (cache_write_5m, cache_write_1h) = prompt.cache_writes();
        Usage {
            input: self
                .prompt_tokens
                .or_zero()
                .saturating_sub(cache_read)
                .saturating_sub(cache_write_5m)
                .saturating_sub(cache_write_1h),
            output: self.completion_tokens.or_zero(),
            cache_read,
            cache_write_5m,
            cache_write_1h,
            reasoning: completion.reasoning_tokens.or_zero(),
            web_searches: 0,
        }
    }

    /// Whether both sides are told, without which the counts are no bill.
    pub(crate) fn is_complete(&self) -> bool {
        self.prompt_tokens.0.is_some() && self.completion_tokens.0.is_some()
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
}

impl PromptDetails {
    fn cache_writes(self) -> (u64, u64) {
        (self.cache_write_tokens.or_zero(), 0)
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Count,
}
