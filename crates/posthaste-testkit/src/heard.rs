//! A strict client of each dialect: what it makes of a stream, and how that ended for it.

use posthaste_core::{Dialect, Packing, Surface};
use posthaste_wire::{FrameKind, Framing, Splitter};
use serde_json::Value;

/// One event of a stream.
#[derive(Clone, Debug)]
pub struct Event {
    /// What it is called, where its framing tells.
    pub name: Option<String>,
    /// Its data; `None` of Chat's `[DONE]`.
    pub data: Option<Value>,
    exception: bool,
}

/// A stream as a client has understood it.
#[derive(Debug)]
pub struct Heard {
    /// The text that the answer brought.
    pub text: String,
    /// How it ended.
    pub end: End,
    /// Whether it was told why the answer stopped.
    pub stopped: bool,
    /// Everything that came.
    pub events: Vec<Event>,
}

/// How a stream ended for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The answer is whole.
    Clean,
    /// An error was told.
    Error,
    /// Nothing: a client would wait, or take the part for the whole.
    None,
}

/// Reads a stream to its end.
///
/// # Panics
/// Where a vendor's own client would fail: at what is not framed as it should be, at data that is no JSON, at a second end
/// and at anything behind an end.
#[track_caller]
pub fn hear(client: Surface, body: &[u8]) -> Heard {
    let events = taken_apart(client, body);
    let text = events.iter().map(|event| says(client, event)).collect();
    let stopped = events.iter().any(|event| is_stop(client, event));
    let first_error = events.iter().position(|event| is_error(client, event));
    let first_end = events.iter().position(|event| is_terminator(client, event));
    let end = match (first_error, first_end) {
        (Some(error), None) => {
            // `error`, at which SDKs raise, and `response.failed`, for which Codex waits.
            let most = if client.dialect == Dialect::OpenAiResponses { 2 } else { 1 };
            let behind = &events[error..];
            assert!(
                behind.len() <= most && behind.iter().all(|event| is_error(client, event)),
                "behind the error: {behind:?}"
            );
            End::Error
        }
        (None, Some(end)) => {
            assert_eq!(end + 1, events.len(), "behind the end: {:?}", &events[end..]);
            End::Clean
        }
        (Some(_), Some(_)) => panic!("an error and an end: {events:?}"),
        (None, None) if stopped && !has_terminator(client) => End::Clean,
        (None, None) => End::None,
    };
    Heard { text, end, stopped, events }
}

/// The events of a stream, or of a part that ends between two of them.
///
/// # Panics
/// As [`hear`].
#[track_caller]
pub fn taken_apart(surface: Surface, body: &[u8]) -> Vec<Event> {
    let mut events = match Framing::of(surface) {
        Framing::Sse => server_sent(body),
        Framing::JsonArray => {
            let elements: Vec<Value> = serde_json::from_slice(body)
                .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(body)));
            elements
                .into_iter()
                .map(|data| Event { name: None, data: Some(data), exception: false })
                .collect()
        }
        framing @ (Framing::EventStream | Framing::InvokeChunks) => {
            let mut splitter = Splitter::new(framing);
            let mut events = Vec::new();
            let mut take = |frame: posthaste_wire::Frame<'_>| {
                events.push(Event {
                    name: frame.event.map(str::to_owned),
                    data: Some(serde_json::from_slice(frame.data).expect("a message's data is JSON")),
                    exception: frame.kind == FrameKind::Exception,
                });
            };
            splitter.push(body, &mut take).expect("messages are whole");
            splitter.finish(&mut take).expect("the last message is whole");
            events
        }
    };
    if surface.packing == Packing::CodeAssist {
        for event in &mut events {
            // Errors come without an envelope.
            if let Some(inner) = event.data.as_mut().and_then(|data| data.get_mut("response")) {
                event.data = Some(inner.take());
            }
        }
    }
    events
}

