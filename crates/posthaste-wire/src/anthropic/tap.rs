//! Reading the events of a stream (<https://platform.claude.com/docs/en/build-with-claude/streaming>).

use serde::Deserialize;

use super::usage::Counts;
use crate::{
    Frame, UpstreamError,
    lenient::{Filled, Lenient, Text, object},
    tap::Sighting,
};

/// The terminal frame.
pub(crate) const TERMINATOR: &[u8] = b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// Reads one event. The name tells what it is; some compatible vendors leave it out, then the data's `type` does.
pub(crate) fn read(frame: Frame<'_>, seen: &mut Sighting) {
    match frame.event {
        Some(name) => read_named(name, frame.data, seen),
        None => read_unnamed(frame.data, seen),
    }
}

fn read_named(name: &str, data: &[u8], seen: &mut Sighting) {
    match name {
        "content_block_delta" => seen.add_content(data),
        "content_block_start" if seen.content || starts_with_content(data) => seen.add_content(data),
        "message_start" => read_start(data, seen),
        "message_delta" => read_delta(data, seen),
        "message_stop" => seen.ended = true,
        "error" => seen.fail(super::error::read(data).unwrap_or_else(unreadable_error)),
        _ => {}
    }
}

fn read_unnamed(data: &[u8], seen: &mut Sighting) {
    let Ok(Some(Typed { kind })) = object(data) else { return };
    match kind.0 {
        Some(kind) => read_named(&kind.0, data, seen),
        // Gateways in front of compatible vendors report failures without any name.
        None => {
            if let Some(error) = super::error::read(data) {
                seen.fail(error);
            }
        }
    }
}

fn read_start(data: &[u8], seen: &mut Sighting) {
    let Ok(Some(MessageStart { message })) = object(data) else { return };
    if let Some(counts) = message.0.and_then(|message| message.usage.0) {
        counts.without_output().merge_into(&mut seen.usage);
    }
}

fn read_delta(data: &[u8], seen: &mut Sighting) {
    seen.content = true;
    let Ok(Some(MessageDelta { delta, usage })) = object(data) else { return };
    if delta.0.is_some_and(|delta| delta.stop_reason.0) {
        seen.stop(0);
    }
    if let Some(counts) = usage.0 {
        counts.merge_into(&mut seen.usage);
        // Every prompt has tokens: where none were told, one side is missing.
        seen.usage_final |= counts.tells_output() && seen.usage.prompt() > 0;
    }
}

/// Whether a block brings something with its start. Text and thinking begin empty, all other kinds say something by
/// being there: a tool's name, a server tool's whole result, sealed thinking.
fn starts_with_content(data: &[u8]) -> bool {
    let Ok(Some(BlockStart { content_block: Lenient(Some(block)) })) = object(data) else {
        return false;
    };
    match block.kind.0.as_ref().map(|kind| &*kind.0) {
        Some("text") => block.text.0,
        Some("thinking") => block.thinking.0 || block.signature.0 || block.data.0,
        _ => true,
    }
}

fn unreadable_error() -> UpstreamError {
    UpstreamError::new("error", None, "")
}

#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Lenient<Text<'a>>,
}

#[derive(Deserialize)]
struct MessageStart {
    #[serde(default)]
    message: Lenient<Message>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    usage: Lenient<Counts>,
}

#[derive(Deserialize)]
struct MessageDelta {
    #[serde(default)]
    delta: Lenient<Delta>,
    #[serde(default)]
    usage: Lenient<Counts>,
}

#[derive(Deserialize)]
struct Delta {
    #[serde(default)]
    stop_reason: Filled,
}

#[derive(Deserialize)]
struct BlockStart<'a> {
    #[serde(borrow, default)]
    content_block: Lenient<Block<'a>>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Lenient<Text<'a>>,
    #[serde(default)]
    text: Filled,
    #[serde(default)]
    thinking: Filled,
    #[serde(default)]
    signature: Filled,
    #[serde(default)]
    data: Filled,
}
