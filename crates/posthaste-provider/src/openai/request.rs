//! Shaping a request.

use posthaste_core::{Dialect, Operation, Payload};

use crate::{
    Outbound, PrepareError,
    shape::{Shape, json_or_events},
};

/// The request for an API whose paths begin behind `base`.
pub(crate) fn prepare_at(
    outbound: &Outbound<'_>,
    base: &str,
) -> Result<http::Request<Payload>, PrepareError> {
    let path =
        path(outbound.operation, outbound.dialect).ok_or_else(|| PrepareError::unsupported(outbound))?;
    Shape::of(outbound, [base, path].concat(), json_or_events(outbound.streamed)).request(outbound)
}

/// Where an operation stands behind the base URL.
pub(crate) const fn path(operation: Operation, dialect: Dialect) -> Option<&'static str> {
    match (operation, dialect) {
        (Operation::Chat, Dialect::OpenAiChat) => Some("/chat/completions"),
        (Operation::Chat, Dialect::OpenAiResponses) => Some("/responses"),
        (Operation::CountTokens, Dialect::OpenAiResponses) => Some("/responses/input_tokens"),
        (Operation::Compact, Dialect::OpenAiResponses) => Some("/responses/compact"),
        (Operation::Embeddings, Dialect::OpenAiChat) => Some("/embeddings"),
        (Operation::Images, Dialect::OpenAiChat) => Some("/images/generations"),
        (Operation::Completions, Dialect::OpenAiChat) => Some("/completions"),
        _ => None,
    }
}
