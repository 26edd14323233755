//! Parts to items.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    Kept,
    part::{AnnotationOut, ContentOut, PartOut, user_part},
    read::{ITEM, PART},
};
use crate::{
    Loss, TranslateError,
    ir::{Content, Extra, Opaque, Part, Proof, Thinking, ToolCall, ToolResult, Weight},
    json::compact,
    loss::Losses,
    openai_responses::{DIALECT, split_name},
};

/// An item as it is written.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::openai_responses) enum ItemOut<'a> {
    Message {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Cow<'a, str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<&'static str>,
        role: &'static str,
        content: Vec<PartOut<'a>>,
        #[serde(flatten)]
        extra: Kept<'a>,
    },
    Reasoning {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Cow<'a, str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        summary: Option<Vec<SummaryOut<'a>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<&'a str>,
        #[serde(flatten)]
        extra: Kept<'a>,
    },
    FunctionCall {
        #[serde(flatten)]
        call: CallOut<'a>,
        arguments: Cow<'a, str>,
        #[serde(flatten)]
        extra: Kept<'a>,
    },
    CustomToolCall {
        #[serde(flatten)]
        call: CallOut<'a>,
        input: &'a str,
        #[serde(flatten)]
        extra: Kept<'a>,
    },
    FunctionCallOutput {
        call_id: Cow<'a, str>,
        output: ResultOut<'a>,
        #[serde(flatten)]
        extra: Kept<'a>,
    },
    CustomToolCallOutput {
        call_id: Cow<'a, str>,
        output: ResultOut<'a>,
        #[serde(flatten)]
        extra: Kept<'a>,
    },
    /// One of our own dialect that we do not know.
    #[serde(untagged)]
    Raw(&'a RawValue),
}

impl<'a> ItemOut<'a> {
    /// A message that is a refusal and nothing more.
    pub(in crate::openai_responses) fn refusal(refusal: &'a str, place: Place<'_>, position: usize) -> Self {
        message(PartOut::refusal(refusal), Kept::NONE, place, position)
    }

    /// A message of a stream.
    pub(in crate::openai_responses) fn streamed_message(
        id: &'a str,
        status: &'static str,
        content: Vec<PartOut<'a>>,
    ) -> Self {
        let (id, status) = (Some(Cow::Borrowed(id)), Some(status));
        Self::Message { id, status, role: "assistant", content, extra: Kept::NONE }
    }

    /// Reasoning of a stream.
    pub(in crate::openai_responses) fn streamed_reasoning(
        id: &'a str,
        text: &'a str,
        encrypted_content: Option<&'a str>,
    ) -> Self {
        let (id, summary) = (Some(Cow::Borrowed(id)), Some(summary(text)));
        Self::Reasoning { id, summary, encrypted_content, extra: Kept::NONE }
    }

    /// A call of a stream, under its full name.
    pub(in crate::openai_responses) fn streamed_call(
        id: &'a str,
        status: &'static str,
        call_id: &'a str,
        name: &'a str,
        free_text: bool,
        arguments: &'a str,
    ) -> Self {
        let (namespace, name) = split_name(name);
        let (id, call_id) = (Some(Cow::Borrowed(id)), Cow::Borrowed(call_id));
        let call = CallOut { id, status: Some(status), call_id, name, namespace };
        if free_text {
            Self::CustomToolCall { call, input: arguments, extra: Kept::NONE }
        } else {
            Self::FunctionCall { call, arguments: arguments.into(), extra: Kept::NONE }
        }
    }
}

/// What the calls of functions and of free-text tools have in common.
#[derive(Serialize)]
pub(in crate::openai_responses) struct CallOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    call_id: Cow<'a, str>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::openai_responses) enum SummaryOut<'a> {
    SummaryText { text: &'a str },
}

#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::openai_responses) enum ResultOut<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<PartOut<'a>>),
}

/// The parts of a summary with this text.
pub(in crate::openai_responses) fn summary(text: &str) -> Vec<SummaryOut<'_>> {
    if text.is_empty() { Vec::new() } else { vec![SummaryOut::SummaryText { text }] }
}

/// The id of an item of our own making. The prefix tells its kind; OpenAI refuses another, even where it keeps nothing.
pub(in crate::openai_responses) fn item_id(prefix: &str, seed: &str, position: usize) -> String {
    format!("{prefix}_{seed}_{position}")
}

/// Where the model's items are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::openai_responses) enum Place<'a> {
    /// In the history of a request.
    History,
    /// In an answer, whose items have ids made from this seed.
    Answer { seed: &'a str },
}

impl Place<'_> {
    fn id<'a>(self, prefix: &str, position: usize, extra: Kept<'_>) -> Option<Cow<'a, str>> {
        match self {
            Self::Answer { seed } if !extra.has("id") => Some(Cow::Owned(item_id(prefix, seed, position))),
            _ => None,
        }
    }

    fn status(self, status: &'static str, extra: Kept<'_>) -> Option<&'static str> {
        (self != Self::History && !extra.has("status")).then_some(status)
    }
}

