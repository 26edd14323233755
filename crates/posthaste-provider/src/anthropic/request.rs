//! Shaping a request.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use posthaste_core::{Operation, Payload};

use crate::{Outbound, PrepareError, auth::write_credential, headers::copy_client_headers};

pub(super) fn prepare(outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError> {
    let account = outbound.account;
    let path = match outbound.operation {
        Operation::Chat => MESSAGES,
        Operation::CountTokens => COUNT_TOKENS,
        _ => return Err(PrepareError::unsupported(outbound)),
    };
    let beta = if asks_for_beta(outbound) { "?beta=true" } else { "" };
    let mut request = http::Request::builder()
        .method(Method::POST)
        .uri([account.base_url.as_str(), path, beta].concat())
        .body(outbound.body.clone())
        .map_err(|source| PrepareError::Address { account: account.name.clone(), source })?;
    write_headers(outbound, request.headers_mut())?;
    Ok(request)
}

/// SDKs mark the use of beta features in the query, and compatible vendors may look there.
fn asks_for_beta(outbound: &Outbound<'_>) -> bool {
    !outbound.translated
        && outbound.query.is_some_and(|query| query.split('&').any(|pair| pair == "beta=true"))
}

fn write_headers(outbound: &Outbound<'_>, headers: &mut HeaderMap) -> Result<(), PrepareError> {
    headers.reserve(16);
    copy_client_headers(outbound.dialect, outbound.client_headers, headers);
    if outbound.translated {
        headers.remove(BETA);
        headers.remove(VERSION);
    }
    if !headers.contains_key(VERSION) {
        headers.insert(VERSION, DEFAULT_VERSION);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, HeaderValue::from_static(accept(outbound)));
    // Compressed answers could be neither watched nor passed on in time.
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    write_credential(outbound, headers)
}

fn accept(outbound: &Outbound<'_>) -> &'static str {
    if outbound.streamed { "text/event-stream" } else { "application/json" }
}

const MESSAGES: &str = "/v1/messages";
const COUNT_TOKENS: &str = "/v1/messages/count_tokens";
const VERSION: HeaderName = HeaderName::from_static("anthropic-version");
const BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// For clients that send none and for translated bodies: later versions refuse sampling settings, which clients of
/// other dialects send (<https://docs.anthropic.com/en/api/versioning>).
const DEFAULT_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");
