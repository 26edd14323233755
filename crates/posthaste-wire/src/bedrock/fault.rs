//! The relay's errors as Bedrock writes them: `{"message"}`, with the kind in a header or in the frame's name
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors>).

use posthaste_core::{Fault, FaultKind};
use serde::Serialize;

use crate::{fault::to_json, sse::write_frame};

/// The status and name of each kind. AWS SDKs read the name, and choose their retries by both.
const fn row(kind: FaultKind) -> (u16, &'static str) {
    match kind {
        FaultKind::InvalidRequest => (400, "ValidationException"),
        FaultKind::Unauthenticated => (403, "UnrecognizedClientException"),
        FaultKind::PermissionDenied => (403, "AccessDeniedException"),
        FaultKind::NotFound | FaultKind::AnswerNotFound => (404, "ResourceNotFoundException"),
        FaultKind::MethodNotAllowed => (405, "ValidationException"),
        FaultKind::TooLarge => (413, "ValidationException"),
        FaultKind::UnsupportedEncoding => (415, "ValidationException"),
        FaultKind::RateLimited => (429, "ThrottlingException"),
        FaultKind::QuotaExhausted => (400, "ServiceQuotaExceededException"),
        FaultKind::Overloaded => (503, "ServiceUnavailableException"),
        FaultKind::UpstreamFailed => (502, "InternalServerException"),
        FaultKind::Timeout => (408, "ModelTimeoutException"),
        FaultKind::Cancelled => (499, "InternalServerException"),
        FaultKind::Internal => (500, "InternalServerException"),
    }
}

/// The HTTP status of a kind.
pub(crate) const fn status(kind: FaultKind) -> u16 {
    row(kind).0
}

/// The name of a kind, for the header `x-amzn-errortype`.
pub(crate) const fn name(kind: FaultKind) -> &'static str {
    row(kind).1
}

/// The error body.
pub(crate) fn body(fault: &Fault) -> Vec<u8> {
    to_json(&Body { message: &fault.message })
}

/// The exception after which a stream ends without `messageStop`.
pub(crate) fn event(fault: &Fault) -> Vec<u8> {
    let mut frame = Vec::new();
    write_frame(&mut frame, Some(exception(fault.kind)), &body(fault));
    frame
}

/// The nearest of the five exceptions that a stream of Converse may hold (`ConverseStreamOutput`).
pub const fn exception(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::InvalidRequest
        | FaultKind::Unauthenticated
        | FaultKind::PermissionDenied
        | FaultKind::NotFound
        | FaultKind::AnswerNotFound
        | FaultKind::MethodNotAllowed
        | FaultKind::TooLarge
        | FaultKind::UnsupportedEncoding
        | FaultKind::QuotaExhausted => "validationException",
        FaultKind::RateLimited => "throttlingException",
        FaultKind::Overloaded => "serviceUnavailableException",
        FaultKind::Timeout => "modelStreamErrorException",
        FaultKind::UpstreamFailed | FaultKind::Cancelled | FaultKind::Internal => "internalServerException",
    }
}

/// None: an event stream of AWS has nothing that its clients pass over.
pub(crate) const KEEP_ALIVE: &[u8] = b"";

#[derive(Serialize)]
struct Body<'a> {
    message: &'a str,
}
