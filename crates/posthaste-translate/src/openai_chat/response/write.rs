//! The neutral form to a body.

use std::borrow::Cow;

use posthaste_core::{Dialect, Usage};
use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};
use serde_json::value::RawValue;

use super::{CHOICE, CHOICES, MESSAGE};
use crate::{
    Encoded, Loss, TranslateError,
    ir::{Citation, Content, Extra, Response, ServiceTier, StopReason, Weight},
    json,
    loss::Losses,
    openai_chat::{
        citation::AnnotationOut,
        part::{FunctionOut, ToolCallOut, is_call},
    },
};

const DIALECT: Dialect = Dialect::OpenAiChat;

/// Writes an answer; `old_functions`: its client knows one call, in the older form.
pub(in crate::openai_chat) fn encode_response(
    response: &Response,
    old_functions: bool,
) -> Result<Encoded, TranslateError> {
    let mut losses = Losses::default();
    let own = response.dialect == DIALECT;
    let mut message = message(response, own, &mut losses);
    if old_functions {
        message.become_older(&mut losses);
    }
    if !own {
        losses.foreign("", &response.extra, DIALECT)?;
    }
    let extra: &[Extra] = if own { &response.extra } else { &[] };
    let first = ChoiceOut {
        index: 0,
        message,
        logprobs: NoLogprobs(extra),
        finish_reason: finish_reason(&response.stop_reason(), old_functions, &mut losses),
        extra: Within { path: CHOICE, extra },
    };
    let others = extra.iter().find(|extra| extra.field == CHOICES);
    let others = others.and_then(|others| serde_json::from_str::<Vec<&RawValue>>(others.value.as_str()).ok());
    let wire = ResponseOut {
        id: &response.id,
        object: "chat.completion",
        created: response.created,
        model: &response.model,
        choices: ChoicesOut { first, others: others.unwrap_or_default() },
        usage: UsageOut::new(&response.usage),
        service_tier: tier_word(response.service_tier.as_ref()),
        extra: Within { path: "", extra },
    };
    let mut body = Vec::with_capacity(512);
    json::write(&mut body, &wire);
    Ok(Encoded { body: body.into(), losses: losses.into_vec() })
}

fn tier_word(tier: Option<&ServiceTier>) -> Option<&str> {
    match tier? {
        ServiceTier::Auto => Some("auto"),
        ServiceTier::Standard => Some("default"),
        ServiceTier::Other(name) => Some(name),
    }
}

fn message<'a>(response: &'a Response, own: bool, losses: &mut Losses) -> MessageOut<'a> {
    let extra: &[Extra] = if own { &response.extra } else { &[] };
    let extra = Within { path: MESSAGE, extra };
    let mut message = MessageOut { role: "assistant", extra, ..MessageOut::default() };
    for part in &response.parts {
        match &part.content {
            Content::Text(text) if part.citations.is_empty() => append(&mut message.content, text),
            Content::Text(text) => {
                let start = message.content.as_deref().map_or(0, characters);
                append(&mut message.content, text);
                let place = (start, start + characters(text));
                annotate(&mut message.annotations, &part.citations, place, losses);
            }
            Content::Json(json) => append(&mut message.content, json.as_str()),
            Content::Refusal(text) => append(&mut message.refusal, text),
            Content::Thinking(thinking) => {
                // Its proof has no place here; the relay remembers it.
                if !thinking.text.is_empty() {
                    append(&mut message.reasoning_content, &thinking.text);
                }
            }
            Content::RedactedThinking(_) => {}
            Content::ToolCall(call) => {
                message.tool_calls.push(ToolCallOut::new(call, Cow::Borrowed(&call.id), own));
            }
            Content::Opaque(opaque) if own && is_call(opaque) => {
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

/// Places in a text are counted in characters.
fn characters(text: &str) -> usize {
    text.chars().count()
}

fn annotate<'a>(
    annotations: &mut Vec<AnnotationOut<'a>>,
    citations: &'a [Citation],
    place: (usize, usize),
    losses: &mut Losses,
) {
    for citation in citations {
        match AnnotationOut::new(citation, place) {
            Some(annotation) => annotations.push(annotation),
            None => losses.dropped("content.citations"),
        }
    }
}

fn append<'a>(whole: &mut Option<Cow<'a, str>>, text: &'a str) {
    match whole {
        None => *whole = Some(Cow::Borrowed(text)),
        Some(whole) => whole.to_mut().push_str(text),
    }
}

/// The word for a reason.
pub(in crate::openai_chat) fn finish_reason(
    reason: &StopReason,
    old_functions: bool,
    losses: &mut Losses,
) -> &'static str {
    match reason {
        StopReason::EndTurn | StopReason::StopSequence => "stop",
        StopReason::MaxTokens | StopReason::ContextFull => "length",
        StopReason::ToolUse if old_functions => "function_call",
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
    choices: ChoicesOut<'a>,
    usage: UsageOut,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(flatten)]
    extra: Within<'a>,
}

/// The answer's choice, and those that the answer's own dialect had beside it.
struct ChoicesOut<'a> {
    first: ChoiceOut<'a>,
    others: Vec<&'a RawValue>,
}

impl Serialize for ChoicesOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(1 + self.others.len()))?;
        list.serialize_element(&self.first)?;
        self.others.iter().try_for_each(|other| list.serialize_element(other))?;
        list.end()
    }
}

#[derive(Serialize)]
struct ChoiceOut<'a> {
    index: u32,
    message: MessageOut<'a>,
    #[serde(flatten)]
    logprobs: NoLogprobs<'a>,
    finish_reason: &'static str,
    #[serde(flatten)]
    extra: Within<'a>,
}

/// `logprobs: null`, which clients expect, unless the extras tell some.
struct NoLogprobs<'a>(&'a [Extra]);

impl Serialize for NoLogprobs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let told = self.0.iter().any(|extra| extra.field == "choices.logprobs");
        let mut map = serializer.serialize_map(None)?;
        if !told {
            map.serialize_entry("logprobs", &())?;
        }
        map.end()
    }
}

#[derive(Default, Serialize)]
struct MessageOut<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<Cow<'a, str>>,
    content: Option<Cow<'a, str>>,
    refusal: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<AnnotationOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCallOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<FunctionOut<'a>>,
    #[serde(flatten)]
    extra: Within<'a>,
}

impl MessageOut<'_> {
    /// The first call as `function_call`; there is no place for others.
    fn become_older(&mut self, losses: &mut Losses) {
        let calls = std::mem::take(&mut self.tool_calls);
        let mut functions = calls.into_iter().filter_map(ToolCallOut::into_function);
        self.function_call = functions.next();
        if functions.next().is_some() {
            losses.degraded("content.tool_calls", ONE_CALL);
        }
    }
}

/// What becomes of parallel calls that a client of `functions` gets although only one was asked for.
pub(in crate::openai_chat) const ONE_CALL: &str = "only the first, since the client knows one call";

/// Those extras that stand directly in the object of a path.
#[derive(Clone, Copy, Default)]
struct Within<'a> {
    path: &'static str,
    extra: &'a [Extra],
}

impl Serialize for Within<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for extra in self.extra {
            let path = [MESSAGE, CHOICE].into_iter().find(|path| extra.field.starts_with(path));
            if path.unwrap_or_default() == self.path && extra.field != CHOICES {
                map.serialize_entry(&extra.field[self.path.len()..], &extra.value)?;
            }
        }
        map.end()
    }
}

/// Token counts as they are written.
#[derive(Serialize)]
pub(in crate::openai_chat) struct UsageOut {
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
    pub(in crate::openai_chat) fn new(usage: &Usage) -> Self {
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
