//! A model's prices. These types are the layout of the price file, field for field.

use jiff::{civil::Date, tz::TimeZone};
use posthaste_core::{ModelName, Timestamp};
use serde::{Deserialize, Serialize};

/// Nano-dollars for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64")]
pub struct TokenPrice(u64);

impl TokenPrice {
    /// A thousand dollars for a million tokens, many times the dearest model's price. What is higher is a slip of the
    /// decimal point or of the unit.
    pub const MOST: Self = Self(1_000 * 1_000_000_000);

    /// Nano-dollars for a million tokens.
    pub const fn nanos_per_million(self) -> u64 {
        self.0
    }
}

impl Mode {
    /// Whether it is asked in conversations.
    pub const fn is_conversation(self) -> bool {
        matches!(self, Self::Chat | Self::Responses)
    }
}

impl TryFrom<u64> for TokenPrice {
    type Error = String;

    fn try_from(nanos: u64) -> Result<Self, String> {
        if nanos > Self::MOST.0 {
            return Err(format!("a price of {nanos} nano-USD per million tokens is beyond belief"));
        }
        Ok(Self(nanos))
    }
}

/// What a model is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Conversations.
    Chat,
    /// Conversations, by OpenAI's Responses API only.
    Responses,
    /// Text to be continued.
    Completion,
    /// Embeddings.
    Embedding,
}

/// One model on one price list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelPrice {
    /// Whose price list.
    pub provider: String,
    /// The model's id there.
    pub model: ModelName,
    /// Which sheet, where the provider has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The name for people, where it is not told by the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The day it came out, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Date>,
    /// What it is asked for.
    pub mode: Mode,
    /// Whether lists of models leave it out: a name that prices need and clients do not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unlisted: bool,
    /// The most tokens of prompt and answer together, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u64>,
    /// The most tokens of an answer, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output: Option<u64>,
    /// The standard tier's prices.
    pub standard: Sheet,
    /// The other tiers' prices. A price that a tier does not state is the standard one.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub tiers: Tiers,
    /// Factors on all token prices.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub multipliers_per_mille: Multipliers,
    /// Nano-dollars for a thousand hosted web searches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_search_per_1k: Option<TokenPrice>,
    /// The date of the provider's retirement notice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<Date>,
}

impl ModelPrice {
    /// The beginning of the day on which it came out.
    pub fn created_at(&self) -> Option<Timestamp> {
        let start = self.created?.at(0, 0, 0, 0).to_zoned_datetime(TimeZone::UTC).ok()?;
        Some(start.timestamp().into())
    }

    /// Whether the provider's notice said that it would be gone by now.
    pub fn is_retired(&self, now: Timestamp) -> bool {
        let today = TimeZone::UTC.to_datetime(now.into()).date();
        self.deprecated.is_some_and(|gone| gone <= today)
    }
}

/// The prices of one tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    /// The prices of an ordinary prompt.
    pub price: Prices,
    /// The prices of long prompts, by rising threshold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub above: Vec<Step>,
}

impl Sheet {
    /// The prices of a request whose whole prompt has `prompt_tokens`: they count for each of its tokens, not only for
    /// those past the threshold.
    pub fn for_prompt(&self, prompt_tokens: u64) -> Prices {
        let step = self.above.iter().rfind(|step| prompt_tokens > step.input_tokens_over);
        step.map_or(self.price, |step| step.price.or(&self.price))
    }
}

/// The prices of prompts over a threshold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The prompt is longer than this.
    pub input_tokens_over: u64,
    /// What differs then.
    pub price: Prices,
}

/// Prices by token class; what is not stated is `None`, never zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prices {
    /// Prompt tokens outside any cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<TokenPrice>,
    /// Answer tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<TokenPrice>,
    /// Prompt tokens served from a cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<TokenPrice>,
    /// Prompt tokens written to a cache of the default lifetime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<TokenPrice>,
    /// Prompt tokens written to a cache of the long lifetime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<TokenPrice>,
    /// Reasoning tokens, where priced apart from the answer's others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_reasoning: Option<TokenPrice>,
    /// Sound in the prompt, where priced apart as the following are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_audio: Option<TokenPrice>,
    /// Sound in the prompt, served from a cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read_audio: Option<TokenPrice>,
    /// Sound in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_audio: Option<TokenPrice>,
    /// Pictures in the prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_image: Option<TokenPrice>,
    /// Pictures in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_image: Option<TokenPrice>,
}

