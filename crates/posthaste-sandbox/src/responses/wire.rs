//! The shapes of answers on the wire. Structs, not JSON values, so that fields keep the vendor's order.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Finished, output};
use crate::{
    azure::ContentFilter,
    brain::Stop,
    openai::{
        CREATED,
        usage::{Told, Usage},
    },
};

/// The response in one piece.
pub(super) fn whole(finished: &Finished<'_>) -> Bytes {
    serde_json::to_vec(&Response::whole(finished)).expect("a response becomes JSON").into()
}

/// A response, whole or as a stream begins it.
#[derive(Serialize)]
pub(super) struct Response<'a> {
    id: &'a str,
    object: &'static str,
    created_at: u64,
    status: &'static str,
    background: bool,
    completed_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_filters: Option<[ContentFilter; 2]>,
    error: (),
    incomplete_details: Option<Incomplete>,
    instructions: Option<&'a str>,
    max_output_tokens: Option<u64>,
    max_tool_calls: Option<&'a Value>,
    model: &'a str,
    output: Vec<Item<'a>>,
    parallel_tool_calls: bool,
    previous_response_id: Option<&'a str>,
    prompt_cache_key: Option<&'a Value>,
    reasoning: Reasoning<'a>,
    safety_identifier: Option<&'a Value>,
    service_tier: &'static str,
    store: bool,
    temperature: f64,
    text: Text<'a>,
    tool_choice: Cow<'a, Value>,
    tools: Vec<&'a Value>,
    top_logprobs: u32,
    top_p: f64,
    truncation: &'static str,
    #[serde(skip_serializing_if = "Told::is_absent")]
    usage: Told<UsageFields>,
    user: Option<&'a Value>,
    metadata: Cow<'a, Value>,
}

impl<'a> Response<'a> {
    /// The whole response.
    pub(super) fn whole(finished: &'a Finished<'_>) -> Self {
        let incomplete = finished.stop == Stop::MaxTokens;
        let items = finished.output.items.iter().enumerate();
        Self {
            status: finished.status(),
            completed_at: (!incomplete).then_some(CREATED),
            incomplete_details: incomplete.then_some(Incomplete { reason: "max_output_tokens" }),
            content_filters: finished
                .filtered
                .then(|| [ContentFilter::of("prompt"), ContentFilter::of("completion")]),
            output: items
                .map(|(index, item)| Item::whole(item, finished.output.is_complete(index)))
                .collect(),
            usage: match &finished.usage {
                None => Told::Absent,
                Some(usage) => Told::Now(UsageFields::of(usage)),
            },
            ..Self::opening(finished)
        }
    }

    /// The response before anything was said.
    pub(super) fn opening(finished: &'a Finished<'_>) -> Self {
        let request = finished.request;
        let echoed = |key: &str| request.body.get(key).filter(|value| !value.is_null());
        let text = echoed("text");
        Self {
            id: &finished.id,
            object: "response",
            created_at: CREATED,
            status: "in_progress",
            background: false,
            completed_at: None,
            content_filters: None,
            error: (),
            incomplete_details: None,
            instructions: request.instructions,
            max_output_tokens: request.max_tokens,
            max_tool_calls: echoed("max_tool_calls"),
            model: request.model,
            output: Vec::new(),
            parallel_tool_calls: request.parallel,
            previous_response_id: request.previous,
            prompt_cache_key: echoed("prompt_cache_key"),
            reasoning: Reasoning { effort: request.effort, summary: request.summary },
            safety_identifier: echoed("safety_identifier"),
            service_tier: "default",
            store: request.store,
            temperature: request.temperature.unwrap_or(1.0),
            text: Text {
                format: or_else(text.and_then(|text| text.get("format")), || json!({"type": "text"})),
                verbosity: text.and_then(|text| text["verbosity"].as_str()).unwrap_or("medium"),
            },
            tool_choice: or_else(echoed("tool_choice"), || json!("auto")),
            tools: request.tools.iter().map(|tool| tool.raw).collect(),
            top_logprobs: 0,
            top_p: request.top_p.unwrap_or(1.0),
            truncation: "disabled",
            usage: if finished.usage.is_some() { Told::Later } else { Told::Absent },
            user: echoed("user"),
            metadata: or_else(echoed("metadata"), || json!({})),
        }
    }
}

/// What the request says, or what counts without it.
fn or_else<'a>(echoed: Option<&'a Value>, default: impl FnOnce() -> Value) -> Cow<'a, Value> {
    echoed.map_or_else(|| Cow::Owned(default()), Cow::Borrowed)
}

