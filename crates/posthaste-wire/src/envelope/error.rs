//! Why a body cannot be a request.

use posthaste_core::{Fault, ModelNameError};

/// Why a request's body is refused before it is looked at any further.
///
/// The messages are meant for the client: they say what to do, and quote nothing of the body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// There is nothing in it.
    #[error("the request body is empty: send one JSON object")]
    Empty,
    /// It is not UTF-8 text.
    #[error("the request body is not valid UTF-8 (byte {offset}): encode the JSON text as UTF-8")]
    InvalidUtf8 {
        /// How many bytes were valid.
        offset: usize,
    },
    /// It is not JSON, or goes on after the JSON.
    #[error(
        "the request body is not valid JSON (line {line}, column {column}: {reason}): send one JSON object"
    )]
    InvalidJson {
        /// The line, from 1.
        line: usize,
        /// The column in bytes, from 1; 0 at the start of a line.
        column: usize,
        /// What is wrong there.
        reason: String,
    },
    /// Arrays and objects nest too deep.
    #[error("the request body nests deeper than {limit} levels: send flatter JSON")]
    TooDeep {
        /// The deepest nesting taken.
        limit: usize,
    },
    /// It is JSON, but not an object.
    #[error("the request body is not a JSON object: send one object such as {{\"model\": \"...\", ...}}")]
    NotAnObject,
    /// `model` is absent or `null`.
    #[error("`model` is missing: name the model, e.g. \"model\": \"claude-sonnet-4-6\"")]
    MissingModel,
    /// `model` is a text that names no model.
    #[error("`model` cannot be used: {0}; name the model, e.g. \"model\": \"claude-sonnet-4-6\"")]
    InvalidModel(#[from] ModelNameError),
    /// `model` is there more than once, so readers could disagree about it.
    #[error("`model` is given more than once: name one model")]
    DuplicateModel,
    /// A field is not what it should be.
    #[error("`{field}` is not valid: send {expected}")]
    InvalidField {
        /// The field's name.
        field: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
}

impl From<EnvelopeError> for Fault {
    fn from(error: EnvelopeError) -> Self {
        Self::invalid_request(error.to_string()).caused_by(error)
    }
}
