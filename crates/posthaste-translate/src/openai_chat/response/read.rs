//! A body to the neutral form.

use posthaste_core::{Dialect, Usage};
use posthaste_wire::usage::ChatUsage;
use serde::de::Error;
use serde_json::value::RawValue;

use super::{CHOICE, CHOICES, MESSAGE};
use crate::{
    TranslateError,
    ir::{Content, Extra, Json, Part, Response, ServiceTier, Stop, StopReason, Thinking, Weight},
    json::{self, Str, TextOr, at, extras, hints, wire_object},
    openai_chat::{
        citation::citation,
        part::{FunctionCallIn, parts, tool_calls},
        thoughts::ThoughtsIn,
    },
};

const DIALECT: Dialect = Dialect::OpenAiChat;

/// Reads an answer. Of several choices the first is the answer; the others ride along for their own dialect.
pub(in crate::openai_chat) fn decode_response(body: &[u8]) -> Result<Response, TranslateError> {
    let unreadable = |source| TranslateError::unreadable(DIALECT, source);
    json::read::<ResponseIn<'_>>(body).and_then(response).map_err(unreadable)
}

wire_object! {
    struct ResponseIn<'a> {
        id: Str<'a> = "id",
        object: Option<Str<'a>> = "object",
        created: Option<&'a RawValue> = "created",
        model: Str<'a> = "model",
        choices: Option<Vec<&'a RawValue>> = "choices",
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
        reasoning_content: Option<&'a RawValue> = "reasoning_content",
        reasoning: Option<&'a RawValue> = "reasoning",
        reasoning_text: Option<&'a RawValue> = "reasoning_text",
        reasoning_details: Option<&'a RawValue> = "reasoning_details",
        annotations: Option<Vec<&'a RawValue>> = "annotations",
        tool_calls: Option<Vec<&'a RawValue>> = "tool_calls",
        function_call: Option<FunctionCallIn<'a>> = "function_call",
    }
}

fn response(wire: ResponseIn<'_>) -> Result<Response, serde_json::Error> {
    let (choice, others) = choices(wire.choices.unwrap_or_default())?;
    let reason = choice.finish_reason.filter(|reason| !reason.is_empty());
    if let Some(reason) = reason.as_deref().filter(|reason| is_failure(reason)) {
        return Err(Error::custom(format_args!("finish_reason: {reason}")));
    }
    // Azure's filter leaves out the message that it cut.
    let message = match (choice.message, &reason) {
        (Some(message), _) => message,
        (None, Some(_)) => MessageIn::default(),
        (None, None) => return Err(Error::custom("choices: message: missing")),
    };
    let mut extra = extras(wire.rest, |field, _| match field {
        "system_fingerprint" => Weight::Trivial,
        _ => Weight::Hint,
    });
    extra.extend(within(CHOICE, hints(choice.rest)));
    extra.extend(others);
    let created = wire.created.and_then(|created| serde_json::from_str(created.get()).ok());
    let parts = message_parts(message, &mut extra)?;
    extra.retain(|extra| extra.value.as_str() != "{}");
    let mut response = Response {
        dialect: DIALECT,
        id: wire.id.into_string(),
        model: wire.model.into_string(),
        created: created.unwrap_or(0),
        parts,
        stop: Stop::new(reason.map_or(StopReason::EndTurn, |reason| stop_reason(&reason))),
        usage: wire.usage.map(usage).unwrap_or_default(),
        service_tier: wire.service_tier.map(service_tier),
        extra,
    };
    response.stop.reason = response.stop_reason();
    Ok(response)
}

