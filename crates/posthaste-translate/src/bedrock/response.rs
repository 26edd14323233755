//! `POST /model/{modelId}/converse`: the whole answer.

use posthaste_core::Usage;
use posthaste_wire::{spoiled, usage::BedrockUsage};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    DIALECT,
    block::{BlockOut, BlockWriter, Origin, parts},
    request::{TierIn, TierOut, is_tier, service_tier},
};
use crate::{
    Encoded, Loss, TranslateError,
    ir::{Content, Part, Response, ServiceTier, Stop, StopReason, Weight},
    json::{self, Fields, Str, extras, wire_object},
    loss::Losses,
};

/// Reads an answer.
pub(super) fn decode_response(body: &[u8]) -> Result<Response, TranslateError> {
    let unreadable = |source| TranslateError::unreadable(DIALECT, source);
    json::read::<ResponseIn<'_>>(body).and_then(response).map_err(unreadable)
}

/// Writes an answer.
pub(super) fn encode_response(response: &Response) -> Result<Encoded, TranslateError> {
    let mut losses = Losses::default();
    let own = response.dialect == DIALECT;
    let mut writer = BlockWriter::new(Origin { dialect: response.dialect, path: "content", in_answer: true });
    let mut content = Vec::with_capacity(response.parts.len());
    for part in &response.parts {
        answer_block(&mut writer, response, part, &mut content, &mut losses)?;
    }
    if !own {
        losses.foreign("", &response.extra, DIALECT)?;
    }
    let refuses = response.parts.iter().any(|part| matches!(part.content, Content::Refusal(_)));
    let stop = StopOut::new(&response.stop, response.stop_reason(), refuses);
    let stop = if own { stop.of_own(response) } else { stop };
    let wire = ResponseOut {
        output: OutputOut { message: MessageOut { role: "assistant", content } },
        stop,
        usage: UsageOut::new(&response.usage),
        metrics: (!own).then_some(MetricsOut::default()),
        service_tier: response.service_tier.as_ref().and_then(|service| tier(service, own)),
        extra: Fields(if own { &response.extra } else { &[] }),
    };
    let mut body = Vec::with_capacity(512);
    json::write(&mut body, &wire);
    Ok(Encoded { body: body.into(), losses: losses.into_vec() })
}

wire_object! {
    struct ResponseIn<'a> {
        output: Option<OutputIn<'a>> = "output",
        stop_reason: Option<Str<'a>> = "stopReason",
        usage: Option<&'a RawValue> = "usage",
        service_tier: Option<TierIn<'a>> = "serviceTier",
    }
}

#[derive(Debug, Deserialize)]
struct OutputIn<'a> {
    #[serde(borrow)]
    message: MessageIn<'a>,
}

#[derive(Debug, Deserialize)]
struct MessageIn<'a> {
    #[serde(borrow, default)]
    content: Vec<&'a RawValue>,
}

fn response(wire: ResponseIn<'_>) -> Result<Response, serde_json::Error> {
    use serde::de::Error;
    let output = wire.output.ok_or_else(|| Error::custom("output: missing"))?;
    let reason = wire.stop_reason.ok_or_else(|| Error::custom("stopReason: missing"))?;
    if spoiled(DIALECT, &reason).is_some() {
        return Err(Error::custom(format_args!("stopReason: {}", &*reason)));
    }
    let fields = wire.rest.iter().find(|(name, _)| &**name == RESPONSE_FIELDS).map(|(_, value)| *value);
    Ok(Response {
        dialect: DIALECT,
        id: String::new(),
        model: String::new(),
        created: 0,
        parts: parts(output.message.content)?.parts,
        stop: stop(reason, fields),
        usage: wire.usage.map(usage).unwrap_or_default(),
        service_tier: wire.service_tier.map(service_tier),
        extra: extras(wire.rest, weight),
    })
}

/// How long it took is nobody's but the relay's to tell; the sequence that was asked for is told as the neutral field.
fn weight(field: &str, value: &RawValue) -> Weight {
    match field {
        "metrics" => Weight::Trivial,
        RESPONSE_FIELDS if stop_sequence(value).is_some_and(|(_, alone)| alone) => Weight::Trivial,
        _ => Weight::Hint,
    }
}

const RESPONSE_FIELDS: &str = "additionalModelResponseFields";

/// Why an answer ended, in streams and whole answers.
pub(super) fn stop(reason: Str<'_>, response_fields: Option<&RawValue>) -> Stop {
    let word = &*reason;
    let sequence = response_fields.and_then(stop_sequence).map(|(sequence, _)| sequence);
    let (reason, category) = match word {
        "end_turn" => (StopReason::EndTurn, None),
        "tool_use" => (StopReason::ToolUse, None),
        "max_tokens" => (StopReason::MaxTokens, None),
        "stop_sequence" => (StopReason::StopSequence, None),
        "model_context_window_exceeded" => (StopReason::ContextFull, None),
        "content_filtered" => (StopReason::Refusal, None),
        GUARDRAIL => (StopReason::Refusal, Some(GUARDRAIL.to_owned())),
        other => (StopReason::Other(other.to_owned()), None),
    };
    Stop { sequence, category, ..Stop::new(reason) }
}

/// The operator's own policy, told apart from the vendor's.
const GUARDRAIL: &str = "guardrail_intervened";

