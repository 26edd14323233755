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
    total_tokens: Count,
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
        let details = self.prompt_tokens_details.0.unwrap_or_default();
        let cache_read =
            details.cached_tokens.or(self.cached_tokens).or(self.prompt_cache_hit_tokens).or_zero();
        let cache_write = details.cache_write_tokens.or(details.cache_creation_input_tokens).or_zero();
        let answer = self.completion_tokens_details.0.unwrap_or_default();
        let input = self.prompt_tokens.or_zero().saturating_sub(cache_read).saturating_sub(cache_write);
        let output = self.output();
        Usage {
            input,
            output,
            cache_read,
            cache_write_5m: cache_write,
            cache_write_1h: 0,
            reasoning: self.reasoning(),
            // What of it came from the cache is not told: it is taken not to have.
            input_audio: details.audio_tokens.or_zero().min(input),
            input_image: details.image_tokens.or_zero().min(input),
            output_audio: answer.audio_tokens.or_zero().min(output),
            ..Usage::default()
        }
    }

    /// Whether both sides are told, without which the counts are no bill.
    pub(crate) fn is_complete(&self) -> bool {
        self.prompt_tokens.0.is_some() && self.completion_tokens.0.is_some()
    }

    /// Whether either side is told.
    pub(crate) fn tells_something(&self) -> bool {
        self.prompt_tokens.0.is_some() || self.completion_tokens.0.is_some()
    }

    /// Answer tokens with reasoning. xAI leaves reasoning out of `completion_tokens`, which only its total tells.
    fn output(&self) -> u64 {
        let (answer, reasoning) = (self.completion_tokens.or_zero(), self.reasoning());
        let apart = answer + reasoning;
        let is_apart = self.total_tokens.0 == Some(self.prompt_tokens.or_zero() + apart);
        if is_apart || reasoning > answer { apart.min(Count::MAX) } else { answer }
    }

    fn reasoning(&self) -> u64 {
        self.completion_tokens_details.0.unwrap_or_default().reasoning_tokens.or_zero()
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
    /// DashScope's name for it.
    cache_creation_input_tokens: Count,
    audio_tokens: Count,
    image_tokens: Count,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Count,
    audio_tokens: Count,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(json: &str) -> Usage {
        serde_json::from_str::<Counts>(json).unwrap().to_usage()
    }

    #[test]
    fn cached_and_written_tokens_are_taken_out_of_the_prompt() {
        let read = usage(
            r#"{"prompt_tokens":1420,"completion_tokens":100,"total_tokens":1520,
                "prompt_tokens_details":{"cached_tokens":1280,"cache_write_tokens":40},
                "completion_tokens_details":{"reasoning_tokens":64}}"#,
        );
        let expected = Usage {
            input: 100,
            output: 100,
            cache_read: 1_280,
            cache_write_5m: 40,
            reasoning: 64,
            ..Usage::default()
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn sound_and_pictures_are_read_and_never_more_than_what_holds_them() {
        let read = usage(
            r#"{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
                "prompt_tokens_details":{"cached_tokens":40,"audio_tokens":70,"image_tokens":5,"text_tokens":25},
                "completion_tokens_details":{"audio_tokens":30,"text_tokens":20}}"#,
        );
        assert_eq!((read.input, read.input_audio, read.input_image), (60, 60, 5));
        assert_eq!((read.output, read.output_audio), (50, 30));
    }

    #[test]
    fn vendors_own_places_for_cached_tokens_are_read() {
        for json in [
            r#"{"prompt_tokens":36,"completion_tokens":1,"cached_tokens":32}"#,
            r#"{"prompt_tokens":36,"completion_tokens":1,"prompt_cache_hit_tokens":32}"#,
        ] {
            let read = usage(json);
            assert_eq!((read.input, read.cache_read), (4, 32), "{json}");
        }
    }

    #[test]
    fn more_cached_than_prompt_leaves_no_input() {
        let read = usage(
            r#"{"prompt_tokens":7,"completion_tokens":8,"prompt_tokens_details":{"cached_tokens":161}}"#,
        );
        assert_eq!((read.input, read.cache_read), (0, 161));
    }

    /// The figures are those of a recording of `grok-4-fast`.
    #[test]
    fn reasoning_counted_apart_is_added_to_the_output() {
        let read = usage(
            r#"{"prompt_tokens":432,"completion_tokens":68,"total_tokens":636,
                "completion_tokens_details":{"reasoning_tokens":136}}"#,
        );
        assert_eq!((read.output, read.reasoning), (204, 136));
    }

    #[test]
    fn absurd_counts_neither_panic_nor_spread() {
        let read = usage(
            r#"{"prompt_tokens":99999999999999999999,"completion_tokens":-4,"total_tokens":1e999,
                "prompt_tokens_details":"none","completion_tokens_details":{"reasoning_tokens":1e300}}"#,
        );
        let expected =
            Usage { input: Count::MAX, output: Count::MAX, reasoning: Count::MAX, ..Usage::default() };
        assert_eq!(read, expected);
        assert!(!serde_json::from_str::<Counts>(r#"{"completion_tokens":"12"}"#).unwrap().is_complete());
    }
}
