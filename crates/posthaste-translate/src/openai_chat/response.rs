//! `POST /v1/chat/completions`: the whole answer.

use std::borrow::Cow;

use posthaste_core::{Dialect, Usage};
use posthaste_wire::usage::ChatUsage;
use serde::{Serialize, de::Error};
use serde_json::value::RawValue;

use super::part::{ToolCallOut, parts, tool_calls};
use crate::{
    Encoded, Loss, TranslateError,
    ir::{Content, Part, Response, ServiceTier, Stop, StopReason, Thinking, Weight},
    json::{self, Fields, Str, TextOr, at, extras, hints, wire_object},
    loss::Losses,
};

/// Reads an answer.
pub(super) fn decode_response(body: &[u8]) -> Result<Response, TranslateError> {
    let unreadable = |source| TranslateError::unreadable(Dialect::OpenAiChat, source);
    json::read::<ResponseIn<'_>>(body).and_then(response).map_err(unreadable)
}

/// Writes an answer.
pub(super) fn encode_response(response: &Response) -> Result<Encoded, TranslateError> {
    let mut losses = Losses::default();
    let own = response.dialect == Dialect::OpenAiChat;
    let message = message(response, own, &mut losses);
    if !own {
        losses.foreign("", &response.extra, Dialect::OpenAiChat)?;
    }
    let wire = ResponseOut {
        id: &response.id,
        object: "chat.completion",
        created: response.created,
        model: &response.model,
        choices: [ChoiceOut {
            index: 0,
            finish_reason: finish_reason(&response.stop_reason(), &mut losses),
            message,
            logprobs: (),
        }],
        usage: UsageOut::new(&response.usage),
        service_tier: tier_word(response.service_tier.as_ref()),
        extra: Fields(if own { &response.extra } else { &[] }),
    };
    let mut body = Vec::with_capacity(512);
    json::write(&mut body, &wire);
    Ok(Encoded { body: body.into(), losses: losses.into_vec() })
}

wire_object! {
    struct ResponseIn<'a> {
        id: Str<'a> = "id",
        object: Option<Str<'a>> = "object",
        created: Option<&'a RawValue> = "created",
        model: Str<'a> = "model",
        choices: Option<Vec<ChoiceIn<'a>>> = "choices",
        usage: Option<&'a RawValue> = "usage",
        service_tier: Option<Str<'a>> = "service_tier",
    }
}

wire_object! {
    struct ChoiceIn<'a> {
        index: Option<u64> = "index",
        message: Option<MessageIn<'a>> = "message",
        finish_reason: Option<Str<'a>> = "finish_reason",
    }
}

wire_object! {
    struct MessageIn<'a> {
        role: Option<Str<'a>> = "role",
        content: TextOr<'a, Vec<&'a RawValue>> = "content",
        refusal: Option<Str<'a>> = "refusal",
        reasoning_content: Option<Str<'a>> = "reasoning_content",
        reasoning: Option<Str<'a>> = "reasoning",
        tool_calls: Option<Vec<&'a RawValue>> = "tool_calls",
    }
}

fn response(wire: ResponseIn<'_>) -> Result<Response, serde_json::Error> {
    let choices = wire.choices.unwrap_or_default();
    let first = choices.into_iter().find(|choice| choice.index.unwrap_or(0) == 0);
    let choice = first.ok_or_else(|| Error::custom("choices: none"))?;
    // Azure's filter leaves out the message that it cut.
    let message = match (choice.message, &choice.finish_reason) {
        (Some(message), _) => message,
        (None, Some(_)) => MessageIn::default(),
        (None, None) => return Err(Error::custom("choices: message: missing")),
    };
    let mut extra = extras(wire.rest, |field, _| match field {
        "system_fingerprint" => Weight::Trivial,
        _ => Weight::Hint,
    });
    extra.retain(|extra| extra.value.as_str() != "{}");
    let created = wire.created.and_then(|created| serde_json::from_str(created.get()).ok());
    let mut response = Response {
        dialect: Dialect::OpenAiChat,
        id: wire.id.into_string(),
        model: wire.model.into_string(),
        created: created.unwrap_or(0),
        parts: Vec::new(),
        stop: Stop::new(choice.finish_reason.map_or(StopReason::EndTurn, |reason| stop_reason(&reason))),
        usage: wire.usage.map(usage).unwrap_or_default(),
        service_tier: wire.service_tier.map(service_tier),
        extra,
    };
    response.parts = message_parts(message)?;
    response.stop.reason = response.stop_reason();
    Ok(response)
}

fn message_parts(message: MessageIn<'_>) -> Result<Vec<Part>, serde_json::Error> {
    let told = |text: &Str<'_>| !text.is_empty();
    let thoughts = message.reasoning_content.filter(told).or(message.reasoning.filter(told));
    let mut all = Vec::new();
    all.extend(thoughts.map(|text| Part::new(Content::Thinking(Thinking::new(text.into_string())))));
    let mut content = parts(message.content).map_err(|error| at("content", error))?;
    content.retain(|part| !matches!(&part.content, Content::Text(text) if text.is_empty()));
    all.append(&mut content);
    all.extend(message.refusal.filter(told).map(|text| Part::new(Content::Refusal(text.into_string()))));
    all.extend(tool_calls(message.tool_calls)?);
    if let Some(first) = all.first_mut() {
        // Annotations and the like: named once, where the answer begins.
        first.extra.extend(hints(message.rest));
    }
    Ok(all)
}

