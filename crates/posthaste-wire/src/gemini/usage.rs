//! `usageMetadata` objects. `promptTokenCount` includes what was read from the cache but not what hosted tools put into
//! the prompt; `candidatesTokenCount` leaves out thoughts; a count of zero may be absent
//! (<https://ai.google.dev/api/generate-content#UsageMetadata>).

use posthaste_core::Usage;
use serde::{Deserialize, Deserializer};

use crate::{
    count::Count,
    lenient::{Lenient, List, Text},
    terms::TierWord,
};

/// The counts that are billed.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Counts {
    prompt_token_count: Count,
    cached_content_token_count: Count,
    tool_use_prompt_token_count: Count,
    candidates_token_count: Count,
    thoughts_token_count: Count,
    prompt_tokens_details: ByModality,
    cache_tokens_details: ByModality,
    tool_use_prompt_tokens_details: ByModality,
    candidates_tokens_details: ByModality,
    /// Vertex's word for the tier, and the Gemini API's.
    traffic_type: TierWord,
    service_tier: TierWord,
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
        self.merge_modalities(usage);
        self.traffic_type.put(&mut usage.terms.tier);
        self.service_tier.put(&mut usage.terms.tier);
    }

    /// The prompt's details count what was cached as well, as its total does.
    fn merge_modalities(&self, usage: &mut Usage) {
        self.cache_tokens_details.audio.put(&mut usage.cache_read_audio);
        usage.cache_read_audio = usage.cache_read_audio.min(usage.cache_read);
        let prompt = |of: fn(&ByModality) -> Count| {
            let told = of(&self.prompt_tokens_details).0;
            told.map(|told| told.saturating_add(of(&self.tool_use_prompt_tokens_details).or_zero()))
        };
        if let Some(audio) = prompt(|details| details.audio) {
            usage.input_audio = audio.saturating_sub(usage.cache_read_audio);
        }
        if let Some(image) = prompt(|details| details.image) {
            usage.input_image = image.saturating_sub(self.cache_tokens_details.image.or_zero());
        }
        usage.input_audio = usage.input_audio.min(usage.input);
        usage.input_image = usage.input_image.min(usage.input - usage.input_audio);
        self.candidates_tokens_details.audio.put(&mut usage.output_audio);
        self.candidates_tokens_details.image.put(&mut usage.output_image);
        let answer = usage.output - usage.reasoning;
        usage.output_audio = usage.output_audio.min(answer);
        usage.output_image = usage.output_image.min(answer - usage.output_audio);
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

/// A list of counts by modality, of which sound and pictures may have prices of their own.
#[derive(Clone, Copy, Debug, Default)]
struct ByModality {
    audio: Count,
    image: Count,
}

impl<'de> Deserialize<'de> for ByModality {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = List::<Modality<'de>>::deserialize(deserializer)?;
        let mut counts = Self::default();
        for part in list.0.into_iter().flatten() {
            match part.modality.0.as_ref().map(|word| &*word.0) {
                Some("AUDIO") => counts.audio = part.token_count,
                Some("IMAGE") => counts.image = part.token_count,
                _ => {}
            }
        }
        Ok(counts)
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Modality<'a> {
    #[serde(borrow, default)]
    modality: Lenient<Text<'a>>,
    #[serde(default)]
    token_count: Count,
}

#[cfg(test)]
mod tests {
    use posthaste_core::{ServiceTier, Terms};

    use super::*;

    #[test]
    fn sound_pictures_and_the_tier_are_read() {
        let usage = merged(&[
            r#"{"promptTokenCount":100,"cachedContentTokenCount":40,"candidatesTokenCount":30,"thoughtsTokenCount":5,
            "promptTokensDetails":[{"modality":"TEXT","tokenCount":20},{"modality":"AUDIO","tokenCount":70},
                {"modality":"IMAGE","tokenCount":10},7],
            "cacheTokensDetails":[{"modality":"AUDIO","tokenCount":40}],
            "candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":25}],"serviceTier":"priority"}"#,
        ]);
        let expected = Usage {
            input: 60,
            input_audio: 30,
            input_image: 10,
            cache_read: 40,
            cache_read_audio: 40,
            output: 35,
            reasoning: 5,
            output_image: 25,
            terms: Terms { tier: ServiceTier::Priority, ..Terms::PLAIN },
            ..Usage::NONE
        };
        assert_eq!(usage, expected);
        assert_eq!(merged(&[r#"{"trafficType":"ON_DEMAND_FLEX"}"#]).terms.tier, ServiceTier::Flex);
        let odd = merged(&[
            r#"{"promptTokenCount":5,"promptTokensDetails":[{"modality":"AUDIO","tokenCount":1e300}],
            "cacheTokensDetails":"none","candidatesTokensDetails":[{"modality":"AUDIO","tokenCount":9}]}"#,
        ]);
        assert_eq!((odd.input_audio, odd.output_audio), (5, 0));
    }

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