impl Finished<'_> {
    pub(super) fn status(&self) -> &'static str {
        if self.stop == Stop::MaxTokens { "incomplete" } else { "completed" }
    }
}

#[derive(Serialize)]
struct Incomplete {
    reason: &'static str,
}

#[derive(Serialize)]
struct Reasoning<'a> {
    effort: Option<&'a str>,
    summary: Option<&'a str>,
}

#[derive(Serialize)]
struct Text<'a> {
    format: Cow<'a, Value>,
    verbosity: &'a str,
}

/// An item of the output.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    Reasoning {
        id: &'a str,
        summary: Vec<Part<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        content: Option<[Part<'a>; 1]>,
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<&'a str>,
    },
    Message {
        id: &'a str,
        status: &'static str,
        content: Vec<Part<'a>>,
        role: &'static str,
    },
    FunctionCall {
        id: &'a str,
        status: &'static str,
        arguments: &'a str,
        call_id: &'a str,
        name: &'a str,
    },
    CustomToolCall {
        id: &'a str,
        status: &'static str,
        call_id: &'a str,
        name: &'a str,
        input: &'a str,
    },
}

impl<'a> Item<'a> {
    /// The whole item.
    pub(super) fn whole(item: &'a output::Item, complete: bool) -> Self {
        let status = if complete { "completed" } else { "incomplete" };
        match item {
            output::Item::Reasoning { id, summary, content, encrypted } => Self::Reasoning {
                id,
                summary: summary.iter().map(|text| Part::SummaryText { text }).collect(),
                content: content.as_deref().map(|text| [Part::ReasoningText { text }]),
                encrypted_content: encrypted.as_deref(),
            },
            output::Item::Message { id, text, is_refusal } => {
                Self::Message { id, status, content: vec![Part::of(text, *is_refusal)], role: "assistant" }
            }
            output::Item::Call { id, call, name, arguments, free_text: false } => {
                Self::FunctionCall { id, status, arguments, call_id: call, name }
            }
            output::Item::Call { id, call, name, arguments, free_text: true } => {
                Self::CustomToolCall { id, status, call_id: call, name, input: arguments }
            }
        }
    }

    /// The item as a stream adds it: empty.
    pub(super) fn opening(item: &'a output::Item) -> Self {
        let status = "in_progress";
        match item {
            output::Item::Reasoning { id, content, .. } => Self::Reasoning {
                id,
                summary: Vec::new(),
                content: content.as_deref().map(|_| [Part::ReasoningText { text: "" }]),
                encrypted_content: None,
            },
            output::Item::Message { id, .. } => {
                Self::Message { id, status, content: Vec::new(), role: "assistant" }
            }
            output::Item::Call { id, call, name, free_text: false, .. } => {
                Self::FunctionCall { id, status, arguments: "", call_id: call, name }
            }
            output::Item::Call { id, call, name, free_text: true, .. } => {
                Self::CustomToolCall { id, status, call_id: call, name, input: "" }
            }
        }
    }
}

/// A part of an item.
#[derive(Clone, Copy, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part<'a> {
    OutputText { annotations: [(); 0], logprobs: [(); 0], text: &'a str },
    Refusal { refusal: &'a str },
    SummaryText { text: &'a str },
    ReasoningText { text: &'a str },
}

impl<'a> Part<'a> {
    pub(super) const fn of(text: &'a str, is_refusal: bool) -> Self {
        if is_refusal {
            Self::Refusal { refusal: text }
        } else {
            Self::OutputText { annotations: [], logprobs: [], text }
        }
    }
}

/// What an exchange used.
#[derive(Clone, Copy, Serialize)]
pub(super) struct UsageFields {
    input_tokens: u64,
    input_tokens_details: InputDetails,
    output_tokens: u64,
    output_tokens_details: OutputDetails,
    total_tokens: u64,
}

impl UsageFields {
    pub(super) const fn of(usage: &Usage) -> Self {
        Self {
            input_tokens: usage.input,
            input_tokens_details: InputDetails { cached_tokens: usage.cached },
            output_tokens: usage.output,
            output_tokens_details: OutputDetails { reasoning_tokens: usage.reasoning },
            total_tokens: usage.total(),
        }
    }
}

#[derive(Clone, Copy, Serialize)]
struct InputDetails {
    cached_tokens: u64,
}

#[derive(Clone, Copy, Serialize)]
struct OutputDetails {
    reasoning_tokens: u64,
}
