//! The named fields of a request, still as JSON text.

use std::fmt;

use posthaste_core::ModelName;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{EnvelopeError, conversation::Marks, span};
use crate::lenient::Text;

/// The fields that the envelope is made of. Reading them skips all others without building them.
#[derive(Default)]
pub(super) struct Fields<'a> {
    model: Once<'a>,
    stream: Once<'a>,
    max_tokens: Option<&'a RawValue>,
    max_completion_tokens: Option<&'a RawValue>,
    previous_response_id: Option<&'a RawValue>,
    stream_options: Option<&'a RawValue>,
    metadata: Option<&'a RawValue>,
    prompt_cache_key: Option<&'a RawValue>,
    cached_content: Option<&'a RawValue>,
    system: Option<&'a RawValue>,
    turns: Option<&'a RawValue>,
}

impl<'a> Fields<'a> {
    /// Reads a JSON object and nothing after it.
    pub(super) fn read(text: &'a str) -> Result<Self, EnvelopeError> {
        serde_json::from_str(text).map_err(|error| invalid_json(&error))
    }

    /// The model's name, with the JSON text that it was read from.
    pub(super) fn model(&self) -> Result<(&'a str, ModelName), EnvelopeError> {
        let raw = match self.model {
            Once::Absent => return Err(EnvelopeError::MissingModel),
            Once::Given(raw) if raw.get() == "null" => return Err(EnvelopeError::MissingModel),
            Once::Given(raw) => raw.get(),
            Once::Repeated => return Err(EnvelopeError::DuplicateModel),
        };
        // Also fails for a string that escapes half a surrogate pair, which no model's name can hold.
        let Ok(Text(name)) = serde_json::from_str(raw) else {
            return Err(EnvelopeError::InvalidField {
                field: "model",
                expected: "the model's name as a string",
            });
        };
        Ok((raw, ModelName::parse(&name)?))
    }

    /// Whether a stream is asked for. A doubled field is refused: the relay and the upstream could read it differently.
    pub(super) fn stream(&self) -> Result<bool, EnvelopeError> {
        let raw = match self.stream {
            Once::Absent => return Ok(false),
            Once::Given(raw) => raw.get(),
            Once::Repeated => "",
        };
        match raw {
            "true" => Ok(true),
            "false" | "null" => Ok(false),
            _ => Err(EnvelopeError::InvalidField { field: "stream", expected: "true or false, once" }),
        }
    }

    /// The id of an earlier answer, where it is a text.
    pub(super) fn previous_response_id(&self) -> Option<String> {
        serde_json::from_str(self.previous_response_id?.get()).ok()
    }

    /// Whether `stream_options.include_usage` is set.
    pub(super) fn include_usage(&self) -> bool {
        #[derive(Deserialize)]
        struct Options {
            #[serde(default)]
            include_usage: Option<bool>,
        }
        let read = |raw: &RawValue| serde_json::from_str::<Options>(raw.get()).ok();
        self.stream_options.and_then(read).and_then(|options| options.include_usage).unwrap_or(false)
    }

    /// Where the parts stand that tell one conversation from another.
    pub(super) fn marks(&self, text: &str) -> Marks {
        let place =
            |raw: Option<&RawValue>| raw.filter(|raw| raw.get() != "null").map(|raw| span(text, raw.get()));
        Marks {
            metadata: place(self.metadata),
            prompt_cache_key: place(self.prompt_cache_key),
            cached_content: place(self.cached_content),
            system: place(self.system),
            turns: place(self.turns),
        }
    }

    /// The cap on answer tokens, where it is a whole number.
    pub(super) fn max_tokens(&self) -> Option<u64> {
        [self.max_completion_tokens, self.max_tokens]
            .into_iter()
            .flatten()
            .find_map(|raw| raw.get().parse().ok())
    }
}

/// Says what a text is that does not begin like an object.
pub(super) fn why_no_object(text: &str) -> EnvelopeError {
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(IgnoredAny) => EnvelopeError::NotAnObject,
        Err(error) => invalid_json(&error),
    }
}

fn invalid_json(error: &serde_json::Error) -> EnvelopeError {
    let text = error.to_string();
    // serde_json ends its messages with the place, which stands in fields of its own here.
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    EnvelopeError::InvalidJson { line: error.line(), column: error.column(), reason: reason.to_owned() }
}

/// A field that may be given once.
#[derive(Clone, Copy, Default)]
enum Once<'a> {
    #[default]
    Absent,
    Given(&'a RawValue),
    Repeated,
}

impl<'a> Once<'a> {
    fn give(&mut self, raw: &'a RawValue) {
        *self = match self {
            Self::Absent => Self::Given(raw),
            Self::Given(_) | Self::Repeated => Self::Repeated,
        };
    }
}

/// The names are read by serde, so that a name written with escapes is told apart from none of the others.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Name {
    Model,
    Stream,
    MaxTokens,
    MaxCompletionTokens,
    PreviousResponseId,
    StreamOptions,
    Metadata,
    PromptCacheKey,
    #[serde(alias = "cachedContent")]
    CachedContent,
    #[serde(alias = "instructions", alias = "systemInstruction", alias = "system_instruction")]
    System,
    #[serde(rename = "messages", alias = "input", alias = "contents")]
    Turns,
    #[serde(other)]
    Other,
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields<'de>, M::Error> {
        let mut fields = Fields::default();
        while let Some(name) = map.next_key()? {
            match name {
                Name::Model => fields.model.give(map.next_value()?),
                Name::Stream => fields.stream.give(map.next_value()?),
                Name::MaxTokens => fields.max_tokens = Some(map.next_value()?),
                Name::MaxCompletionTokens => fields.max_completion_tokens = Some(map.next_value()?),
                Name::PreviousResponseId => fields.previous_response_id = Some(map.next_value()?),
                Name::StreamOptions => fields.stream_options = Some(map.next_value()?),
                Name::Metadata => fields.metadata = Some(map.next_value()?),
                Name::PromptCacheKey => fields.prompt_cache_key = Some(map.next_value()?),
                Name::CachedContent => fields.cached_content = Some(map.next_value()?),
                Name::System => fields.system = Some(map.next_value()?),
                Name::Turns => fields.turns = Some(map.next_value()?),
                Name::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(fields)
    }
}
