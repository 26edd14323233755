//! The named fields of a request, still as JSON text.

use std::collections::HashMap;

use posthaste_core::ModelName;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::error::Category;

use super::{
    EnvelopeError,
    conversation::Marks,
    scan::{Scan, Stop},
    span,
};
use crate::lenient::Text;

/// The fields that the envelope is made of. Reading them skips all others.
#[derive(Default)]
pub(super) struct Fields<'a> {
    model: Once<'a>,
    stream: Once<'a>,
    max_tokens: Option<&'a str>,
    max_completion_tokens: Option<&'a str>,
    previous_response_id: Option<&'a str>,
    stream_options: Option<&'a str>,
    metadata: Option<&'a str>,
    prompt_cache_key: Option<&'a str>,
    cached_content: Option<&'a str>,
    system: Option<&'a str>,
    turns: Option<&'a str>,
    sealed: bool,
}

impl<'a> Fields<'a> {
    /// Reads a JSON object and nothing after it, nested `most_levels` deep at most.
    pub(super) fn read(text: &'a str, most_levels: usize) -> Result<Self, EnvelopeError> {
        let mut fields = Self::default();
        let mut scan = Scan::new(text, most_levels);
        match scan.members(|name, value| fields.give(name, value)) {
            Ok(()) => Ok(Self { sealed: scan.is_sealed(), ..fields }),
            Err(Stop::TooDeep) => Err(EnvelopeError::TooDeep { limit: most_levels }),
            Err(Stop::NotJson) => Err(why_no_object(text)),
        }
    }

    /// Whether there is something that only its maker can read.
    pub(super) fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// The model's name, with the JSON text that it was read from.
    pub(super) fn model(&self) -> Result<(&'a str, ModelName), EnvelopeError> {
        let raw = match self.model {
            Once::Absent => return Err(EnvelopeError::MissingModel),
            Once::Given("null") => return Err(EnvelopeError::MissingModel),
            Once::Given(raw) => raw,
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
            Once::Given(raw) => raw,
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
        serde_json::from_str(self.previous_response_id?).ok()
    }

    /// Whether `stream_options.include_usage` is set.
    pub(super) fn include_usage(&self) -> bool {
        #[derive(Deserialize)]
        struct Options {
            #[serde(default)]
            include_usage: Option<bool>,
        }
        let read = |raw: &str| serde_json::from_str::<Options>(raw).ok();
        self.stream_options.and_then(read).and_then(|options| options.include_usage).unwrap_or(false)
    }

    /// Where the parts stand that tell one conversation from another.
    pub(super) fn marks(&self, text: &str) -> Marks {
        let place = |raw: Option<&str>| raw.filter(|raw| *raw != "null").map(|raw| span(text, raw));
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
        [self.max_completion_tokens, self.max_tokens].into_iter().flatten().find_map(|raw| raw.parse().ok())
    }
}

/// Says why a text is no object.
fn why_no_object(text: &str) -> EnvelopeError {
    // Names have to be whole texts, which values that are skipped need not be.
    let error = match serde_json::from_str::<HashMap<String, IgnoredAny>>(text) {
        Err(error) => error,
        Ok(_) => return EnvelopeError::NotAnObject,
    };
    match error.classify() {
        Category::Data => match serde_json::from_str::<IgnoredAny>(text) {
            Ok(IgnoredAny) => EnvelopeError::NotAnObject,
            Err(error) => invalid_json(&error),
        },
        _ => invalid_json(&error),
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
    Given(&'a str),
    Repeated,
}

impl<'a> Once<'a> {
    fn give(&mut self, raw: &'a str) {
        *self = match self {
            Self::Absent => Self::Given(raw),
            Self::Given(_) | Self::Repeated => Self::Repeated,
        };
    }
}

impl<'a> Fields<'a> {
    fn give(&mut self, name: &str, value: &'a str) {
        match name {
            "model" => self.model.give(value),
            "stream" => self.stream.give(value),
            "max_tokens" => self.max_tokens = Some(value),
            "max_completion_tokens" => self.max_completion_tokens = Some(value),
            "previous_response_id" => self.previous_response_id = Some(value),
            "stream_options" => self.stream_options = Some(value),
            "metadata" => self.metadata = Some(value),
            "prompt_cache_key" => self.prompt_cache_key = Some(value),
            "cached_content" | "cachedContent" => self.cached_content = Some(value),
            "system" | "instructions" | "systemInstruction" | "system_instruction" => {
                self.system = Some(value);
            }
            "messages" | "input" | "contents" => self.turns = Some(value),
            _ => {}
        }
    }
}
