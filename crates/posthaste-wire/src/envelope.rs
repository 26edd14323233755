//! The peek: the few facts of a request that the relay needs, borrowed from the body.

mod depth;
mod error;
mod fields;

use std::ops::Range;

use bytes::Bytes;
use posthaste_core::{ModelName, Payload};

pub use self::error::EnvelopeError;
use self::fields::Fields;

/// What a request says about itself, and where its model's name stands.
///
/// The body is read once and not built: every field but the named ones is checked for JSON syntax and skipped.
/// Both dialects agree on the fields that are read here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The model that the client asks for.
    pub model: ModelName,
    /// Whether the client asks for a stream; absent and `null` mean no.
    pub stream: bool,
    /// The cap on answer tokens (`max_completion_tokens`, else `max_tokens`) where it is a whole number; any other
    /// value is left for the upstream to refuse.
    pub max_tokens: Option<u64>,
    model_span: Range<usize>,
}

impl Envelope {
    /// The deepest nesting of arrays and objects taken.
    pub const MAX_DEPTH: usize = 128;

    /// Peeks at a request's body.
    ///
    /// # Errors
    /// When the body is not one JSON object in UTF-8 nested at most [`MAX_DEPTH`](Self::MAX_DEPTH) deep, or
    /// when `model` or `stream` is not what it should be.
    pub fn peek(body: &Bytes) -> Result<Self, EnvelopeError> {
        let text = std::str::from_utf8(body)
            .map_err(|error| EnvelopeError::InvalidUtf8 { offset: error.valid_up_to() })?;
        let Some(first) = text.bytes().find(|byte| !byte.is_ascii_whitespace()) else {
            return Err(EnvelopeError::Empty);
        };
        if depth::exceeds(body, Self::MAX_DEPTH) {
            return Err(EnvelopeError::TooDeep { limit: Self::MAX_DEPTH });
        }
        if first != b'{' {
            return Err(fields::why_no_object(text));
        }
        let fields = Fields::read(text)?;
        let (raw_model, model) = fields.model()?;
        let start = raw_model.as_ptr().addr() - text.as_ptr().addr();
        Ok(Self {
            model,
            stream: fields.stream()?,
            max_tokens: fields.max_tokens(),
            model_span: start..start + raw_model.len(),
        })
    }

    /// The body with another model name spliced in: three slices, nothing but the name is copied.
    ///
    /// # Panics
    /// When `body` is shorter than the one that was peeked at.
    pub fn with_model(&self, body: &Bytes, model: &ModelName) -> Payload {
        if *model == self.model {
            return Payload::from_parts([body.clone()]);
        }
        let name = serde_json::to_vec(model).expect("a string can always be written as JSON");
        Payload::from_parts([
            body.slice(..self.model_span.start),
            Bytes::from(name),
            body.slice(self.model_span.end..),
        ])
    }
}

#[cfg(test)]
mod tests;
