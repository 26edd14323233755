//! The relay's errors as OpenAI writes them: `{"error":{"message","type","param","code"}}`
//! (<https://platform.openai.com/docs/guides/error-codes>).

use posthaste_core::{Fault, FaultKind};
use serde::Serialize;

use crate::{fault::to_json, sse::write_frame};

/// The status, `error.type` and `error.code` of each kind. Clients stop asking at `insufficient_quota`.
pub(crate) const fn row(kind: FaultKind) -> (u16, &'static str, Option<&'static str>) {
    match kind {
        FaultKind::InvalidRequest => (400, "invalid_request_error", None),
        FaultKind::Unauthenticated => (401, "invalid_request_error", Some("invalid_api_key")),
        FaultKind::PermissionDenied => (403, "invalid_request_error", Some("permission_denied")),
        FaultKind::NotFound => (404, "invalid_request_error", Some("not_found")),
        // 400, not 404: Codex and the SDKs send the whole conversation then.
        FaultKind::AnswerNotFound => (400, "invalid_request_error", Some("previous_response_not_found")),
        FaultKind::MethodNotAllowed => (405, "invalid_request_error", Some("method_not_supported")),
        FaultKind::TooLarge => (413, "invalid_request_error", Some("request_too_large")),
        FaultKind::UnsupportedEncoding => (415, "invalid_request_error", Some("unsupported_encoding")),
        FaultKind::RateLimited => (429, "rate_limit_error", Some("rate_limit_exceeded")),
        FaultKind::QuotaExhausted => (429, "insufficient_quota", Some("insufficient_quota")),
        FaultKind::Overloaded => (503, "service_unavailable_error", Some("server_is_overloaded")),
        FaultKind::UpstreamFailed => (502, "server_error", Some("upstream_failed")),
        FaultKind::Timeout => (504, "server_error", Some("timeout")),
        FaultKind::Cancelled => (499, "server_error", Some("cancelled")),
        FaultKind::Internal => (500, "server_error", None),
    }
}

/// The HTTP status of a kind.
pub(crate) const fn status(kind: FaultKind) -> u16 {
    row(kind).0
}

/// The error body. The request's id has no place in it; it travels in a header.
pub(crate) fn body(fault: &Fault) -> Vec<u8> {
    let (_, kind, code) = row(fault.kind);
    to_json(&Body { error: Detail { message: &fault.message, kind, param: None, code } })
}

/// The error line, after which a stream ends without `[DONE]`.
pub(crate) fn event(fault: &Fault) -> Vec<u8> {
    let mut frame = Vec::new();
    write_frame(&mut frame, None, &body(fault));
    frame
}

/// A comment, which every event-stream reader passes over.
pub(crate) const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

#[derive(Serialize)]
struct Body<'a> {
    error: Detail<'a>,
}

#[derive(Serialize)]
struct Detail<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<&'static str>,
    code: Option<&'static str>,
}
