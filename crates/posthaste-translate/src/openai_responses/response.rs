//! `POST /v1/responses`: the whole answer.

use posthaste_core::Usage;
use posthaste_wire::usage::{ResponsesToolUsage, ResponsesUsage};
use serde::{Deserialize, Serialize, de::Error};
use serde_json::value::RawValue;

use super::{
    DIALECT,
    item::{Item, ItemOut, Kept, Place, item, model_items},
};
use crate::{
    Encoded, TranslateError,
    ir::{Content, Part, Response, ServiceTier, Stop, StopReason, Weight},
    json::{self, Str, at, extras, wire_object},
    loss::Losses,
};

/// Reads an answer.
pub(super) fn decode_response(body: &[u8]) -> Result<Response, TranslateError> {
    let unreadable = |source| TranslateError::unreadable(DIALECT, source);
    json::read::<ResponseIn<'_>>(body).and_then(response).map_err(unreadable)
}

wire_object! {
    struct ResponseIn<'a> {
        id: Str<'a> = "id",
        object: Option<Str<'a>> = "object",
        created_at: Option<&'a RawValue> = "created_at",
        status: Option<Str<'a>> = "status",
        error: Option<&'a RawValue> = "error",
        incomplete_details: Option<IncompleteIn<'a>> = "incomplete_details",
        model: Str<'a> = "model",
        output: Option<Vec<&'a RawValue>> = "output",
        usage: Option<&'a RawValue> = "usage",
        tool_usage: Option<&'a RawValue> = "tool_usage",
        service_tier: Option<Str<'a>> = "service_tier",
    }
}

/// Why an answer is not complete.
#[derive(Debug, Deserialize)]
pub(super) struct IncompleteIn<'a> {
    #[serde(borrow)]
    reason: Option<Str<'a>>,
}

fn response(wire: ResponseIn<'_>) -> Result<Response, serde_json::Error> {
    if wire.error.is_some() {
        return Err(Error::custom("error: the answer failed"));
    }
    let reason = stop_reason(wire.status.as_deref(), wire.incomplete_details.as_ref());
    let reason = reason.ok_or_else(|| Error::custom("status: the answer is not at its end"))?;
    let output = wire.output.ok_or_else(|| Error::custom("output: missing"))?;
    let mut parts = Vec::with_capacity(output.len());
    for raw in output {
        parts.extend(answer_parts(raw).map_err(|error| at("output", error))?);
    }
    let created = wire.created_at.and_then(|created| serde_json::from_str::<f64>(created.get()).ok());
    let mut response = Response {
        dialect: DIALECT,
        id: wire.id.into_string(),
        model: wire.model.into_string(),
        created: created.map_or(0, whole_seconds),
        parts,
        stop: Stop::new(reason),
        usage: usage(wire.usage, wire.tool_usage),
        service_tier: wire.service_tier.map(service_tier),
        extra: extras(wire.rest, |field, _| weight(field)),
    };
    response.stop.reason = response.stop_reason();
    Ok(response)
}

/// Some vendors write fractions.
#[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates")]
fn whole_seconds(seconds: f64) -> i64 {
    seconds as i64
}

/// The parts of an item of an answer. Nothing of a hosted tool's is shown elsewhere.
fn answer_parts(raw: &RawValue) -> Result<Vec<Part>, serde_json::Error> {
    Ok(match item(raw)? {
        Item::Message { mut parts, extra, .. } => {
            super::item::mark(&mut parts, extra);
            parts
        }
        Item::Model(mut part) | Item::Result(mut part) | Item::Other(mut part) => {
            if let Content::Opaque(opaque) = &mut part.content {
                opaque.text = None;
            }
            vec![part]
        }
    })
}

/// Echoes of the request and the vendor's bookkeeping are no loss elsewhere.
fn weight(field: &str) -> Weight {
    match field {
        "background"
        | "billing"
        | "completed_at"
        | "content_filters"
        | "copilot_usage"
        | "frequency_penalty"
        | "instructions"
        | "max_output_tokens"
        | "max_tool_calls"
        | "metadata"
        | "moderation"
        | "output_text"
        | "parallel_tool_calls"
        | "presence_penalty"
        | "previous_response_id"
        | "prompt"
        | "prompt_cache_key"
        | "prompt_cache_options"
        | "prompt_cache_retention"
        | "reasoning"
        | "safety_identifier"
        | "store"
        | "temperature"
        | "text"
        | "tool_choice"
        | "tools"
        | "top_logprobs"
        | "top_p"
        | "truncation"
        | "user" => Weight::Trivial,
        _ => Weight::Hint,
    }
}

