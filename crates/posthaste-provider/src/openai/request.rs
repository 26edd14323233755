//! Shaping a request.

use http::Method;
use posthaste_core::{Dialect, Operation, Payload};

use crate::{
    Outbound, PrepareError,
    auth::{write_content_headers, write_credential},
    headers::copy_client_headers,
};

/// The request for an API whose paths begin behind `base`.
pub(crate) fn prepare_at(
    outbound: &Outbound<'_>,
    base: &str,
) -> Result<http::Request<Payload>, PrepareError> {
    let path =
        path(outbound.operation, outbound.dialect).ok_or_else(|| PrepareError::unsupported(outbound))?;
    let account = outbound.account;
    let mut request = http::Request::builder()
        .method(Method::POST)
        .uri([base, path].concat())
        .body(outbound.body.clone())
        .map_err(|source| PrepareError::Address { account: account.name.clone(), source })?;
    let headers = request.headers_mut();
    headers.reserve(16);
    if !outbound.translated {
        copy_client_headers(outbound.dialect, outbound.client_headers, headers);
    }
    write_content_headers(if outbound.streamed { "text/event-stream" } else { "application/json" }, headers);
    write_credential(outbound, headers)?;
    Ok(request)
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
