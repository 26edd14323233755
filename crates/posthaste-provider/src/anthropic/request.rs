//! Shaping a request.

use http::{HeaderMap, HeaderName, HeaderValue};
use posthaste_core::{Operation, Payload};

use crate::{
    Outbound, PrepareError,
    shape::{Shape, json_or_events},
};

pub(super) fn prepare(outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError> {
    let path = match outbound.operation {
        Operation::Chat => MESSAGES,
        Operation::CountTokens => COUNT_TOKENS,
        _ => return Err(PrepareError::unsupported(outbound)),
    };
    let beta = if asks_for_beta(outbound) { "?beta=true" } else { "" };
    let shape = Shape {
        address: [outbound.address(), path, beta].concat(),
        accept: json_or_events(outbound.streamed),
        client_headers: Some(outbound.dialect),
    };
    let mut request = shape.request(outbound)?;
    write_version(outbound, request.headers_mut());
    Ok(request)
}

/// SDKs mark the use of beta features in the query, and compatible vendors may look there.
fn asks_for_beta(outbound: &Outbound<'_>) -> bool {
    !outbound.translated
        && outbound.query.is_some_and(|query| query.split('&').any(|pair| pair == "beta=true"))
}

fn write_version(outbound: &Outbound<'_>, headers: &mut HeaderMap) {
    if outbound.translated {
        headers.remove(BETA);
        headers.remove(VERSION);
    }
    if !headers.contains_key(VERSION) {
        headers.insert(VERSION, DEFAULT_VERSION);
    }
}

const MESSAGES: &str = "/v1/messages";
const COUNT_TOKENS: &str = "/v1/messages/count_tokens";
const VERSION: HeaderName = HeaderName::from_static("anthropic-version");
const BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// For clients that send none and for translated bodies: later versions refuse sampling settings, which clients of
/// other dialects send (<https://docs.anthropic.com/en/api/versioning>).
const DEFAULT_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");