/// Why an answer ended; `None` for one that did not.
pub(super) fn stop_reason(status: Option<&str>, details: Option<&IncompleteIn<'_>>) -> Option<StopReason> {
    let reason = details.and_then(|details| details.reason.as_deref());
    match (status, reason) {
        (None | Some("completed"), _) => Some(StopReason::EndTurn),
        (Some("incomplete"), Some("max_output_tokens") | None) => Some(StopReason::MaxTokens),
        (Some("incomplete"), Some("content_filter")) => Some(StopReason::Refusal),
        (Some("incomplete"), Some(other)) => Some(StopReason::Other(other.to_owned())),
        _ => None,
    }
}

/// The counts; none that can be read are no counts.
pub(super) fn usage(counts: Option<&RawValue>, tools: Option<&RawValue>) -> Usage {
    let counts = counts.and_then(|raw| serde_json::from_str::<ResponsesUsage>(raw.get()).ok());
    let tools = tools.and_then(|raw| serde_json::from_str::<ResponsesToolUsage>(raw.get()).ok());
    counts.unwrap_or_default().to_usage(tools.unwrap_or_default())
}

fn service_tier(tier: Str<'_>) -> ServiceTier {
    match &*tier {
        "auto" => ServiceTier::Auto,
        "default" => ServiceTier::Standard,
        other => ServiceTier::Other(other.to_owned()),
    }
}

/// Other vendors' tiers have names that the SDKs' types do not.
fn tier_word(tier: Option<&ServiceTier>, own: bool) -> Option<&str> {
    match tier? {
        ServiceTier::Auto => Some("auto"),
        ServiceTier::Standard => Some("default"),
        ServiceTier::Other(name) => (own || TIERS.contains(&name.as_str())).then_some(name),
    }
}

const TIERS: [&str; 5] = ["flex", "scale", "priority", "fast", "ultrafast"];

/// Writes an answer.
pub(super) fn encode_response(response: &Response) -> Result<Encoded, TranslateError> {
    let mut losses = Losses::default();
    let own = response.dialect == DIALECT;
    let seed = response.id.strip_prefix("resp_").unwrap_or(&response.id);
    let place = Place::Answer { seed };
    let mut output = Vec::with_capacity(response.parts.len());
    model_items(&response.parts, Vec::new(), own, place, &mut losses, &mut output)?;
    if let Some(explanation) = explanation(&response.stop, refuses(response)) {
        output.push(ItemOut::refusal(explanation, place, output.len()));
    }
    if !own {
        losses.foreign("", &response.extra, DIALECT)?;
    }
    let end = End::new(&response.stop_reason(), &mut losses);
    let extra = if own { Kept::item(&response.extra) } else { Kept::NONE };
    let wire = ResponseOut {
        id: &response.id,
        object: "response",
        created_at: response.created,
        status: end.status,
        error: (),
        incomplete_details: end.incomplete_details,
        model: &response.model,
        output: &output,
        usage: Some(UsageOut::new(&response.usage)),
        tool_usage: ToolUsageOut::new(&response.usage),
        service_tier: tier_word(response.service_tier.as_ref(), own),
        echo: Echo { said: extra },
        extra,
    };
    let mut body = Vec::with_capacity(1_024);
    json::write(&mut body, &wire);
    Ok(Encoded { body: body.into(), losses: losses.into_vec() })
}

fn refuses(response: &Response) -> bool {
    response.parts.iter().any(|part| matches!(part.content, Content::Refusal(_)))
}

/// The vendor's words for a cut by its policy, where the model itself did not decline.
pub(super) fn explanation(stop: &Stop, refuses: bool) -> Option<&str> {
    stop.explanation.as_deref().filter(|_| !refuses)
}