/// The reason that a word stands for.
pub(super) fn stop_reason(word: &str) -> StopReason {
    match word {
        "stop" => StopReason::EndTurn,
        "length" => StopReason::MaxTokens,
        "tool_calls" | "function_call" => StopReason::ToolUse,
        "content_filter" => StopReason::Refusal,
        other => StopReason::Other(other.to_owned()),
    }
}

/// The counts; none that can be read are no counts.
pub(super) fn usage(raw: &RawValue) -> Usage {
    serde_json::from_str::<ChatUsage>(raw.get()).map(ChatUsage::to_usage).unwrap_or_default()
}

fn service_tier(tier: Str<'_>) -> ServiceTier {
    match &*tier {
        "auto" => ServiceTier::Auto,
        "default" => ServiceTier::Standard,
        other => ServiceTier::Other(other.to_owned()),
    }
}

fn tier_word(tier: Option<&ServiceTier>) -> Option<&str> {
    match tier? {
        ServiceTier::Auto => Some("auto"),
        ServiceTier::Standard => Some("default"),
        ServiceTier::Other(name) => Some(name),
    }
}

fn message<'a>(response: &'a Response, own: bool, losses: &mut Losses) -> MessageOut<'a> {
    let mut message = MessageOut { role: "assistant", ..MessageOut::default() };
    for part in &response.parts {
        match &part.content {
            Content::Text(text) => append(&mut message.content, text),
            Content::Json(json) => append(&mut message.content, json.as_str()),
            Content::Refusal(text) => append(&mut message.refusal, text),
            Content::Thinking(thinking) => {
                losses.dropped_if(thinking.proof.is_some(), "content.thinking.signature");
                if !thinking.text.is_empty() {
                    append(&mut message.reasoning_content, &thinking.text);
                }
            }
            Content::RedactedThinking(_) => losses.dropped("content.redacted_thinking"),
            Content::ToolCall(call) => {
                message.tool_calls.push(ToolCallOut::new(call, Cow::Borrowed(&call.id), own));
            }
            Content::Opaque(opaque) if own => {
                message.tool_calls.push(ToolCallOut::Raw(opaque.value.as_raw()))
            }
            Content::Opaque(opaque) => losses.add(Loss::dropped(format!("content.{}", opaque.kind))),
            Content::Image(_) | Content::Document(_) | Content::Audio { .. } | Content::ToolResult(_) => {
                losses.dropped("content");
            }
        }
        for extra in part.extra.iter().filter(|extra| extra.weight != Weight::Trivial) {
            losses.add(Loss::dropped(format!("content.{}", extra.field)));
        }
    }
    // A policy cut may come without a word of the model's; the vendor's explanation is the refusal then.
    if message.refusal.is_none() {
        message.refusal = response.stop.explanation.as_deref().map(Cow::Borrowed);
    }
    message
}

fn append<'a>(whole: &mut Option<Cow<'a, str>>, text: &'a str) {
    match whole {
        None => *whole = Some(Cow::Borrowed(text)),
        Some(whole) => whole.to_mut().push_str(text),
    }
}

/// The word for a reason.
pub(super) fn finish_reason(reason: &StopReason, losses: &mut Losses) -> &'static str {
    match reason {
        StopReason::EndTurn | StopReason::StopSequence => "stop",
        StopReason::MaxTokens | StopReason::ContextFull => "length",
        StopReason::ToolUse => "tool_calls",
        StopReason::Refusal => "content_filter",
        StopReason::Paused | StopReason::Other(_) => {
            losses.degraded("stop_reason", "carried as an ordinary end");
            "stop"
        }
    }
}

#[derive(Serialize)]
struct ResponseOut<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: [ChoiceOut<'a>; 1],
    usage: UsageOut,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(flatten)]
    extra: Fields<'a>,
}

#[derive(Serialize)]
struct ChoiceOut<'a> {
    index: u32,
    message: MessageOut<'a>,
    logprobs: (),
    finish_reason: &'static str,
}

#[derive(Default, Serialize)]
struct MessageOut<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<Cow<'a, str>>,
    content: Option<Cow<'a, str>>,
    refusal: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCallOut<'a>>,
}

/// Token counts as they are written.
#[derive(Serialize)]
pub(super) struct UsageOut {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetailsOut,
    completion_tokens_details: CompletionDetailsOut,
}

#[derive(Serialize)]
struct PromptDetailsOut {
    cached_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cache_write_tokens: u64,
}

#[derive(Serialize)]
struct CompletionDetailsOut {
    reasoning_tokens: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl UsageOut {
    pub(super) fn new(usage: &Usage) -> Self {
        Self {
            prompt_tokens: usage.prompt(),
            completion_tokens: usage.output,
            total_tokens: usage.total(),
            prompt_tokens_details: PromptDetailsOut {
                cached_tokens: usage.cache_read,
                cache_write_tokens: usage.cache_write_5m.saturating_add(usage.cache_write_1h),
            },
            completion_tokens_details: CompletionDetailsOut { reasoning_tokens: usage.reasoning },
        }
    }
}
