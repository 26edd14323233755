//! The relay's errors as Google writes them: `{"error":{"code","message","status","details"}}`
//! (<https://cloud.google.com/apis/design/errors>; the names are those of `google.rpc.Code`).

use std::time::Duration;

use posthaste_core::{Fault, FaultKind};
use serde::{Serialize, Serializer};

use crate::{fault::to_json, sse::write_frame};

/// The HTTP status, which `error.code` repeats, and `error.status` of each kind.
pub(crate) const fn row(kind: FaultKind) -> (u16, &'static str) {
    match kind {
        FaultKind::InvalidRequest => (400, "INVALID_ARGUMENT"),
        FaultKind::Unauthenticated => (401, "UNAUTHENTICATED"),
        FaultKind::PermissionDenied => (403, "PERMISSION_DENIED"),
        FaultKind::NotFound | FaultKind::AnswerNotFound => (404, "NOT_FOUND"),
        FaultKind::MethodNotAllowed => (405, "UNIMPLEMENTED"),
        FaultKind::TooLarge => (413, "INVALID_ARGUMENT"),
        FaultKind::UnsupportedEncoding => (415, "INVALID_ARGUMENT"),
        FaultKind::RateLimited | FaultKind::QuotaExhausted => (429, "RESOURCE_EXHAUSTED"),
        FaultKind::Overloaded => (503, "UNAVAILABLE"),
        FaultKind::UpstreamFailed => (502, "UNAVAILABLE"),
        FaultKind::Timeout => (504, "DEADLINE_EXCEEDED"),
        FaultKind::Cancelled => (499, "CANCELLED"),
        FaultKind::Internal => (500, "INTERNAL"),
    }
}

/// The HTTP status of a kind.
pub(crate) const fn status(kind: FaultKind) -> u16 {
    row(kind).0
}

/// The error body. The request's id has no place in it; it travels in a header.
pub(crate) fn body(fault: &Fault) -> Vec<u8> {
    let (code, status) = row(fault.kind);
    let details = fault.retry_after.map(|wait| [RetryInfo { kind: RETRY_INFO, retry_delay: Seconds(wait) }]);
    to_json(&Body { error: Detail { code, message: &fault.message, status, details } })
}

/// The error line, after which a stream ends.
pub(crate) fn event(fault: &Fault) -> Vec<u8> {
    let mut frame = Vec::new();
    write_frame(&mut frame, None, &body(fault));
    frame
}

/// A bare newline: Google's Python SDK fails on comments (`google-genai` 3.4, measured 2026-11-23).
pub(crate) const KEEP_ALIVE: &[u8] = b"\n";

/// Clients of this dialect read the wait here and know no `retry-after`
/// (<https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto>).
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

#[derive(Serialize)]
struct Body<'a> {
    error: Detail<'a>,
}

#[derive(Serialize)]
struct Detail<'a> {
    code: u16,
    message: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<[RetryInfo; 1]>,
}

#[derive(Serialize)]
struct RetryInfo {
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(rename = "retryDelay")]
    retry_delay: Seconds,
}

/// A protobuf duration in JSON, whole or in milliseconds, and no longer than protobuf's longest.
struct Seconds(Duration);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wait = self.0.min(LONGEST);
        match wait.subsec_millis() {
            0 => serializer.collect_str(&format_args!("{}s", wait.as_secs())),
            millis => serializer.collect_str(&format_args!("{}.{millis:03}s", wait.as_secs())),
        }
    }
}

/// <https://protobuf.dev/reference/protobuf/google.protobuf/#duration>.
const LONGEST: Duration = Duration::from_secs(315_576_000_000);

#[cfg(test)]
mod tests {
    use posthaste_core::Origin;

    use super::*;
    use crate::gemini::error::read;

    #[test]
    fn the_wait_stands_in_the_details() {
        let fault = |wait| {
            let fault = Fault::new(FaultKind::RateLimited, Origin::Relay, "slow down");
            Fault { retry_after: wait, ..fault }
        };
        let told = |wait| read(&body(&fault(Some(wait)))).unwrap().details.wait;
        for wait in [Duration::from_secs(39), Duration::from_millis(1_250), Duration::ZERO] {
            assert_eq!(told(wait), Some(wait));
        }
        assert_eq!(told(Duration::MAX), Some(LONGEST));
        let without = String::from_utf8(body(&fault(None))).unwrap();
        assert_eq!(without, r#"{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED"}}"#);
    }
}