/// The choice that is the answer, and the others.
fn choices<'a>(all: Vec<&'a RawValue>) -> Result<(ChoiceIn<'a>, Option<Extra>), serde_json::Error> {
    let mut first = None;
    let mut others = Vec::new();
    for raw in all {
        let choice: ChoiceIn<'a> = serde_json::from_str(raw.get()).map_err(|error| at("choices", error))?;
        match first {
            None if choice.index.unwrap_or(0) == 0 => first = Some(choice),
            _ => others.push(raw),
        }
    }
    let first = first.ok_or_else(|| Error::custom("choices: none"))?;
    if others.is_empty() {
        return Ok((first, None));
    }
    let value = Json::parse(&serde_json::to_string(&others)?)?;
    Ok((first, Some(Extra { field: CHOICES.to_owned(), value, weight: Weight::Hint })))
}

/// Extras of an object inside the answer.
fn within(path: &str, mut extra: Vec<Extra>) -> Vec<Extra> {
    extra.iter_mut().for_each(|extra| extra.field.insert_str(0, path));
    extra
}

fn message_parts(mut message: MessageIn<'_>, extra: &mut Vec<Extra>) -> Result<Vec<Part>, serde_json::Error> {
    let told = |text: &Str<'_>| !text.is_empty();
    let thoughts = ThoughtsIn {
        reasoning_content: message.reasoning_content,
        reasoning: message.reasoning,
        reasoning_text: message.reasoning_text,
        reasoning_details: message.reasoning_details,
    };
    if thoughts.is_sealed() {
        message.rest.extend(message.reasoning_details.map(|raw| (Str("reasoning_details".into()), raw)));
    }
    let mut all = Vec::new();
    all.extend(thoughts.text().map(|text| Part::new(Content::Thinking(Thinking::new(text)))));
    let mut content = parts(message.content).map_err(|error| at("content", error))?;
    content.retain(|part| !matches!(&part.content, Content::Text(text) if text.is_empty()));
    cite(&mut content, message.annotations.unwrap_or_default());
    all.append(&mut content);
    all.extend(message.refusal.filter(told).map(|text| Part::new(Content::Refusal(text.into_string()))));
    all.extend(tool_calls(message.tool_calls)?);
    if let Some(call) = message.function_call {
        all.push(Part::new(Content::ToolCall(call.into_call(String::new())?)));
    }
    extra.extend(within(MESSAGE, hints(message.rest)));
    Ok(all)
}

/// Annotations stand with the first text; their places count only where it is the whole one.
fn cite(content: &mut [Part], annotations: Vec<&RawValue>) {
    let is_whole = content.len() == 1;
    let text = content.iter_mut().find(|part| matches!(part.content, Content::Text(_)));
    let Some(text) = text else { return };
    text.citations = annotations.into_iter().map(citation).collect();
    if !is_whole {
        text.citations.iter_mut().for_each(|citation| citation.span = None);
    }
}

/// The reason that a word stands for. `sensitive` and `model_context_window_exceeded` are GLM's, `eos` is said by servers
/// of open models.
pub(in crate::openai_chat) fn stop_reason(word: &str) -> StopReason {
    match word {
        "stop" | "eos" => StopReason::EndTurn,
        "length" => StopReason::MaxTokens,
        "tool_calls" | "function_call" => StopReason::ToolUse,
        "content_filter" | "sensitive" => StopReason::Refusal,
        "model_context_window_exceeded" => StopReason::ContextFull,
        other => StopReason::Other(other.to_owned()),
    }
}

/// Whether a reason says that the vendor failed: the answer is cut and must not look whole. GLM, DeepSeek, OpenRouter.
pub(in crate::openai_chat) fn is_failure(word: &str) -> bool {
    matches!(word, "network_error" | "insufficient_system_resource" | "error")
}

/// The counts; none that can be read are no counts.
pub(in crate::openai_chat) fn usage(raw: &RawValue) -> Usage {
    serde_json::from_str::<ChatUsage>(raw.get()).map(ChatUsage::to_usage).unwrap_or_default()
}

fn service_tier(tier: Str<'_>) -> ServiceTier {
    match &*tier {
        "auto" => ServiceTier::Auto,
        "default" => ServiceTier::Standard,
        other => ServiceTier::Other(other.to_owned()),
    }
}
