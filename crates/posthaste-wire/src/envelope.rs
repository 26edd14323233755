//! The peek: the few facts of a request that the relay needs, borrowed from the body.

mod conversation;
mod error;
mod fields;
mod scan;

use std::ops::Range;

use bytes::Bytes;
use posthaste_core::{ModelName, Payload};

pub use self::{conversation::Conversation, error::EnvelopeError};
use self::{conversation::Marks, fields::Fields};

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
    /// The answer that a request of Responses goes on from.
    pub previous_response_id: Option<String>,
    /// Whether a stream of Chat Completions shall tell its token counts.
    pub include_usage: bool,
    /// Where the model's name stands; none where the path names it and the body does not.
    model_span: Option<Range<usize>>,
    marks: Marks,
    sealed: bool,
    /// Whether the path named the model; what the body says then counts for nothing.
    by_path: bool,
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
        let (text, fields) = Self::fields(body)?;
        let (raw_model, model) = fields.model()?;
        Ok(Self {
            model,
            stream: fields.stream()?,
            max_tokens: fields.max_tokens(),
            previous_response_id: fields.previous_response_id(),
            include_usage: fields.include_usage(),
            model_span: Some(span(text, raw_model)),
            marks: fields.marks(text),
            sealed: fields.is_sealed(),
            by_path: false,
        })
    }

    /// Peeks at a body whose model and wish for a stream stand in the path.
    ///
    /// # Errors
    /// When the body is not one JSON object in UTF-8 nested at most [`MAX_DEPTH`](Self::MAX_DEPTH) deep.
    pub fn peek_named(body: &Bytes, model: ModelName, stream: Option<bool>) -> Result<Self, EnvelopeError> {
        let (text, fields) = Self::fields(body)?;
        Ok(Self {
            model,
            stream: match stream {
                Some(stream) => stream,
                None => fields.stream()?,
            },
            max_tokens: fields.max_tokens(),
            previous_response_id: fields.previous_response_id(),
            include_usage: fields.include_usage(),
            model_span: fields.model().ok().map(|(raw, _)| span(text, raw)),
            marks: fields.marks(text),
            sealed: fields.is_sealed(),
            by_path: true,
        })
    }

    /// What a request would say of itself that has no body: one that is only imagined.
    pub fn imagined(model: ModelName, stream: bool, max_tokens: Option<u64>) -> Self {
        Self {
            model,
            stream,
            max_tokens,
            previous_response_id: None,
            include_usage: false,
            model_span: None,
            marks: Marks::default(),
            sealed: false,
            by_path: true,
        }
    }

    fn fields(body: &Bytes) -> Result<(&str, Fields<'_>), EnvelopeError> {
        let text = std::str::from_utf8(body)
            .map_err(|error| EnvelopeError::InvalidUtf8 { offset: error.valid_up_to() })?;
        if text.trim_ascii().is_empty() {
            return Err(EnvelopeError::Empty);
        }
        Ok((text, Fields::read(text, Self::MAX_DEPTH)?))
    }

    /// What tells the request's conversation from others; `None` where the request holds no conversation.
    ///
    /// # Panics
    /// When `body` is shorter than the one that was peeked at.
    pub fn conversation<'a>(&self, body: &'a Bytes) -> Option<Conversation<'a>> {
        self.marks.conversation(body)
    }

    /// Whether the request carries what only its maker can read: thoughts under a signature, or encrypted ones.
    pub fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// The body with another model name spliced in: three slices, nothing but the name is copied. Where the path names the
    /// model, one in the body, which then says nothing, gives way all the same, and one that is missing is put in.
    ///
    /// # Panics
    /// When `body` is shorter than the one that was peeked at.
    pub fn with_model(&self, body: &Bytes, model: &ModelName) -> Payload {
        let name = || Bytes::from(serde_json::to_vec(model).expect("a string can always be written as JSON"));
        match &self.model_span {
            Some(_) if *model == self.model && !self.by_path => Payload::from_parts([body.clone()]),
            Some(span) => Payload::from_parts([body.slice(..span.start), name(), body.slice(span.end..)]),
            None => {
                let start = body.iter().position(|byte| *byte == b'{').map_or(0, |brace| brace + 1);
                let is_empty = body[start..].trim_ascii_start().starts_with(b"}");
                let comma: &[u8] = if is_empty { b"" } else { b"," };
                let member = [b"\"model\":", &name()[..], comma].concat();
                Payload::from_parts([body.slice(..start), Bytes::from(member), body.slice(start..)])
            }
        }
    }
}

/// Where a part of a text stands in it.
fn span(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    start..start + part.len()
}

#[cfg(test)]
mod tests;
