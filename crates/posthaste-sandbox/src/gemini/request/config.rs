//! `generationConfig`.

use serde_json::Value;

use super::super::{place::Place, schema};
use crate::error::ApiError;

/// How to answer.
#[derive(Default)]
pub(in crate::gemini) struct Config<'a> {
    pub(in crate::gemini) max_tokens: Option<u64>,
    pub(in crate::gemini) candidates: Option<u64>,
    pub(in crate::gemini) stops: Vec<&'a str>,
    pub(in crate::gemini) is_json: bool,
    pub(in crate::gemini) schema: Option<&'a Value>,
    pub(in crate::gemini) thinking: Option<Thinking<'a>>,
}

/// How to think.
#[derive(Clone, Copy)]
pub(in crate::gemini) struct Thinking<'a> {
    pub(in crate::gemini) include: bool,
    pub(in crate::gemini) budget: Option<i64>,
    pub(in crate::gemini) level: Option<&'a str>,
}

impl<'a> Config<'a> {
    pub(super) fn read(place: &Place<'a>) -> Result<Self, ApiError> {
        place.only(FIELDS)?;
        for name in ["temperature", "topP", "topK", "presencePenalty", "frequencyPenalty"] {
            place.optional(name, Place::number)?;
        }
        let mime = place.optional("responseMimeType", Place::text)?;
        let own_schema = place.key("responseSchema");
        if let Some(schema) = &own_schema {
            schema::check(schema)?;
        }
        let schema = place.key("responseJsonSchema");
        if own_schema.is_some() && schema.is_some() {
            return Err(ApiError::invalid(
                "Only one of response_schema and response_json_schema may be set.",
            ));
        }
        Ok(Self {
            max_tokens: place.optional("maxOutputTokens", |cap| cap.integer(1))?,
            candidates: place.optional("candidateCount", |count| count.integer(1))?,
            stops: place.items("stopSequences", Place::text)?,
            is_json: mime == Some("application/json"),
            schema: own_schema.or(schema).map(|schema| schema.value()),
            thinking: place.optional("thinkingConfig", Thinking::read)?,
        })
    }

    /// How many answers are wanted; a request without a configuration wants one.
    pub(in crate::gemini) fn answers(&self) -> u64 {
        self.candidates.unwrap_or(1)
    }
}

impl<'a> Thinking<'a> {
    fn read(place: &Place<'a>) -> Result<Self, ApiError> {
        place.only(&["includeThoughts", "thinkingBudget", "thinkingLevel"])?;
        let budget = place.key("thinkingBudget");
        let budget = budget.map(|budget| {
            budget.value().as_i64().ok_or_else(|| budget.mistyped(crate::reading::Kind::Integer))
        });
        let level = place.key("thinkingLevel");
        if let Some(level) = &level
            && !LEVELS.contains(&level.text()?.to_ascii_uppercase().as_str())
        {
            level.among(LEVELS)?;
        }
        Ok(Self {
            include: place.optional("includeThoughts", Place::boolean)?.unwrap_or(false),
            budget: budget.transpose()?,
            level: level.map(|level| level.text()).transpose()?,
        })
    }
}

const LEVELS: &[&str] = &["THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"];
const FIELDS: &[&str] = &[
    "audioTimestamp",
    "audioTranscriptionConfig",
    "candidateCount",
    "enableAffectiveDialog",
    "enableEnhancedCivicAnswers",
    "frequencyPenalty",
    "imageConfig",
    "logprobs",
    "maxOutputTokens",
    "mediaResolution",
    "modelSelectionConfig",
    "presencePenalty",
    "responseFormat",
    "responseJsonSchema",
    "responseLogprobs",
    "responseMimeType",
    "responseModalities",
    "responseSchema",
    "routingConfig",
    "seed",
    "speechConfig",
    "stopSequences",
    "temperature",
    "thinkingConfig",
    "topK",
    "topP",
    "translationConfig",
];
