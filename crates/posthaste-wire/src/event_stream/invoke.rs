//! Anthropic events within `chunk` messages, as InvokeModelWithResponseStream sends them
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html>).

use std::{borrow::Cow, fmt, ops::Range};

use base64::{Engine, engine::general_purpose::STANDARD};
use memchr::memmem;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{MessageError, write_event};
use crate::{
    Frame, FrameKind, FramingError,
    fault::to_json,
    lenient::{Lenient, Text, object},
};

/// Appends a `chunk` message around one event of the model: `{"bytes": base64}`.
///
/// # Errors
/// When the event is too long; then nothing is appended.
pub fn write_invoke_chunk(out: &mut Vec<u8>, inner: &[u8]) -> Result<(), MessageError> {
    let mut payload = String::with_capacity(inner.len().div_ceil(3) * 4 + 12);
    payload.push_str("{\"bytes\":\"");
    STANDARD.encode_string(inner, &mut payload);
    payload.push_str("\"}");
    write_event(out, CHUNK, payload.as_bytes())
}

/// An event without the metrics that Bedrock adds to the inner `message_stop`; all else stays as it is.
///
/// Anthropic's own stream has no such member, and its counts may differ from the usage, which is what counts. Data that is
/// no JSON object stays as it is too.
pub fn without_invocation_metrics(data: &[u8]) -> Cow<'_, [u8]> {
    if memmem::find(data, METRICS.as_bytes()).is_none() {
        return Cow::Borrowed(data);
    }
    let Ok(Some(Members(members))) = object(data) else { return Cow::Borrowed(data) };
    let mut kept = Vec::with_capacity(data.len());
    let mut from = 0;
    for (key, value) in members {
        if serde_json::from_str::<Text<'_>>(key.get()).is_ok_and(|name| name.0 == METRICS) {
            let span = with_comma(data, start_of(data, key)..start_of(data, value) + value.get().len(), from);
            kept.extend_from_slice(&data[from..span.start]);
            from = span.end;
        }
    }
    if from == 0 {
        return Cow::Borrowed(data);
    }
    kept.extend_from_slice(&data[from..]);
    Cow::Owned(kept)
}

/// Turns the frames of an invoke stream into Anthropic's.
#[derive(Debug, Default)]
pub(super) struct Unwrapper {
    /// The last event that was unwrapped. The buffer is used again.
    inner: Vec<u8>,
    /// That event's name; in its JSON it may be written with escapes.
    name: String,
}

impl Unwrapper {
    pub(super) fn unwrap<'a>(&'a mut self, frame: Frame<'a>) -> Result<Frame<'a>, FramingError> {
        self.inner.clear();
        if frame.kind == FrameKind::Exception {
            self.inner = anthropic_error(frame);
            return Ok(Frame::exception(Some("error"), &self.inner));
        }
        if frame.event != Some(CHUNK) {
            return Ok(frame);
        }
        let chunk: Option<Chunk<'_>> = object(frame.data).map_err(|_| FramingError::UnreadableChunk)?;
        let bytes = chunk.and_then(|chunk| chunk.bytes.0).ok_or(FramingError::UnreadableChunk)?;
        STANDARD.decode_vec(&*bytes.0, &mut self.inner).map_err(|_| FramingError::UnreadableChunk)?;
        self.name.clear();
        let name = type_of(&self.inner);
        self.name.push_str(name.as_deref().unwrap_or_default());
        let name = name.is_some().then_some(&*self.name);
        Ok(Frame::new(name, &self.inner))
    }
}

/// What an event calls itself in its data. It serves as an event's name, so it is one line and not empty.
pub(crate) fn type_of(data: &[u8]) -> Option<Cow<'_, str>> {
    let Typed { kind } = object(data).ok()??;
    kind.0.map(|kind| kind.0).filter(|kind| !kind.is_empty() && !kind.contains(['\r', '\n']))
}

/// An exception in the words of Anthropic's `error` event.
fn anthropic_error(frame: Frame<'_>) -> Vec<u8> {
    let name = frame.event.unwrap_or_default();
    let said = object::<Said<'_>>(frame.data).ok().flatten();
    let message = said.and_then(|said| said.message.0).map_or(Cow::Borrowed(name), |message| message.0);
    to_json(&ErrorEvent { kind: "error", error: Detail { kind: error_type(name), message: &message } })
}

/// Anthropic's type for each exception of the stream (types: <https://platform.claude.com/docs/en/api/errors>).
fn error_type(exception: &str) -> &'static str {
    match exception {
        "validationException" => "invalid_request_error",
        "throttlingException" => "rate_limit_error",
        "serviceUnavailableException" => "overloaded_error",
        "modelTimeoutException" => "timeout_error",
        // internalServerException, modelStreamErrorException, and whatever is not modelled
        _ => "api_error",
    }
}

fn start_of(data: &[u8], part: &RawValue) -> usize {
    part.get().as_ptr() as usize - data.as_ptr() as usize
}

/// A member's span with the comma before it, or, of the first one that is left, the comma behind it.
fn with_comma(data: &[u8], member: Range<usize>, from: usize) -> Range<usize> {
    let before = data[from..member.start].trim_ascii_end();
    if before.ends_with(b",") {
        return from + before.len() - 1..member.end;
    }
    let behind = data[member.end..].trim_ascii_start();
    match behind.strip_prefix(b",") {
        Some(rest) => member.start..data.len() - rest.len(),
        None => member,
    }
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    bytes: Lenient<Text<'a>>,
}

#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Lenient<Text<'a>>,
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow, default, alias = "Message")]
    message: Lenient<Text<'a>>,
}

#[derive(Serialize)]
struct ErrorEvent<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    error: Detail<'a>,
}

#[derive(Serialize)]
struct Detail<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: &'a str,
}

/// The members of an object as JSON text, in their order.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Vec<(&'de RawValue, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(MembersVisitor).map(Self)
    }
}

const CHUNK: &str = "chunk";

/// What Bedrock adds to `message_stop`.
const METRICS: &str = "amazon-bedrock-invocationMetrics";