/// How an answer ended, as it is written.
#[derive(Debug, Default)]
pub(super) struct End {
    pub(super) status: &'static str,
    pub(super) incomplete_details: Option<IncompleteOut>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct IncompleteOut {
    reason: &'static str,
}

impl End {
    pub(super) fn new(reason: &StopReason, losses: &mut Losses) -> Self {
        let incomplete =
            |reason| Self { status: "incomplete", incomplete_details: Some(IncompleteOut { reason }) };
        let completed = Self { status: "completed", incomplete_details: None };
        match reason {
            StopReason::EndTurn | StopReason::StopSequence | StopReason::ToolUse => completed,
            StopReason::MaxTokens | StopReason::ContextFull => incomplete("max_output_tokens"),
            StopReason::Refusal => incomplete("content_filter"),
            StopReason::Paused => {
                losses.degraded("stop_reason", "carried as an answer that the cap cut");
                incomplete("max_output_tokens")
            }
            StopReason::Other(_) => {
                losses.degraded("stop_reason", "carried as an ordinary end");
                completed
            }
        }
    }
}

/// An answer as it is written. `output` is a list of items, `error` why it failed.
#[derive(Serialize)]
pub(super) struct ResponseOut<'a, E, O> {
    pub(super) id: &'a str,
    pub(super) object: &'static str,
    pub(super) created_at: i64,
    pub(super) status: &'static str,
    pub(super) error: E,
    pub(super) incomplete_details: Option<IncompleteOut>,
    pub(super) model: &'a str,
    pub(super) output: O,
    pub(super) usage: Option<UsageOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_usage: Option<ToolUsageOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_tier: Option<&'a str>,
    #[serde(flatten)]
    pub(super) echo: Echo<'a>,
    #[serde(flatten)]
    pub(super) extra: Kept<'a>,
}

/// What an answer repeats of its request. The SDKs' types have no place for its absence (`openai` 3.54), so a neutral value
/// stands for what is not said already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Echo<'a> {
    pub(super) said: Kept<'a>,
}

impl Serialize for Echo<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in ECHO {
            if !self.said.has(name) {
                let value: &RawValue = serde_json::from_str(value).map_err(serde::ser::Error::custom)?;
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

const ECHO: [(&str, &str); 15] = [
    ("background", "false"),
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("previous_response_id", "null"),
    ("reasoning", r#"{"effort":null,"summary":null}"#),
    ("store", "false"),
    ("temperature", "null"),
    ("text", r#"{"format":{"type":"text"}}"#),
    ("tool_choice", "\"auto\""),
    ("tools", "[]"),
    ("top_p", "null"),
    ("truncation", "\"disabled\""),
    ("user", "null"),
];

/// Token counts as they are written.
#[derive(Serialize)]
pub(super) struct UsageOut {
    input_tokens: u64,
    input_tokens_details: InputDetailsOut,
    output_tokens: u64,
    output_tokens_details: OutputDetailsOut,
    total_tokens: u64,
}

#[derive(Serialize)]
struct InputDetailsOut {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Serialize)]
struct OutputDetailsOut {
    reasoning_tokens: u64,
}

impl UsageOut {
    pub(super) fn new(usage: &Usage) -> Self {
        Self {
            input_tokens: usage.prompt(),
            input_tokens_details: InputDetailsOut {
                cached_tokens: usage.cache_read,
                cache_write_tokens: usage.cache_write_5m.saturating_add(usage.cache_write_1h),
            },
            output_tokens: usage.output,
            output_tokens_details: OutputDetailsOut { reasoning_tokens: usage.reasoning },
            total_tokens: usage.total(),
        }
    }
}

/// How often hosted tools were run, as it is written. The SDK's type has both kinds (`openai` 3.54).
#[derive(Serialize)]
pub(super) struct ToolUsageOut {
    image_gen: ImageGenOut,
    web_search: WebSearchOut,
}

/// Pictures are not made here.
#[derive(Default, Serialize)]
struct ImageGenOut {
    input_tokens: u64,
    input_tokens_details: ImageDetailsOut,
    output_tokens: u64,
    output_tokens_details: ImageDetailsOut,
    total_tokens: u64,
}

#[derive(Default, Serialize)]
struct ImageDetailsOut {
    image_tokens: u64,
    text_tokens: u64,
}

#[derive(Serialize)]
struct WebSearchOut {
    num_requests: u64,
}

impl ToolUsageOut {
    pub(super) fn new(usage: &Usage) -> Option<Self> {
        let num_requests = usage.web_searches;
        let image_gen = ImageGenOut::default();
        (num_requests > 0).then_some(Self { image_gen, web_search: WebSearchOut { num_requests } })
    }
}