/// Appends the items for what the model said and did; `ids` override those of the calls, in their order.
pub(in crate::openai_responses) fn model_items<'a>(
    parts: &'a [Part],
    ids: Vec<Cow<'a, str>>,
    own: bool,
    place: Place<'_>,
    losses: &mut Losses,
    items: &mut Vec<ItemOut<'a>>,
) -> Result<(), TranslateError> {
    let mut ids = ids.into_iter();
    // A message goes on until something else comes, or a part that begins one of its own.
    let mut goes_on = false;
    for part in parts {
        let extra = kept(part, own, place, losses)?;
        if let Some(content) = message_part(part, extra, own, place, losses) {
            let begins = extra.iter().any(|extra| extra.field.starts_with(ITEM));
            match items.last_mut() {
                Some(ItemOut::Message { content: open, .. }) if goes_on && !begins => open.push(content),
                _ => items.push(message(content, Kept::message(extra), place, items.len())),
            }
            goes_on = true;
            continue;
        }
        let position = items.len();
        let item = match &part.content {
            Content::Thinking(Thinking { text, proof }) => {
                let of_use = proof.is_some() || own || place != Place::History;
                losses.dropped_if(!of_use, "messages.content.thinking");
                let says = of_use && (own || proof.is_some() || !text.is_empty());
                says.then(|| reasoning(text, proof.as_ref(), Kept::item(extra), place, position))
            }
            Content::RedactedThinking(proof) => {
                Some(reasoning("", Some(proof), Kept::item(extra), place, position))
            }
            Content::ToolCall(call) => {
                let id = ids.next().unwrap_or(Cow::Borrowed(&call.id));
                Some(tool_call(call, id, own, Kept::item(extra), place, position))
            }
            Content::Opaque(opaque) if own => Some(ItemOut::Raw(opaque.value.as_raw())),
            Content::Opaque(opaque) => {
                losses.add(Loss::dropped(place.field(&opaque.kind)));
                None
            }
            Content::Text(_) | Content::Json(_) | Content::Refusal(_) => None,
            Content::Image(_) | Content::Document(_) | Content::Audio { .. } | Content::ToolResult(_) => {
                losses.add(Loss::dropped(place.path()));
                None
            }
        };
        goes_on &= item.is_none();
        items.extend(item);
    }
    Ok(())
}

impl Place<'_> {
    fn path(self) -> &'static str {
        if self == Self::History { "messages.content" } else { "content" }
    }

    fn field(self, name: &str) -> String {
        format!("{}.{name}", self.path())
    }
}

/// The extras to be written; those of another dialect are named.
fn kept<'a>(
    part: &'a Part,
    own: bool,
    place: Place<'_>,
    losses: &mut Losses,
) -> Result<&'a [Extra], TranslateError> {
    if own {
        return Ok(&part.extra);
    }
    if place == Place::History {
        losses.dropped_if(part.cache.is_some(), "messages.content.cache_control");
        losses.foreign("messages.content", &part.extra, DIALECT)?;
    } else {
        // An answer is never refused.
        for extra in part.extra.iter().filter(|extra| extra.weight != Weight::Trivial) {
            losses.add(Loss::dropped(place.field(&extra.field)));
        }
    }
    Ok(&[])
}

/// A part of a message of the model; `None` for what is an item of its own, or nothing.
fn message_part<'a>(
    part: &'a Part,
    extra: &'a [Extra],
    own: bool,
    place: Place<'_>,
    losses: &mut Losses,
) -> Option<PartOut<'a>> {
    let kept = Kept::part(extra);
    let in_answer = place != Place::History;
    match &part.content {
        Content::Text(text) if text.is_empty() && !own => None,
        Content::Text(text) => {
            let annotations = annotations(part, text, own, place, losses);
            Some(PartOut::output_text(text, annotations, in_answer, kept))
        }
        Content::Json(json) => Some(PartOut::output_text(json.as_str(), Vec::new(), in_answer, kept)),
        Content::Refusal(refusal) => {
            Some(PartOut::Known { content: ContentOut::Refusal { refusal }, extra: kept })
        }
        Content::Opaque(opaque) if own => {
            let is_part = extra.iter().any(|extra| extra.field == PART);
            is_part.then(|| PartOut::Raw(opaque.value.as_raw()))
        }
        Content::Opaque(Opaque { kind, text: Some(text), .. }) if place == Place::History => {
            losses.add(Loss::degraded(place.field(kind), "carried as text"));
            Some(PartOut::output_text(text, Vec::new(), false, Kept::NONE))
        }
        _ => None,
    }
}

