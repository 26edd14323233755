//! `POST /v1/messages`: the whole answer.

use posthaste_core::{Dialect, Usage};
use posthaste_wire::usage::AnthropicUsage;
use serde::Serialize;
use serde_json::value::RawValue;

use super::block::{BlockOut, Origin, Place, block, parts};
use crate::{
    Encoded, Loss, TranslateError,
    ir::{Content, Part, Response, ServiceTier, Stop, StopReason},
    json::{self, Fields, Str, TextOr, hints, wire_object},
    loss::Losses,
};

/// Reads an answer.
pub(super) fn decode_response(body: &[u8]) -> Result<Response, TranslateError> {
    let unreadable = |source| TranslateError::unreadable(Dialect::AnthropicMessages, source);
    json::read::<ResponseIn<'_>>(body).and_then(response).map_err(unreadable)
}

/// Writes an answer.
pub(super) fn encode_response(response: &Response) -> Result<Encoded, TranslateError> {
    let mut losses = Losses::default();
    let own = response.dialect == Dialect::AnthropicMessages;
    let mut content = Vec::with_capacity(response.parts.len());
    for part in &response.parts {
        content.extend(answer_block(response, part, &mut losses)?);
    }
    while !own && content.len() > 1 && content.last().is_some_and(BlockOut::is_sealed) {
        losses.dropped(LAST_THOUGHT);
        content.pop();
    }
    if !own {
        losses.foreign("", &response.extra, Dialect::AnthropicMessages)?;
    }
    let refuses = response.parts.iter().any(|part| matches!(part.content, Content::Refusal(_)));
    let wire = ResponseOut {
        id: &response.id,
        kind: "message",
        role: "assistant",
        model: &response.model,
        content,
        stop: StopOut::new(&response.stop, response.stop_reason(), refuses),
        usage: UsageOut::new(&response.usage, tier_word(response.service_tier.as_ref())),
        extra: Fields(if own { &response.extra } else { &[] }),
    };
    let mut body = Vec::with_capacity(512);
    json::write(&mut body, &wire);
    Ok(Encoded { body: body.into(), losses: losses.into_vec() })
}

/// The field that is lost where sealed thoughts stand at an answer's end: Gemini's proof of a last text, which its API does
/// not ask to have back (<https://ai.google.dev/gemini-api/docs/thought-signatures>).
///
/// Anthropic's own answers never end so, and clients take the last block for what was said: Claude Code's `-p` prints
/// nothing where it is a thought (seen with 2.1.332).
pub(super) const LAST_THOUGHT: &str = "content.redacted_thinking";

wire_object! {
    struct ResponseIn<'a> {
        id: Str<'a> = "id",
        kind: Option<Str<'a>> = "type",
        role: Option<Str<'a>> = "role",
        model: Str<'a> = "model",
        content: Option<Vec<&'a RawValue>> = "content",
        stop_reason: Option<Str<'a>> = "stop_reason",
        stop_sequence: Option<Str<'a>> = "stop_sequence",
        stop_details: Option<StopDetailsIn<'a>> = "stop_details",
        usage: Option<&'a RawValue> = "usage",
    }
}

/// Why an answer was refused, in streams and whole answers.
#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct StopDetailsIn<'a> {
    #[serde(borrow)]
    category: Option<Str<'a>>,
    #[serde(borrow)]
    explanation: Option<Str<'a>>,
}

fn response(wire: ResponseIn<'_>) -> Result<Response, serde_json::Error> {
    use serde::de::Error;
    if wire.kind.is_some_and(|kind| &*kind != "message")
        || wire.role.is_some_and(|role| &*role != "assistant")
    {
        return Err(Error::custom("not a message of the assistant"));
    }
    let content = wire.content.ok_or_else(|| Error::custom("content: missing"))?;
    let reason = wire.stop_reason.ok_or_else(|| Error::custom("stop_reason: missing"))?;
    let (usage, service_tier) = wire.usage.map(usage).unwrap_or_default();
    Ok(Response {
        dialect: Dialect::AnthropicMessages,
        id: wire.id.into_string(),
        model: wire.model.into_string(),
        created: 0,
        parts: parts(TextOr::Rich(content))?,
        stop: stop(reason, wire.stop_sequence, wire.stop_details),
        usage,
        service_tier,
        extra: hints(wire.rest),
    })
}

/// Why an answer ended.
pub(super) fn stop(reason: Str<'_>, sequence: Option<Str<'_>>, details: Option<StopDetailsIn<'_>>) -> Stop {
    let reason = match &*reason {
        "end_turn" => StopReason::EndTurn,
        "max_tokens" => StopReason::MaxTokens,
        "model_context_window_exceeded" => StopReason::ContextFull,
        "stop_sequence" => StopReason::StopSequence,
        "tool_use" => StopReason::ToolUse,
        "refusal" => StopReason::Refusal,
        "pause_turn" => StopReason::Paused,
        other => StopReason::Other(other.to_owned()),
    };
    let details = details.unwrap_or_default();
    Stop {
        reason,
        sequence: sequence.map(Str::into_string),
        category: details.category.map(Str::into_string),
        explanation: details.explanation.map(Str::into_string),
    }
}

