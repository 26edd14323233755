//! The neutral form to a body.

use std::borrow::Cow;

use posthaste_core::Usage;
use serde::Serialize;
use serde_json::value::RawValue;

use super::stop::finish_reason;
use crate::{
    Encoded, Loss, StreamContext, TranslateError,
    gemini::{
        DIALECT,
        extras::{At, OTHER_CANDIDATES},
        grounding::MetadataOut,
        part::{Origin, PartOut, part_out, signature},
    },
    ir::{Content, Extra, Part, Response, ServiceTier, StopReason, ToolCall},
    json,
    loss::Losses,
};

/// Writes an answer. Thoughts are shown to those who asked for them; their proofs go to all.
pub(in crate::gemini) fn encode_response(
    response: &Response,
    context: &StreamContext,
) -> Result<Encoded, TranslateError> {
    let mut losses = Losses::default();
    let own = response.dialect == DIALECT;
    if !own {
        losses.foreign("", &response.extra, DIALECT)?;
    }
    let extras: &[Extra] = if own { &response.extra } else { &[] };
    let (top, inner) = (At { home: "", extras }, At { home: "candidates.", extras });
    let mut parts = Parts {
        response,
        own,
        include_thoughts: context.include_thoughts,
        parts: Vec::new(),
        pending: None,
        grounding: MetadataOut::default(),
    };
    for part in &response.parts {
        parts.part(part, &mut losses);
    }
    parts.hold(None);
    let Parts { parts, grounding, .. } = parts;
    let refuses = response.parts.iter().any(|part| matches!(part.content, Content::Refusal(_)));
    let candidate = CandidateOut {
        content: (!parts.is_empty()).then_some(ContentOut { parts, role: "model" }),
        finish_reason: finish_reason(&response.stop, refuses, &mut losses),
        finish_message: response.stop.explanation.as_deref(),
        index: 0,
        grounding_metadata: Some(grounding)
            .filter(|grounding| !grounding.is_empty() && !inner.has("groundingMetadata")),
        extra: inner,
    };
    // A prompt that was blocked has its reason among the extras.
    let is_blocked = top.has("promptFeedback") && candidate.content.is_none();
    let wire = ResponseOut {
        candidates: (!is_blocked).then(|| with_others(candidate, extras)),
        usage_metadata: UsageOut::new(&response.usage, response.service_tier.as_ref()),
        model_version: &response.model,
        response_id: &response.id,
        extra: top,
    };
    let mut body = Vec::with_capacity(512);
    json::write(&mut body, &wire);
    Ok(Encoded { body: body.into(), losses: losses.into_vec() })
}

/// The candidate, and the others as they came.
fn with_others<'a>(candidate: CandidateOut<'a>, extras: &'a [Extra]) -> Vec<AnyCandidateOut<'a>> {
    let others = extras.iter().find(|extra| extra.field == OTHER_CANDIDATES);
    let others = others.and_then(|others| serde_json::from_str::<Vec<&RawValue>>(others.value.as_str()).ok());
    let mut all = vec![AnyCandidateOut::First(Box::new(candidate))];
    all.extend(others.unwrap_or_default().into_iter().map(AnyCandidateOut::Other));
    all
}

#[derive(Serialize)]
#[serde(untagged)]
enum AnyCandidateOut<'a> {
    First(Box<CandidateOut<'a>>),
    Other(&'a RawValue),
}

/// The parts of an answer on their way.
struct Parts<'a> {
    response: &'a Response,
    own: bool,
    include_thoughts: bool,
    parts: Vec<PartOut<'a>>,
    /// The signature of thoughts, on its way to the part that they led to.
    pending: Option<&'a str>,
    grounding: MetadataOut,
}

