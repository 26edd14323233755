//! `usageMetadata` objects. `promptTokenCount` includes what was read from the cache but not what hosted tools put into
//! the prompt; `candidatesTokenCount` leaves out thoughts; a count of zero may be absent
//! (<https://ai.google.dev/api/generate-content#UsageMetadata>).

use posthaste_core::Usage;
use serde::Deserialize;

use crate::count::Count;

/// The counts that are billed.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Counts {
    prompt_token_count: Count,
    cached_content_token_count: Count,
    tool_use_prompt_token_count: Count,
    candidates_token_count: Count,
    thoughts_token_count: Count,
}

impl Counts {
    /// Puts the counts over earlier ones: in a stream they are cumulative. What is absent leaves the earlier count, since
    /// the last chunk of an answer that failed forgets its thoughts (recorded).
    pub fn merge_into(&self, usage: &mut Usage) {
        self.cached_content_token_count.put(&mut usage.cache_read);
        if let Some(prompt) = self.prompt_token_count.0 {
            let all = prompt + self.tool_use_prompt_token_count.or_zero();
            usage.input = all.saturating_sub(usage.cache_read).min(Count::MAX);
        }
        let answer = usage.output - usage.reasoning;
        self.thoughts_token_count.put(&mut usage.reasoning);
        let answer = self.candidates_token_count.0.unwrap_or(answer);
        usage.reasoning = usage.reasoning.min(Count::MAX);
        usage.output = answer.saturating_add(usage.reasoning);
    }

    /// The counts in disjoint classes.
    pub fn to_usage(self) -> Usage {
        let mut usage = Usage::default();
        self.merge_into(&mut usage);
        usage
    }

    /// Whether anything is told: Vertex sends the object with nothing but the kind of traffic.
    pub(crate) fn tells_something(&self) -> bool {
        self.prompt_token_count.0.is_some() || self.tells_output()
    }

    fn tells_output(&self) -> bool {
        self.candidates_token_count.0.is_some() || self.thoughts_token_count.0.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(parts: &[&str]) -> Usage {
        let mut usage = Usage::default();
        for json in parts {
            serde_json::from_str::<Counts>(json).unwrap().merge_into(&mut usage);
        }
        usage
    }

    #[test]
    fn thoughts_and_tool_prompts_are_added_and_cached_tokens_taken_out() {
        let usage =
            merged(&[r#"{"promptTokenCount":341,"cachedContentTokenCount":92,"toolUsePromptTokenCount":253,
            "candidatesTokenCount":10,"thoughtsTokenCount":499,"totalTokenCount":1103}"#]);
        let expected = Usage { input: 502, cache_read: 92, output: 509, reasoning: 499, ..Usage::default() };
        assert_eq!(usage, expected);
    }

    #[test]
    fn counts_are_cumulative_and_absent_ones_stay() {
        let usage = merged(&[
            r#"{"promptTokenCount":95,"candidatesTokenCount":7,"thoughtsTokenCount":83}"#,
            r#"{"trafficType":"ON_DEMAND"}"#,
            r#"{"promptTokenCount":206,"candidatesTokenCount":29}"#,
        ]);
        assert_eq!(usage, Usage { input: 206, output: 112, reasoning: 83, ..Usage::default() });
    }

    #[test]
    fn absurd_counts_change_nothing_and_nothing_goes_below_zero() {
        let usage = merged(&[
            r#"{"promptTokenCount":7,"cachedContentTokenCount":161,"candidatesTokenCount":-1,"thoughtsTokenCount":"9"}"#,
        ]);
        assert_eq!(usage, Usage { cache_read: 161, ..Usage::default() });
        let huge = merged(&[
            r#"{"promptTokenCount":1e300,"toolUsePromptTokenCount":1e300,"candidatesTokenCount":1e300,"thoughtsTokenCount":1e300}"#,
        ]);
        assert!(huge.output > 0 && huge.reasoning <= huge.output);
    }
}