impl Prices {
    /// These prices, and `base`'s where these are silent.
    pub(crate) fn or(&self, base: &Self) -> Self {
        self.merged(base, Option::or)
    }

    /// The higher price of each class.
    pub(crate) fn dearer(&self, other: &Self) -> Self {
        self.merged(other, Ord::max)
    }

    fn merged(
        &self,
        other: &Self,
        choose: impl Fn(Option<TokenPrice>, Option<TokenPrice>) -> Option<TokenPrice>,
    ) -> Self {
        Self {
            input: choose(self.input, other.input),
            output: choose(self.output, other.output),
            cache_read: choose(self.cache_read, other.cache_read),
            cache_write: choose(self.cache_write, other.cache_write),
            cache_write_1h: choose(self.cache_write_1h, other.cache_write_1h),
            output_reasoning: choose(self.output_reasoning, other.output_reasoning),
            input_audio: choose(self.input_audio, other.input_audio),
            cache_read_audio: choose(self.cache_read_audio, other.cache_read_audio),
            output_audio: choose(self.output_audio, other.output_audio),
            input_image: choose(self.input_image, other.input_image),
            output_image: choose(self.output_image, other.output_image),
        }
    }
}

/// The prices of service tiers other than the standard one. Boxes, for few models have any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tiers {
    /// Answered within a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<Box<Sheet>>,
    /// Answered when there is room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flex: Option<Box<Sheet>>,
    /// Answered before others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Box<Sheet>>,
    /// Answered by faster machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ultrafast: Option<Box<Sheet>>,
    /// Between standard and priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balanced: Option<Box<Sheet>>,
}

impl Tiers {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Sheet> {
        let tiers = [&self.batch, &self.flex, &self.priority, &self.ultrafast, &self.balanced];
        tiers.into_iter().filter_map(Option::as_deref)
    }
}

/// Thousandths by which all token prices are multiplied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Multipliers {
    /// When inference is bound to the United States.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub us: Option<u32>,
    /// In Anthropic's fast mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fast: Option<u32>,
}

/// Whether a file need not say it.
fn is_usual<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(input: u64, cache_read: Option<u64>) -> Prices {
        Prices { input: Some(TokenPrice(input)), cache_read: cache_read.map(TokenPrice), ..Prices::default() }
    }

    #[test]
    fn the_highest_step_passed_counts_and_the_rest_falls_back_to_the_base() {
        let sheet = Sheet {
            price: price(1, Some(7)),
            above: vec![
                Step { input_tokens_over: 100, price: price(2, Some(8)) },
                Step { input_tokens_over: 200, price: price(3, None) },
            ],
        };
        assert_eq!(sheet.for_prompt(100), price(1, Some(7)));
        assert_eq!(sheet.for_prompt(101), price(2, Some(8)));
        assert_eq!(sheet.for_prompt(201), price(3, Some(7)));
    }

    fn dated(created: &str, deprecated: &str) -> ModelPrice {
        let row = format!(
            r#"{{"provider":"p","model":"m","mode":"chat","standard":{{"price":{{"input":1}}}},
                "created":"{created}","deprecated":"{deprecated}"}}"#
        );
        serde_json::from_str(&row).unwrap()
    }

    #[test]
    fn a_model_came_out_as_its_day_began() {
        let start: Timestamp = "2026-03-05T00:00:00Z".parse().unwrap();
        assert_eq!(dated("2026-03-05", "2027-01-17").created_at(), Some(start));
    }

    #[test]
    fn a_model_is_retired_from_the_day_of_the_notice_on() {
        let model = dated("2026-03-05", "2027-01-17");
        let at = |moment: &str| model.is_retired(moment.parse().unwrap());
        assert!(!at("2027-01-16T23:59:59Z"));
        assert!(at("2027-01-17T00:00:00Z") && at("2027-01-18T00:00:00Z"));
        let kept = ModelPrice { deprecated: None, ..model.clone() };
        assert!(!kept.is_retired("2099-01-01T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn conversations_are_two_of_the_modes() {
        let modes = [Mode::Chat, Mode::Responses, Mode::Completion, Mode::Embedding];
        assert_eq!(modes.map(Mode::is_conversation), [true, true, false, false]);
    }
}