/// Claude's `stop_sequence` as asked for by path, and whether it is all that is there.
fn stop_sequence(raw: &RawValue) -> Option<(String, bool)> {
    wire_object! {
        struct FieldsIn<'a> {
            stop_sequence: Option<Str<'a>> = "stop_sequence",
        }
    }
    let fields: FieldsIn<'_> = serde_json::from_str(raw.get()).ok()?;
    Some((fields.stop_sequence?.into_string(), fields.rest.is_empty()))
}

/// The counts, in streams and whole answers.
pub(super) fn usage(raw: &RawValue) -> Usage {
    serde_json::from_str::<BedrockUsage<'_>>(raw.get()).map(|counts| counts.to_usage()).unwrap_or_default()
}

/// A part of the answer. What cannot be shown is left out and named: an answer is never refused for it.
///
/// A call that the cap cut in the middle is no call: nobody could run it.
fn answer_block<'a>(
    writer: &mut BlockWriter,
    response: &Response,
    part: &'a Part,
    out: &mut Vec<BlockOut<'a>>,
    losses: &mut Losses,
) -> Result<(), TranslateError> {
    let cut = response.stop.reason == StopReason::MaxTokens;
    if matches!(&part.content, Content::ToolCall(call) if cut && !call.arguments.is_object()) {
        losses.degraded("content.tool_calls", "left out a call that the cap cut");
        return Ok(());
    }
    match writer.push(part, None, out, losses) {
        Err(TranslateError::Inexpressible { field, .. }) => {
            losses.add(Loss::dropped(field));
            Ok(())
        }
        pushed => pushed,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseOut<'a> {
    output: OutputOut<'a>,
    #[serde(flatten)]
    stop: StopOut<'a>,
    usage: UsageOut,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<MetricsOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<TierOut<'a>>,
    #[serde(flatten)]
    extra: Fields<'a>,
}

#[derive(Serialize)]
struct OutputOut<'a> {
    message: MessageOut<'a>,
}

#[derive(Serialize)]
struct MessageOut<'a> {
    role: &'static str,
    content: Vec<BlockOut<'a>>,
}

/// Why an answer ended, as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StopOut<'a> {
    stop_reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_response_fields: Option<ResponseFieldsOut<'a>>,
}

#[derive(Serialize)]
struct ResponseFieldsOut<'a> {
    stop_sequence: &'a str,
}

impl<'a> StopOut<'a> {
    /// `refuses`: the model itself declined, which other dialects call an ordinary end. The sequence is told in the place
    /// where Claude's is.
    pub(super) fn new(stop: &'a Stop, reason: StopReason, refuses: bool) -> Self {
        let stop_reason = match reason {
            StopReason::EndTurn if refuses => "content_filtered",
            StopReason::EndTurn | StopReason::Paused => "end_turn",
            StopReason::MaxTokens => "max_tokens",
            StopReason::ContextFull => "model_context_window_exceeded",
            StopReason::StopSequence => "stop_sequence",
            StopReason::ToolUse => "tool_use",
            StopReason::Refusal if stop.category.as_deref() == Some(GUARDRAIL) => GUARDRAIL,
            StopReason::Refusal => "content_filtered",
            StopReason::Other(_) => "end_turn",
        };
        let sequence = stop.sequence.as_deref();
        let additional_model_response_fields =
            sequence.map(|stop_sequence| ResponseFieldsOut { stop_sequence });
        Self { stop_reason, additional_model_response_fields }
    }

    /// An answer of our own dialect keeps its word, and has its additional fields among its extras.
    fn of_own(mut self, response: &'a Response) -> Self {
        if let StopReason::Other(word) = &response.stop.reason {
            self.stop_reason = word;
        }
        if response.extra.iter().any(|extra| extra.field == RESPONSE_FIELDS) {
            self.additional_model_response_fields = None;
        }
        self
    }
}

/// Token counts as they are written (`TokenUsage`).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UsageOut {
    input_tokens: u64,
    output_tokens: u64,
    total_tokens: u64,
    cache_read_input_tokens: u64,
    cache_write_input_tokens: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cache_details: Vec<CacheDetailOut>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CacheDetailOut {
    ttl: &'static str,
    input_tokens: u64,
}

impl UsageOut {
    pub(super) fn new(usage: &Usage) -> Self {
        let split = [("5m", usage.cache_write_5m), ("1h", usage.cache_write_1h)];
        let written = split.into_iter().filter(|(_, tokens)| *tokens > 0);
        Self {
            input_tokens: usage.input,
            output_tokens: usage.output,
            total_tokens: usage.total(),
            cache_read_input_tokens: usage.cache_read,
            cache_write_input_tokens: usage.cache_write_5m.saturating_add(usage.cache_write_1h),
            cache_details: written.map(|(ttl, input_tokens)| CacheDetailOut { ttl, input_tokens }).collect(),
        }
    }
}

/// Required by the SDKs' types; how long it took is not known where an answer is only rewritten.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetricsOut {
    latency_ms: u64,
}

fn tier(tier: &ServiceTier, own: bool) -> Option<TierOut<'_>> {
    match tier {
        ServiceTier::Auto => None,
        ServiceTier::Standard => Some(TierOut { kind: "default" }),
        ServiceTier::Other(kind) => (own || is_tier(kind)).then_some(TierOut { kind }),
    }
}
