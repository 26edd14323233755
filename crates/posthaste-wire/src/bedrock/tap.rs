//! Reading the events of a stream
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html>).

use posthaste_core::Dialect;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    error,
    usage::{Counts, Tier},
};
use crate::{
    Frame, UpstreamError,
    lenient::{Filled, Lenient, Text, object},
    spoiled,
    tap::Sighting,
};

/// Nothing marks the end: `metadata` is the last event, and a stream that closes after its stop reason is whole.
pub(crate) const TERMINATOR: &[u8] = b"";

/// Reads one event; its name tells what it is.
pub(crate) fn read(frame: Frame<'_>, seen: &mut Sighting) {
    match frame.event {
        Some("contentBlockDelta") if seen.content || brings_content(frame.data) => {
            seen.add_content(frame.data);
        }
        // Only blocks that say something by being there have a start: tools and their results, pictures.
        Some("contentBlockStart") => seen.add_content(frame.data),
        Some("messageStop") => read_stop(frame.data, seen),
        Some("metadata") => read_metadata(frame.data, seen),
        Some(name) if error::is_exception(name) => {
            seen.fail(error::read_exception(name, frame.data).unwrap_or_else(unreadable_error));
        }
        _ => {}
    }
}

fn read_stop(data: &[u8], seen: &mut Sighting) {
    if let Ok(Some(MessageStop { stop_reason: Lenient(Some(word)) })) = object::<MessageStop<'_>>(data)
        && !word.0.is_empty()
    {
        seen.stop(0);
        // Once something is promised, the client gets the reason.
        if !seen.content {
            spoiled(Dialect::BedrockConverse, &word.0).into_iter().for_each(|error| seen.fail(error));
        }
    }
    seen.content = true;
}

/// The counts come last. Before a stop reason they end nothing, since the answer is not whole.
fn read_metadata(data: &[u8], seen: &mut Sighting) {
    let Ok(Some(Metadata { usage, service_tier })) = object(data) else { return };
    if let Some(counts) = usage.0.filter(Counts::tells_something) {
        seen.usage = counts.to_usage();
        service_tier.0.unwrap_or_default().put(&mut seen.usage);
        seen.usage_final = counts.is_complete();
    }
    seen.ended = seen.stopped();
}

/// Whether a delta holds anything: guardrails send empty ones, a dozen in a row.
fn brings_content(data: &[u8]) -> bool {
    let Ok(Some(BlockDelta { delta: Lenient(Some(delta)) })) = object(data) else { return false };
    let in_object = |raw: Option<&RawValue>| {
        raw.and_then(|raw| object::<Piece>(raw.get().as_bytes()).ok().flatten()).is_some_and(Piece::is_filled)
    };
    delta.text.0
        || delta.citation.0
        || delta.tool_result.0
        || delta.image.0
        || in_object(delta.tool_use)
        || in_object(delta.reasoning_content)
}

fn unreadable_error() -> UpstreamError {
    UpstreamError::new(error::UNNAMED, None, "")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageStop<'a> {
    #[serde(borrow, default)]
    stop_reason: Lenient<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(borrow, default)]
    usage: Lenient<Counts<'a>>,
    #[serde(default)]
    service_tier: Lenient<Tier>,
}

#[derive(Deserialize)]
struct BlockDelta<'a> {
    #[serde(borrow, default)]
    delta: Lenient<Delta<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Delta<'a> {
    text: Filled,
    citation: Filled,
    tool_result: Filled,
    image: Filled,
    #[serde(borrow)]
    tool_use: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Piece {
    text: Filled,
    input: Filled,
    signature: Filled,
    redacted_content: Filled,
}

impl Piece {
    fn is_filled(self) -> bool {
        [self.text, self.input, self.signature, self.redacted_content].contains(&Filled(true))
    }
}
