//! A body to the neutral form.

use posthaste_core::Usage;
use posthaste_wire::{spoiled, usage::GeminiUsage};
use serde::de::Error;
use serde_json::value::RawValue;

use super::stop::stop;
use crate::{
    TranslateError,
    gemini::{
        DIALECT,
        extras::{OTHER_CANDIDATES, extras, kept},
        grounding::{cite, supports},
        ids::Ids,
        part::part,
        spelling::{List, Whole},
    },
    ir::{Content, Extra, Json, Part, Response, ServiceTier, Stop, StopReason, Weight},
    json::{self, Str, at, wire_object},
};

/// Reads an answer.
pub(in crate::gemini) fn decode_response(body: &[u8]) -> Result<Response, TranslateError> {
    let unreadable = |source| TranslateError::unreadable(DIALECT, source);
    json::read::<ResponseIn<'_>>(body).and_then(response).map_err(unreadable)
}

wire_object! {
    /// An answer, or a chunk of a stream, which has the same form.
    struct ResponseFieldsIn<'a> {
        candidates: Option<Vec<CandidateIn<'a>>> = "candidates",
        prompt_feedback: Option<&'a RawValue> = "promptFeedback" | "prompt_feedback",
        usage: Option<&'a RawValue> = "usageMetadata" | "usage_metadata",
        model_version: Option<Str<'a>> = "modelVersion" | "model_version",
        response_id: Option<Str<'a>> = "responseId" | "response_id",
        error: Option<&'a RawValue> = "error",
    }
}

wire_object! {
    struct CandidateFieldsIn<'a> {
        index: Option<Whole> = "index",
        content: Option<ContentIn<'a>> = "content",
        finish_reason: Option<Str<'a>> = "finishReason" | "finish_reason",
        finish_message: Option<Str<'a>> = "finishMessage" | "finish_message",
        grounding: Option<&'a RawValue> = "groundingMetadata" | "grounding_metadata",
    }
}

wire_object! {
    struct ContentIn<'a> {
        parts: List<'a> = "parts",
    }
}

/// An answer as it came.
#[derive(Debug)]
pub(in crate::gemini) struct ResponseIn<'a> {
    pub(in crate::gemini) candidates: Option<Vec<CandidateIn<'a>>>,
    pub(in crate::gemini) prompt_feedback: Option<&'a RawValue>,
    pub(in crate::gemini) usage: Option<&'a RawValue>,
    pub(in crate::gemini) model_version: String,
    pub(in crate::gemini) response_id: String,
    pub(in crate::gemini) is_error: bool,
    rest: json::Rest<'a>,
}

impl<'de: 'a, 'a> serde::Deserialize<'de> for ResponseIn<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = ResponseFieldsIn::deserialize(deserializer)?;
        let text = |text: Option<Str<'_>>| text.map(Str::into_string).unwrap_or_default();
        Ok(Self {
            candidates: wire.candidates,
            prompt_feedback: wire.prompt_feedback,
            usage: wire.usage,
            model_version: text(wire.model_version),
            response_id: text(wire.response_id),
            is_error: wire.error.is_some(),
            rest: wire.rest,
        })
    }
}

/// One of the answers.
#[derive(Debug)]
pub(in crate::gemini) struct CandidateIn<'a> {
    pub(in crate::gemini) index: i64,
    pub(in crate::gemini) parts: List<'a>,
    pub(in crate::gemini) finish_reason: Option<String>,
    pub(in crate::gemini) finish_message: Option<String>,
    pub(in crate::gemini) grounding: Option<&'a RawValue>,
    rest: json::Rest<'a>,
    raw: &'a RawValue,
}

impl<'de: 'a, 'a> serde::Deserialize<'de> for CandidateIn<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let wire: CandidateFieldsIn<'_> = serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
        let reason = wire.finish_reason.filter(|reason| !reason.is_empty());
        Ok(Self {
            index: wire.index.map_or(0, Whole::signed),
            parts: wire.content.unwrap_or_default().parts,
            finish_reason: reason.map(|reason| reason.to_ascii_uppercase()),
            finish_message: wire.finish_message.map(Str::into_string),
            grounding: wire.grounding,
            rest: wire.rest,
            raw,
        })
    }
}

type Read<T> = Result<T, serde_json::Error>;

