//! Answers of the admin API.

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header};
use posthaste_admin::{AdminError, AdminFailure, FailureKind};
use serde::Serialize;
use serde_json::json;

use super::given::Given;

/// What was asked for.
pub(super) fn done(data: &impl Serialize) -> Result<Response, AdminError> {
    let body = serde_json::to_vec(&json!({ "success": true, "data": data }))
        .map_err(|error| AdminError::internal("an answer", error))?;
    Ok(json_response(StatusCode::OK, body))
}

/// A table, as a file.
pub(super) fn table(name: &str, text: String) -> Result<Response, AdminError> {
    let mut response = json_response(StatusCode::OK, text.into_bytes());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    let file = HeaderValue::try_from(format!("attachment; filename=\"{name}\""));
    let file = file.map_err(|error| AdminError::internal("an answer", error))?;
    headers.insert(header::CONTENT_DISPOSITION, file);
    Ok(response)
}

/// Sends a browser on.
pub(super) fn redirect(to: &str) -> Result<Response, AdminError> {
    let location = HeaderValue::try_from(to).map_err(|error| AdminError::internal("an address", error))?;
    let mut response = json_response(StatusCode::FOUND, Vec::new());
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    headers.insert(header::LOCATION, location);
    // The address may hold a code.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

/// Why it was not done, with inputs called as they came.
pub(super) fn failed(error: &AdminError, given: &Given) -> Response {
    let failure = AdminFailure::from(error);
    let status = status(failure.kind);
    if status.is_server_error() {
        tracing::error!(error = failure.message, causes = ?failure.causes, "an operator's request failed");
    }
    let AdminFailure { kind, field, message, causes, state, advice, version, current } = failure;
    let mut body = json!({ "success": false, "error": kind, "message": message });
    let field = field.map(|field| given.name_of(&field));
    let more = [("field", field), ("state", state), ("advice", advice)];
    for (name, value) in more.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        body[name] = value.into();
    }
    if let Some(version) = version {
        body["version"] = version.into();
    }
    if let Some(current) = current {
        body["current"] = current;
    }
    if !causes.is_empty() {
        body["causes"] = causes.into();
    }
    let mut response = json_response(status, body.to_string().into_bytes());
    if let AdminError::TooMany { wait } = error {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer realm=\"posthaste admin\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// There is no such path.
pub(super) fn no_such_path(path: &str) -> Response {
    let path: String = path.chars().take(MOST_SHOWN_CHARS).collect();
    let message = format!("there is nothing at {path}; /admin/openapi.json lists every path");
    let body = json!({ "success": false, "error": FailureKind::NotFound, "message": message });
    json_response(StatusCode::NOT_FOUND, body.to_string().into_bytes())
}

pub(super) fn status(kind: FailureKind) -> StatusCode {
    match kind {
        FailureKind::Invalid => StatusCode::BAD_REQUEST,
        FailureKind::NotFound => StatusCode::NOT_FOUND,
        FailureKind::Conflict => StatusCode::CONFLICT,
        FailureKind::Forbidden => StatusCode::FORBIDDEN,
        FailureKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        FailureKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        FailureKind::Upstream => StatusCode::BAD_GATEWAY,
        FailureKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

pub(super) fn json_response(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // Operators' data is in no cache, and no page shows it in a frame or takes it for something else.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A client's own text, as far as an error repeats it.
const MOST_SHOWN_CHARS: usize = 200;