fn annotations<'a>(
    part: &'a Part,
    text: &str,
    own: bool,
    place: Place<'_>,
    losses: &mut Losses,
) -> Vec<AnnotationOut<'a>> {
    if part.citations.is_empty() {
        return Vec::new();
    }
    let characters = text.chars().count();
    let told: Vec<_> =
        part.citations.iter().filter_map(|citation| AnnotationOut::new(citation, own, characters)).collect();
    if told.len() < part.citations.len() {
        losses.add(Loss::dropped(place.field("citations")));
    }
    told
}

fn message<'a>(content: PartOut<'a>, extra: Kept<'a>, place: Place<'_>, position: usize) -> ItemOut<'a> {
    ItemOut::Message {
        id: place.id("msg", position, extra),
        status: place.status("completed", extra),
        role: "assistant",
        content: vec![content],
        extra,
    }
}

fn reasoning<'a>(
    text: &'a str,
    proof: Option<&'a Proof>,
    extra: Kept<'a>,
    place: Place<'_>,
    position: usize,
) -> ItemOut<'a> {
    let of_proof = proof.and_then(|proof| proof.item.as_deref()).map(Cow::Borrowed);
    ItemOut::Reasoning {
        id: of_proof.or_else(|| place.id("rs", position, extra)),
        summary: (!extra.has("summary")).then(|| summary(text)),
        encrypted_content: proof.map(|proof| proof.data.as_str()),
        extra,
    }
}

/// A call under an id; its arguments lose their white space unless they are our own dialect's. Arguments that the cap cut
/// are told as incomplete.
fn tool_call<'a>(
    call: &'a ToolCall,
    call_id: Cow<'a, str>,
    own: bool,
    extra: Kept<'a>,
    place: Place<'_>,
    position: usize,
) -> ItemOut<'a> {
    // In another dialect's history the separator is a name's own.
    let namespaced = own || place != Place::History;
    let (namespace, name) = if namespaced { split_name(&call.name) } else { (None, call.name.as_str()) };
    let text = call.arguments.as_str();
    let whole = call.free_text || call.arguments.is_object();
    let wire = CallOut {
        id: place.id(if call.free_text { "ctc" } else { "fc" }, position, extra),
        status: place.status(if whole { "completed" } else { "incomplete" }, extra),
        call_id,
        name,
        namespace,
    };
    if call.free_text {
        return ItemOut::CustomToolCall { call: wire, input: text, extra };
    }
    let arguments = match text {
        _ if own => Cow::Borrowed(text),
        // Clients parse the arguments.
        "" => Cow::Borrowed("{}"),
        text => compact(text),
    };
    ItemOut::FunctionCall { call: wire, arguments, extra }
}

/// The item for what a tool gave, under the call's id.
pub(in crate::openai_responses) fn result_item<'a>(
    part: &'a Part,
    result: &'a ToolResult,
    call_id: Cow<'a, str>,
    free_text: bool,
    own: bool,
    losses: &mut Losses,
) -> Result<ItemOut<'a>, TranslateError> {
    let extra = Kept::item(kept(part, own, Place::History, losses)?);
    let mut parts = Vec::with_capacity(result.parts.len());
    for part in &result.parts {
        parts.extend(user_part(part, own, losses)?);
    }
    let output = result_out(parts, result.is_error, own, losses);
    Ok(if free_text {
        ItemOut::CustomToolCallOutput { call_id, output, extra }
    } else {
        ItemOut::FunctionCallOutput { call_id, output, extra }
    })
}

/// The answer to a call that the history leaves open.
pub(in crate::openai_responses) fn missing_result(call_id: Cow<'_, str>, free_text: bool) -> ItemOut<'_> {
    let (output, extra) = (ResultOut::Text("Error: no result".into()), Kept::NONE);
    if free_text {
        ItemOut::CustomToolCallOutput { call_id, output, extra }
    } else {
        ItemOut::FunctionCallOutput { call_id, output, extra }
    }
}

/// Texts alone are written as a text. A failure is marked in words, since there is no other mark.
fn result_out<'a>(
    mut parts: Vec<PartOut<'a>>,
    is_error: bool,
    own: bool,
    losses: &mut Losses,
) -> ResultOut<'a> {
    let texts: Option<Vec<&str>> = parts.iter().map(PartOut::as_plain_text).collect();
    let text = texts.filter(|texts| !own || texts.len() <= 1).map(|texts| texts.join("\n"));
    if is_error {
        losses.degraded("messages.content.tool_result.is_error", "marked in the text");
    }
    match text {
        Some(text) if is_error && !text.starts_with("Error") => {
            ResultOut::Text(format!("Error: {text}").into())
        }
        Some(text) => ResultOut::Text(text.into()),
        None => {
            if is_error {
                parts.insert(0, PartOut::input_text("Error:"));
            }
            ResultOut::Parts(parts)
        }
    }
}
