//! Faults as responses.

use axum::{body::Body, response::Response};
use http::HeaderValue;
use posthaste_core::{Dialect, Fault, FaultKind, Origin, RequestId};
use posthaste_wire::fault::render;

/// A fault in the words of a dialect; the log gets the cause.
pub(crate) fn fault_response(dialect: Dialect, fault: &Fault, id: RequestId) -> Response {
    log(fault, id);
    let rendered = render(dialect, fault, id);
    let mut response = Response::new(Body::from(rendered.body));
    *response.status_mut() = rendered.status;
    *response.headers_mut() = rendered.headers;
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert("x-posthaste-request-id", id);
    }
    response
}

fn log(fault: &Fault, id: RequestId) {
    let cause = fault.source.as_ref().map(|source| source.to_string()).unwrap_or_default();
    match (fault.kind, fault.origin) {
        (FaultKind::Internal, _) => tracing::error!(request = %id, %fault, %cause, "the relay failed"),
        (_, Origin::Client) => tracing::debug!(request = %id, kind = %fault.kind, %fault, %cause, "refused"),
        _ => tracing::info!(request = %id, kind = %fault.kind, %fault, %cause, "could not be served"),
    }
}
