//! Token counts of one exchange.

use serde::{Deserialize, Serialize};

use crate::Terms;

/// Tokens by class, and the terms on which they are billed. The classes are disjoint except those that are a part of
/// another one: `reasoning`, and what is sound or picture.
///
/// `input` is what was neither read from nor written to a prompt cache, so the size of the prompt is
/// [`prompt`](Self::prompt). Dialects count differently; their readers in `posthaste-wire` bring them to this form
/// (source: the usage tables of the vendors' API references, see `docs/DIALECTS.md`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Usage {
    /// Prompt tokens outside any cache.
    pub input: u64,
    /// Answer tokens, reasoning included.
    pub output: u64,
    /// Prompt tokens served from a cache.
    pub cache_read: u64,
    /// Prompt tokens written to a cache of the default lifetime (5 minutes at Anthropic).
    pub cache_write_5m: u64,
    /// Prompt tokens written to a cache of one hour.
    pub cache_write_1h: u64,
    /// Reasoning tokens, contained in `output`.
    pub reasoning: u64,
    /// Hosted web searches that the vendor bills by the piece.
    pub web_searches: u64,
    /// Sound, contained in `input`. Absent in JSON when zero, as the following ones are.
    #[serde(skip_serializing_if = "is_zero")]
    pub input_audio: u64,
    /// Sound, contained in `cache_read`.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_read_audio: u64,
    /// Sound, contained in `output`.
    #[serde(skip_serializing_if = "is_zero")]
    pub output_audio: u64,
    /// Pictures, contained in `input`.
    #[serde(skip_serializing_if = "is_zero")]
    pub input_image: u64,
    /// Pictures, contained in `output`.
    #[serde(skip_serializing_if = "is_zero")]
    pub output_image: u64,
    /// On what terms the exchange is billed. Sums have none.
    #[serde(skip_serializing_if = "Terms::are_plain")]
    pub terms: Terms,
}

impl Usage {
    /// Nothing, on ordinary terms.
    pub const NONE: Self = Self {
        input: 0,
        output: 0,
        cache_read: 0,
        cache_write_5m: 0,
        cache_write_1h: 0,
        reasoning: 0,
        web_searches: 0,
        input_audio: 0,
        cache_read_audio: 0,
        output_audio: 0,
        input_image: 0,
        output_image: 0,
        terms: Terms::PLAIN,
    };

    /// All prompt tokens, cached or not.
    pub const fn prompt(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write_5m)
            .saturating_add(self.cache_write_1h)
    }

    /// Prompt and answer together.
    pub const fn total(&self) -> u64 {
        self.prompt().saturating_add(self.output)
    }

    /// Whether nothing was counted, on whatever terms.
    pub fn is_empty(&self) -> bool {
        Self { terms: Terms::PLAIN, ..*self } == Self::NONE
    }

    /// Adds another exchange's counts; the terms stay as they are.
    pub fn add(&mut self, other: &Self) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
        self.cache_read = self.cache_read.saturating_add(other.cache_read);
        self.cache_write_5m = self.cache_write_5m.saturating_add(other.cache_write_5m);
        self.cache_write_1h = self.cache_write_1h.saturating_add(other.cache_write_1h);
        self.reasoning = self.reasoning.saturating_add(other.reasoning);
        self.web_searches = self.web_searches.saturating_add(other.web_searches);
        self.input_audio = self.input_audio.saturating_add(other.input_audio);
        self.cache_read_audio = self.cache_read_audio.saturating_add(other.cache_read_audio);
        self.output_audio = self.output_audio.saturating_add(other.output_audio);
        self.input_image = self.input_image.saturating_add(other.input_image);
        self.output_image = self.output_image.saturating_add(other.output_image);
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// How the body of an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StreamEnd {
    /// To its end, terminator included.
    Complete,
    /// The upstream failed: an error event, a cut connection or a silence past the time-out.
    Failed,
    /// The client went away.
    Cancelled,
}
