//! Answers in JSON and as pages.

use http::{HeaderValue, Response, StatusCode, header};
use posthaste_core::{RelayBody, full_body};
use serde_json::Value;
use url::Url;

/// JSON that nobody may keep (RFC 6749 §5.1).
pub(super) fn json(status: StatusCode, body: &Value) -> Response<RelayBody> {
    made(status, "application/json", full_body(body.to_string()))
}

pub(super) fn page(status: StatusCode, html: String) -> Response<RelayBody> {
    let mut response = made(status, "text/html; charset=utf-8", full_body(html));
    let nothing_loads =
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(nothing_loads));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Sends the browser on.
pub(super) fn redirect(to: &Url) -> Response<RelayBody> {
    let mut response = made(StatusCode::FOUND, "text/plain", full_body(""));
    let location = HeaderValue::from_str(to.as_str()).expect("a URL is printable ASCII");
    response.headers_mut().insert(header::LOCATION, location);
    response
}

pub(super) fn method_not_allowed() -> Response<RelayBody> {
    made(StatusCode::METHOD_NOT_ALLOWED, "text/plain", full_body("this method is not for this address\n"))
}

pub(super) fn made(status: StatusCode, content_type: &'static str, body: RelayBody) -> Response<RelayBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
