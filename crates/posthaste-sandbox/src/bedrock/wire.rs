//! The shapes of Converse's answers. Structs, not JSON values, so that fields keep the service's order.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Finished, Usage};
use crate::{
    brain::{Part, Stop},
    seal,
};

/// The answer in one piece.
pub(super) fn whole(finished: &Finished) -> Bytes {
    let parts = finished.reply.parts.iter().enumerate();
    let content = parts.map(|(index, part)| Block::of(part, &finished.salt(index))).collect();
    let whole = Whole {
        metrics: Metrics::NONE,
        output: Output { message: Message { content, role: "assistant" } },
        stop: StopFields::of(finished),
        usage: finished.usage.as_ref().map(UsageFields::of),
    };
    serde_json::to_vec(&whole).expect("an answer becomes JSON").into()
}

/// What was thought, sealed: bytes, which travel as base64.
pub(super) fn redacted(text: &str, salt: &str) -> String {
    STANDARD.encode(seal::redact(text, salt))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Whole<'a> {
    metrics: Metrics,
    output: Output<'a>,
    #[serde(flatten)]
    stop: StopFields<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageFields>,
}

#[derive(Serialize)]
struct Output<'a> {
    message: Message<'a>,
}

#[derive(Serialize)]
struct Message<'a> {
    content: Vec<Block<'a>>,
    role: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Block<'a> {
    Text(&'a str),
    ReasoningContent(Reasoning<'a>),
    #[serde(rename_all = "camelCase")]
    ToolUse {
        input: Box<RawValue>,
        name: &'a str,
        tool_use_id: &'a str,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Reasoning<'a> {
    ReasoningText { signature: String, text: &'a str },
    RedactedContent(String),
}

impl<'a> Block<'a> {
    /// Arguments that were cut off cannot be shown as JSON: such a call has none.
    fn of(part: &'a Part, salt: &str) -> Self {
        match part {
            Part::Text(text) => Self::Text(text),
            Part::Thinking { text, omitted } => {
                let text = if *omitted { "" } else { text };
                let signature = seal::sign(text, salt);
                Self::ReasoningContent(Reasoning::ReasoningText { signature, text })
            }
            Part::RedactedThinking { text } => {
                Self::ReasoningContent(Reasoning::RedactedContent(redacted(text, salt)))
            }
            Part::ToolCall { id, name, input, .. } => {
                let none = || RawValue::from_string("{}".to_owned()).expect("an empty object is JSON");
                let input = RawValue::from_string(input.clone()).unwrap_or_else(|_| none());
                Self::ToolUse { input, name, tool_use_id: id }
            }
        }
    }
}

/// Why the answer ends.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StopFields<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_response_fields: Option<StopSequence<'a>>,
    stop_reason: &'static str,
}

#[derive(Serialize)]
struct StopSequence<'a> {
    stop_sequence: Option<&'a str>,
}

impl<'a> StopFields<'a> {
    pub(super) fn of(finished: &'a Finished) -> Self {
        let (stop_reason, stop_sequence) = match &finished.reply.stop {
            Stop::EndTurn => ("end_turn", None),
            Stop::MaxTokens => ("max_tokens", None),
            Stop::Sequence(sequence) => ("stop_sequence", Some(sequence.as_str())),
            Stop::ToolUse => ("tool_use", None),
            Stop::Refusal => ("content_filtered", None),
        };
        let told = finished.tells_sequence.then_some(StopSequence { stop_sequence });
        Self { additional_model_response_fields: told, stop_reason }
    }
}

/// There is no clock in the sandbox.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metrics {
    latency_ms: u64,
}

impl Metrics {
    pub(super) const NONE: Self = Self { latency_ms: 1 };
}

/// What an exchange used; `totalTokens` is the sum of all.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UsageFields {
    cache_read_input_tokens: u64,
    cache_write_input_tokens: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cache_details: Vec<CacheDetail>,
    input_tokens: u64,
    output_tokens: u64,
    total_tokens: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CacheDetail {
    input_tokens: u64,
    ttl: &'static str,
}

impl UsageFields {
    pub(super) fn of(usage: &Usage) -> Self {
        let cached = usage.cached;
        let written = [("5m", cached.write_5m), ("1h", cached.write_1h)].into_iter();
        let write = cached.write_5m + cached.write_1h;
        Self {
            cache_read_input_tokens: cached.read,
            cache_write_input_tokens: write,
            cache_details: written
                .filter(|(_, tokens)| *tokens > 0)
                .map(|(ttl, input_tokens)| CacheDetail { input_tokens, ttl })
                .collect(),
            input_tokens: cached.input,
            output_tokens: usage.output,
            total_tokens: cached.input + cached.read + write + usage.output,
        }
    }
}
