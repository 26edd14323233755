//! Faults as responses.

use std::borrow::Cow;

use axum::{body::Body, response::Response};
use http::HeaderValue;
use posthaste_core::{Dialect, Fault, FaultKind, Origin, RequestId, fields};
use posthaste_wire::fault::render;

/// A fault in the words of a dialect; the log gets the cause.
pub(crate) fn fault_response(dialect: Dialect, fault: &Fault, id: RequestId) -> Response {
    log(fault, id);
    let rendered = render(dialect, fault, id);
    let mut response = Response::new(Body::from(rendered.body));
    *response.status_mut() = rendered.status;
    *response.headers_mut() = rendered.headers;
    if fault.attempts > 0 {
        response.headers_mut().insert("x-posthaste-attempts", HeaderValue::from(fault.attempts));
    }
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert("x-posthaste-request-id", id);
    }
    response
}

fn log(fault: &Fault, id: RequestId) {
    let cause = fault.source.as_ref().map(|source| source.to_string()).unwrap_or_default();
    let words = own_words(fault);
    match (fault.kind, fault.origin) {
        (FaultKind::Internal, _) => {
            tracing::error!({ fields::REQUEST_ID } = %id, fault = words, %cause, "the relay failed")
        }
        // The cause of these is what somebody wrote.
        (_, Origin::Client) => {
            tracing::debug!({ fields::REQUEST_ID } = %id, kind = %fault.kind, fault = words, "refused")
        }
        _ => {
            tracing::info!({ fields::REQUEST_ID } = %id, kind = %fault.kind, fault = words, %cause, "could not be served")
        }
    }
}

/// The message for the log, unless it was put together from what a client or an upstream has written: that may hold a
/// part of a prompt.
fn own_words(fault: &Fault) -> &str {
    match &fault.message {
        Cow::Borrowed(words) => words,
        Cow::Owned(_) => "(in the client's answer only)",
    }
}