impl<'a> Parts<'a> {
    /// What cannot be shown is left out and named: an answer is never refused for it.
    fn part(&mut self, part: &'a Part, losses: &mut Losses) {
        let origin = Origin { dialect: self.response.dialect, media_in_results: true };
        match &part.content {
            Content::Thinking(thinking) => {
                let proof = thinking.proof.as_ref().map(signature);
                let shown = self.include_thoughts && !thinking.text.is_empty();
                if self.own && shown {
                    return self.parts.push(PartOut::thought(&thinking.text, proof));
                }
                if shown {
                    self.parts.push(PartOut::thought(&thinking.text, None));
                }
                if proof.is_some() {
                    self.hold(proof);
                }
            }
            Content::RedactedThinking(proof) => self.hold(Some(signature(proof))),
            Content::ToolCall(call) => self.call(call, losses),
            _ => {
                let written = match part_out(part, origin, losses) {
                    Err(TranslateError::Inexpressible { field, .. }) => {
                        return losses.add(Loss::dropped(field));
                    }
                    written => written.ok().flatten(),
                };
                let Some(mut wire) = written else { return };
                self.cite(part, losses);
                if part.proof.is_none()
                    && let Some(signature) = self.pending.take()
                {
                    wire.sign(signature);
                }
                self.parts.push(wire);
            }
        }
    }

    fn call(&mut self, call: &'a ToolCall, losses: &mut Losses) {
        // A call that the cap cut in the middle is no call: nobody could run it.
        if self.response.stop.reason == StopReason::MaxTokens && !call.arguments.is_object() {
            return losses.degraded("content.tool_calls", "left out a call that the cap cut");
        }
        let own = call.proof.as_ref().map(signature);
        if own.is_some() {
            self.hold(None);
        }
        let signature = own.or_else(|| self.pending.take());
        self.parts.push(PartOut::call(call, Some(Cow::Borrowed(&call.id)), signature));
    }

    /// Two signatures have two places: the first one gets an empty text of its own.
    fn hold(&mut self, signature: Option<&'a str>) {
        if let Some(earlier) = std::mem::replace(&mut self.pending, signature) {
            let mut nothing = PartOut::text("");
            nothing.sign(earlier);
            self.parts.push(nothing);
        }
    }

    fn cite(&mut self, part: &Part, losses: &mut Losses) {
        let Content::Text(text) = &part.content else { return };
        for citation in &part.citations {
            let whole = (0, text.len());
            let bytes = citation
                .span
                .map_or(Some(whole), |(start, end)| Some((byte(text, start)?, byte(text, end)?)));
            let (start, end) = bytes.filter(|(start, end)| start <= end).unwrap_or(whole);
            if !self.grounding.add(citation, self.parts.len(), (start, end), &text[start..end]) {
                losses.dropped("content.citations");
            }
        }
    }
}

/// The byte at which a character begins, or the text's end.
fn byte(text: &str, character: usize) -> Option<usize> {
    let ends = text.char_indices().map(|(byte, _)| byte).chain([text.len()]);
    ends.into_iter().nth(character)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    candidates: Option<Vec<AnyCandidateOut<'a>>>,
    usage_metadata: UsageOut<'a>,
    model_version: &'a str,
    response_id: &'a str,
    #[serde(flatten)]
    extra: At<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CandidateOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<ContentOut<'a>>,
    finish_reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_message: Option<&'a str>,
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    grounding_metadata: Option<MetadataOut>,
    #[serde(flatten)]
    extra: At<'a>,
}

#[derive(Serialize)]
struct ContentOut<'a> {
    parts: Vec<PartOut<'a>>,
    role: &'static str,
}

/// Token counts as they are written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::gemini) struct UsageOut<'a> {
    prompt_token_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cached_content_token_count: u64,
    candidates_token_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    thoughts_token_count: u64,
    total_token_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl<'a> UsageOut<'a> {
    /// The counts, and the tier, which stands among them.
    pub(in crate::gemini) fn new(usage: &Usage, tier: Option<&'a ServiceTier>) -> Self {
        Self {
            prompt_token_count: usage.prompt(),
            cached_content_token_count: usage.cache_read,
            candidates_token_count: usage.output.saturating_sub(usage.reasoning),
            thoughts_token_count: usage.reasoning,
            total_token_count: usage.total(),
            service_tier: tier.map(|tier| match tier {
                ServiceTier::Auto | ServiceTier::Standard => "standard",
                ServiceTier::Other(name) => name,
            }),
        }
    }
}
