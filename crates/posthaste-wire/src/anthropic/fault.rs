//! The relay's errors as Anthropic writes them: `{"type":"error","error":{"type","message"},"request_id"}`
//! (<https://platform.claude.com/docs/en/api/errors>).

use posthaste_core::{Fault, FaultKind, RequestId};
use serde::Serialize;

use crate::{fault::to_json, sse::write_frame};

/// The status and `error.type` of each kind.
pub(crate) const fn row(kind: FaultKind) -> (u16, &'static str) {
    match kind {
        FaultKind::InvalidRequest => (400, "invalid_request_error"),
        FaultKind::Unauthenticated => (401, "authentication_error"),
        FaultKind::PermissionDenied => (403, "permission_error"),
        FaultKind::NotFound | FaultKind::AnswerNotFound => (404, "not_found_error"),
        FaultKind::MethodNotAllowed => (405, "invalid_request_error"),
        FaultKind::TooLarge => (413, "request_too_large"),
        FaultKind::UnsupportedEncoding => (415, "invalid_request_error"),
        FaultKind::RateLimited => (429, "rate_limit_error"),
        FaultKind::QuotaExhausted => (402, "billing_error"),
        FaultKind::Overloaded => (529, "overloaded_error"),
        FaultKind::UpstreamFailed => (502, "api_error"),
        FaultKind::Timeout => (504, "timeout_error"),
        FaultKind::Cancelled => (499, "api_error"),
        FaultKind::Internal => (500, "api_error"),
    }
}

/// The HTTP status of a kind.
pub(crate) const fn status(kind: FaultKind) -> u16 {
    row(kind).0
}

/// The error body.
pub(crate) fn body(fault: &Fault, request_id: RequestId) -> Vec<u8> {
    to_json(&Body {
        kind: "error",
        error: Detail { kind: row(fault.kind).1, message: &fault.message },
        request_id: request_id.to_string(),
    })
}

/// The `error` event, after which a stream ends without `message_stop`.
pub(crate) fn event(fault: &Fault, request_id: RequestId) -> Vec<u8> {
    let mut frame = Vec::new();
    write_frame(&mut frame, Some("error"), &body(fault, request_id));
    frame
}

/// The vendor's own keep-alive event, which may stand anywhere between events.
pub(crate) const KEEP_ALIVE: &[u8] = b"event: ping\ndata: {\"type\": \"ping\"}\n\n";

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    error: Detail<'a>,
    request_id: String,
}

#[derive(Serialize)]
struct Detail<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: &'a str,
}