fn response(wire: ResponseIn<'_>) -> Read<Response> {
    if wire.is_error {
        return Err(Error::custom("an error"));
    }
    let (usage, service_tier) = wire.usage.map(usage).unwrap_or_default();
    let mut response = Response {
        dialect: DIALECT,
        model: wire.model_version,
        created: 0,
        parts: Vec::new(),
        stop: Stop::new(StopReason::EndTurn),
        usage,
        service_tier,
        extra: extras("", wire.rest, |field, _| match field {
            "createTime" => Weight::Trivial,
            _ => Weight::Hint,
        }),
        id: wire.response_id,
    };
    let (first, others): (Vec<_>, Vec<_>) =
        wire.candidates.unwrap_or_default().into_iter().partition(|candidate| candidate.index == 0);
    match (first.into_iter().next(), wire.prompt_feedback) {
        (Some(candidate), _) => candidate_into(candidate, &mut response)?,
        (None, Some(feedback)) => {
            response.stop = blocked(feedback).ok_or_else(|| Error::custom("candidates: none"))?;
            response.extra.push(kept("promptFeedback", Json::from(feedback)));
        }
        (None, None) => return Err(Error::custom("candidates: none")),
    }
    if !others.is_empty() {
        let others: Vec<_> = others.iter().map(|candidate| candidate.raw.get()).collect();
        let value = Json::parse(&format!("[{}]", others.join(",")))?;
        response.extra.push(Extra { field: OTHER_CANDIDATES.to_owned(), value, weight: Weight::Hint });
    }
    response.stop.reason = response.stop_reason();
    Ok(response)
}

fn candidate_into(candidate: CandidateIn<'_>, response: &mut Response) -> Read<()> {
    let word = candidate.finish_reason.ok_or_else(|| Error::custom("candidates: finishReason: missing"))?;
    if spoiled(DIALECT, &word).is_some() {
        return Err(Error::custom(format_args!("candidates: finishReason: {word}")));
    }
    response.stop = stop(&word, candidate.finish_message);
    let mut ids = Ids::of_answer();
    let mut places = Vec::with_capacity(candidate.parts.0.len());
    for raw in candidate.parts.0 {
        let part = part(raw, &mut ids).map_err(|error| at("candidates: content", error))?;
        places.push(says_something(&part).then_some(response.parts.len()));
        response.parts.extend(Some(part).filter(says_something));
    }
    if let Some(raw) = candidate.grounding {
        let supports = supports(raw);
        // What stands there beside the sources is for showing a search box.
        response.extra.push(kept("candidates.groundingMetadata", Json::from(raw)));
        cite(&mut response.parts, &places, supports);
    }
    response.extra.extend(extras("candidates.", candidate.rest, |field, _| match field {
        "avgLogprobs" | "tokenCount" => Weight::Trivial,
        _ => Weight::Hint,
    }));
    Ok(())
}

/// Whether a part is more than an empty text: chunks and answers may end with one.
fn says_something(part: &Part) -> bool {
    !matches!(&part.content, Content::Text(text) if text.is_empty() && part.proof.is_none())
}

/// Why a prompt got no answer at all; `None` where the feedback does not say that it was blocked.
pub(in crate::gemini) fn blocked(feedback: &RawValue) -> Option<Stop> {
    wire_object! {
        struct FeedbackIn<'a> {
            reason: Option<Str<'a>> = "blockReason" | "block_reason",
            message: Option<Str<'a>> = "blockReasonMessage" | "block_reason_message",
        }
    }
    let wire: FeedbackIn<'_> = json::read(feedback.get().as_bytes()).ok()?;
    let category = wire.reason.filter(|reason| !reason.is_empty())?.into_string();
    let explanation = wire.message.map(Str::into_string);
    Some(Stop { category: Some(category), explanation, ..Stop::new(StopReason::Refusal) })
}

/// The counts and the tier, which stands among them.
fn usage(raw: &RawValue) -> (Usage, Option<ServiceTier>) {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct TierIn<'a> {
        #[serde(borrow)]
        service_tier: Option<Str<'a>>,
    }
    let usage = serde_json::from_str::<GeminiUsage>(raw.get()).map(GeminiUsage::to_usage);
    let tier = serde_json::from_str::<TierIn<'_>>(raw.get()).ok().and_then(|usage| usage.service_tier);
    let tier = tier.map(|tier| match tier.to_ascii_lowercase().as_str() {
        "standard" => ServiceTier::Standard,
        other => ServiceTier::Other(other.to_owned()),
    });
    (usage.unwrap_or_default(), tier)
}
