//! Reading the chunks of a stream (<https://platform.openai.com/docs/api-reference/chat/streaming>).

use std::sync::LazyLock;

use memchr::memmem::Finder;
use posthaste_core::Usage;
use serde::Deserialize;

use super::{error, usage::Counts};
use crate::{
    Frame, UpstreamError,
    count::Count,
    lenient::{Filled, Lenient, List, object},
    tap::Sighting,
    terms::TierWord,
};

/// The data of the terminal frame.
pub(crate) const DONE: &[u8] = b"[DONE]";

/// The terminal frame.
pub(crate) const TERMINATOR: &[u8] = b"data: [DONE]\n\n";

/// Reads one chunk.
pub(crate) fn read(frame: Frame<'_>, seen: &mut Sighting) {
    let data = frame.data.trim_ascii();
    if data == DONE {
        seen.ended = true;
    } else if frame.event == Some("error") {
        seen.fail(error::read(data).unwrap_or_else(unreadable_error));
    } else {
        if !seen.content || tells_more_than_content(data) {
            read_chunk(data, seen);
        }
        if seen.content {
            seen.add_content(data);
        }
    }
}

/// Whether a chunk tells token counts and nothing else: the one that comes last for those who asked for counts.
pub fn usage_only(data: &[u8]) -> bool {
    if values(data, &USAGE).all(|value| value.starts_with(b"null")) {
        return false;
    }
    let Ok(Some(chunk)) = object::<Chunk>(data) else { return false };
    !chunk.error.0 && chunk.usage.0.is_some() && chunk.choices.0.is_some_and(|choices| choices.is_empty())
}

static USAGE: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\"usage\""));

/// Whether a chunk may hold usage, an error, a finish reason, or a choice other than the first. Inside strings the
/// quotes would be escaped, so content is not mistaken for them.
fn tells_more_than_content(data: &[u8]) -> bool {
    CHOICES.find(data).is_none()
        || TELLING.iter().any(|(name, common)| values(data, name).any(|value| !value.starts_with(common)))
}

/// What has no choices is an error, or what a vendor puts between.
static CHOICES: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\"choices\""));

/// The keys that tell more, each with the value that it has in most chunks.
static TELLING: LazyLock<[(Finder<'_>, &[u8]); 4]> = LazyLock::new(|| {
    [
        (Finder::new("\"finish_reason\""), b"null"),
        (Finder::new("\"usage\""), b"null"),
        (Finder::new("\"error\""), b"null"),
        (Finder::new("\"index\""), b"0"),
    ]
});

/// What follows `name` wherever it stands as a key.
fn values<'a>(data: &'a [u8], name: &'a Finder<'_>) -> impl Iterator<Item = &'a [u8]> {
    name.find_iter(data).filter_map(|at| {
        let rest = data[at + name.needle().len()..].trim_ascii_start();
        rest.strip_prefix(b":").map(<[u8]>::trim_ascii_start)
    })
}

fn read_chunk(data: &[u8], seen: &mut Sighting) {
    let Ok(Some(chunk)) = object::<Chunk>(data) else { return };
    if chunk.error.0 {
        seen.fail(error::read(data).unwrap_or_else(unreadable_error));
    } else if chunk.choices.0.is_none()
        && let Some(error) = error::read(data)
    {
        seen.fail(error);
    }
    let choices = chunk.choices.0.unwrap_or_default();
    for choice in &choices {
        let index = choice.index.or_zero();
        seen.begin(index);
        if choice.finish_reason.0 {
            seen.stop(index);
        }
        seen.content |= choice.finish_reason.0 || choice.delta.0.is_some_and(Delta::has_content);
    }
    let in_choice = || choices.iter().find_map(|choice| choice.usage.0);
    let in_extension = || chunk.x_groq.0.and_then(|extension| extension.usage.0);
    if let Some(counts) = chunk.usage.0.or_else(in_choice).or_else(in_extension) {
        // Some vendors count along in every chunk; only what comes with or after the stop is the last word.
        let is_final = counts.is_complete() && (choices.is_empty() || seen.stopped());
        if is_final || (counts.tells_something() && !seen.usage_final) {
            seen.usage = Usage { terms: seen.usage.terms, ..counts.to_usage() };
            seen.usage_final = is_final;
        }
    }
    chunk.service_tier.put(&mut seen.usage.terms.tier);
}

fn unreadable_error() -> UpstreamError {
    UpstreamError::new(error::UNNAMED, None, "")
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: List<Choice>,
    #[serde(default)]
    usage: Lenient<Counts>,
    /// Groq's place for usage.
    #[serde(default)]
    x_groq: Lenient<Extension>,
    /// Stands in every chunk, or in the first.
    #[serde(default)]
    service_tier: TierWord,
    #[serde(default)]
    error: Filled,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: Count,
    #[serde(default)]
    delta: Lenient<Delta>,
    #[serde(default)]
    finish_reason: Filled,
    /// Older Moonshot models' place for usage.
    #[serde(default)]
    usage: Lenient<Counts>,
}

#[derive(Clone, Copy, Deserialize)]
struct Extension {
    #[serde(default)]
    usage: Lenient<Counts>,
}

/// The fields of a delta that a client would notice; `reasoning…` are vendors' names for readable reasoning.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Delta {
    content: Filled,
    refusal: Filled,
    tool_calls: Filled,
    function_call: Filled,
    audio: Filled,
    reasoning_content: Filled,
    reasoning: Filled,
    reasoning_details: Filled,
}

impl Delta {
    fn has_content(self) -> bool {
        [
            self.content,
            self.refusal,
            self.tool_calls,
            self.function_call,
            self.audio,
            self.reasoning_content,
            self.reasoning,
            self.reasoning_details,
        ]
        .contains(&Filled(true))
    }
}