/// The events of one piece of a stream as the imitation sends it: of an array an element and what parts it from the others.
///
/// # Panics
/// As [`hear`].
#[track_caller]
pub fn taken_apart_piece(surface: Surface, piece: &[u8]) -> Vec<Event> {
    if Framing::of(surface) != Framing::JsonArray {
        return taken_apart(surface, piece);
    }
    let element = str::from_utf8(piece).expect("an array is text").trim_matches(['[', ']', ',', '\n']);
    taken_apart(surface, format!("[{element}]").as_bytes())
}

/// Server-sent events by the letter of the HTML standard, but for what no relay should send: an event that is cut off, or
/// data that no client of these APIs can read. A CR alone is no line's end here: not every client knows it.
#[track_caller]
fn server_sent(body: &[u8]) -> Vec<Event> {
    let text = str::from_utf8(body).expect("a stream of events is UTF-8").replace("\r\n", "\n");
    assert!(text.is_empty() || text.ends_with('\n'), "the last line is cut off: {text}");
    let (mut events, mut name, mut data) = (Vec::new(), None, String::new());
    for line in text.lines() {
        match line.split_once(':').map(|(field, value)| (field, value.strip_prefix(' ').unwrap_or(value))) {
            None if line.is_empty() => {
                let name = name.take();
                if !data.is_empty() {
                    let data = std::mem::take(&mut data);
                    let json = (data != "[DONE]").then(|| {
                        serde_json::from_str(&data).unwrap_or_else(|error| panic!("{error}: {data}"))
                    });
                    events.push(Event { name, data: json, exception: false });
                }
            }
            Some(("event", value)) => name = Some(value.to_owned()),
            Some(("data", value)) => data.push_str(value),
            // Comments and what nobody reads.
            _ => {}
        }
    }
    assert!(data.is_empty(), "the last event is cut off: {text}");
    events
}

/// The text that an event brings.
pub fn says(surface: Surface, event: &Event) -> String {
    let Some(data) = &event.data else { return String::new() };
    let text = match surface.dialect {
        Dialect::AnthropicMessages | Dialect::BedrockConverse => &data["delta"]["text"],
        Dialect::OpenAiChat => &data["choices"][0]["delta"]["content"],
        Dialect::OpenAiResponses if data["type"] == "response.output_text.delta" => &data["delta"],
        Dialect::OpenAiResponses => &Value::Null,
        Dialect::GeminiGenerate => &data["candidates"][0]["content"]["parts"][0]["text"],
    };
    text.as_str().unwrap_or_default().to_owned()
}

/// Whether an event tells why the answer stopped.
pub fn is_stop(surface: Surface, event: &Event) -> bool {
    let Some(data) = &event.data else { return false };
    match surface.dialect {
        Dialect::AnthropicMessages => data["delta"]["stop_reason"].is_string(),
        Dialect::OpenAiChat => data["choices"][0]["finish_reason"].is_string(),
        Dialect::OpenAiResponses => {
            ["response.completed", "response.incomplete"].iter().any(|kind| data["type"] == *kind)
        }
        Dialect::GeminiGenerate => data["candidates"][0]["finishReason"].is_string(),
        Dialect::BedrockConverse => event.name.as_deref() == Some("messageStop"),
    }
}

/// Whether streams of the dialect have an event that says no more than that they are over.
const fn has_terminator(surface: Surface) -> bool {
    !matches!(surface.dialect, Dialect::GeminiGenerate | Dialect::BedrockConverse)
}

fn is_terminator(surface: Surface, event: &Event) -> bool {
    match (surface.dialect, &event.data) {
        (Dialect::AnthropicMessages, Some(data)) => data["type"] == "message_stop",
        (Dialect::OpenAiChat, data) => data.is_none(),
        (Dialect::OpenAiResponses, Some(_)) => is_stop(surface, event),
        _ => false,
    }
}

/// Whether an event tells of an error.
pub fn is_error(surface: Surface, event: &Event) -> bool {
    if event.exception {
        return true;
    }
    let Some(data) = &event.data else { return false };
    match surface.dialect {
        Dialect::AnthropicMessages => data["type"] == "error",
        Dialect::OpenAiResponses => data["type"] == "error" || data["type"] == "response.failed",
        Dialect::OpenAiChat | Dialect::GeminiGenerate => data["error"].is_object(),
        Dialect::BedrockConverse => false,
    }
}