/// The counts and the tier, which stands among them.
fn usage(raw: &RawValue) -> (Usage, Option<ServiceTier>) {
    #[derive(serde::Deserialize)]
    struct TierIn<'a> {
        #[serde(borrow)]
        service_tier: Option<Str<'a>>,
    }
    let mut usage = Usage::default();
    if let Ok(counts) = serde_json::from_str::<AnthropicUsage>(raw.get()) {
        counts.merge_into(&mut usage);
    }
    let tier = serde_json::from_str::<TierIn<'_>>(raw.get()).ok().and_then(|usage| usage.service_tier);
    let tier = tier.map(|tier| match &*tier {
        "standard" => ServiceTier::Standard,
        other => ServiceTier::Other(other.to_owned()),
    });
    (usage, tier)
}

/// A part of the answer. What cannot be shown is left out and named: an answer is never refused for it.
///
/// A call that the cap cut in the middle is no call: nobody could run it.
fn answer_block<'a>(
    response: &Response,
    part: &'a Part,
    losses: &mut Losses,
) -> Result<Option<BlockOut<'a>>, TranslateError> {
    let cut = response.stop.reason == StopReason::MaxTokens;
    if matches!(&part.content, Content::ToolCall(call) if cut && !call.arguments.is_object()) {
        losses.degraded("content.tool_calls", "left out a call that the cap cut");
        return Ok(None);
    }
    let origin = Origin { dialect: response.dialect, place: Place::Answer };
    if let Content::Opaque(opaque) = &part.content
        && !origin.is_own()
    {
        // Not as its text: that would be put into the model's mouth, and a stream could not do the same.
        losses.add(Loss::dropped(format!("content.{}", opaque.kind)));
        return Ok(None);
    }
    match block(part, origin, None, losses) {
        Err(TranslateError::Inexpressible { field, .. }) => {
            losses.add(Loss::dropped(field));
            Ok(None)
        }
        block => block,
    }
}

#[derive(Serialize)]
struct ResponseOut<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<BlockOut<'a>>,
    #[serde(flatten)]
    stop: StopOut<'a>,
    usage: UsageOut<'a>,
    #[serde(flatten)]
    extra: Fields<'a>,
}

/// Why an answer ended, as it is written.
#[derive(Serialize)]
pub(super) struct StopOut<'a> {
    stop_reason: &'a str,
    stop_sequence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_details: Option<StopDetailsOut<'a>>,
}

#[derive(Serialize)]
struct StopDetailsOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    category: Option<&'a str>,
    explanation: Option<&'a str>,
}

impl<'a> StopOut<'a> {
    /// `refuses`: the model itself declined, which other dialects call an ordinary end.
    pub(super) fn new(stop: &'a Stop, reason: StopReason, refuses: bool) -> Self {
        let stop_reason = match reason {
            StopReason::EndTurn if refuses => "refusal",
            StopReason::EndTurn => "end_turn",
            StopReason::MaxTokens => "max_tokens",
            StopReason::ContextFull => "model_context_window_exceeded",
            StopReason::StopSequence => "stop_sequence",
            StopReason::ToolUse => "tool_use",
            StopReason::Refusal => "refusal",
            StopReason::Paused => "pause_turn",
            StopReason::Other(_) => match &stop.reason {
                StopReason::Other(word) => word,
                _ => "end_turn",
            },
        };
        let told = stop.category.is_some() || stop.explanation.is_some();
        Self {
            stop_reason,
            stop_sequence: stop.sequence.as_deref(),
            stop_details: told.then_some(StopDetailsOut {
                kind: "refusal",
                category: stop.category.as_deref(),
                explanation: stop.explanation.as_deref(),
            }),
        }
    }
}

fn tier_word(tier: Option<&ServiceTier>) -> Option<&str> {
    match tier? {
        ServiceTier::Auto | ServiceTier::Standard => Some("standard"),
        ServiceTier::Other(name) => Some(name),
    }
}

/// Token counts as they are written.
#[derive(Serialize)]
pub(super) struct UsageOut<'a> {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_creation: Option<CacheCreationOut>,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<OutputDetailsOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_tool_use: Option<ServerToolUseOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
}

#[derive(Serialize)]
struct CacheCreationOut {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

#[derive(Serialize)]
struct OutputDetailsOut {
    thinking_tokens: u64,
}

#[derive(Serialize)]
struct ServerToolUseOut {
    web_search_requests: u64,
}

impl<'a> UsageOut<'a> {
    pub(super) fn new(usage: &Usage, service_tier: Option<&'a str>) -> Self {
        let written = usage.cache_write_5m.saturating_add(usage.cache_write_1h);
        Self {
            input_tokens: usage.input,
            cache_creation_input_tokens: written,
            cache_read_input_tokens: usage.cache_read,
            cache_creation: (written > 0).then_some(CacheCreationOut {
                ephemeral_5m_input_tokens: usage.cache_write_5m,
                ephemeral_1h_input_tokens: usage.cache_write_1h,
            }),
            output_tokens: usage.output,
            output_tokens_details: (usage.reasoning > 0)
                .then_some(OutputDetailsOut { thinking_tokens: usage.reasoning }),
            server_tool_use: (usage.web_searches > 0)
                .then_some(ServerToolUseOut { web_search_requests: usage.web_searches }),
            service_tier,
        }
    }
}
