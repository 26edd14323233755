//! Answers: pages, and ways to other pages.

use axum::{body::Body, response::Response};
use flate2::Compression;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::assets::gzip;

/// A page.
pub(crate) fn page(status: StatusCode, html: String) -> Response {
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// Another page, to be asked for with GET.
pub(crate) fn see(path: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let place = HeaderValue::try_from(path).unwrap_or(HeaderValue::from_static(crate::BASE));
    response.headers_mut().insert(header::LOCATION, place);
    response
}

pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"))
            && !parts.any(|quality| {
                matches!(quality.replace(' ', "").as_str(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
            })
    })
}

/// What every page says to the browser, and the page packed where the browser wants it so.
pub(crate) async fn finish(response: Response, asked: &HeaderMap) -> Response {
    let (mut head, body) = response.into_parts();
    let is_html =
        head.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    for (name, value) in ALWAYS {
        head.headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if !is_html || !takes_gzip(asked) {
        return Response::from_parts(head, body);
    }
    let Ok(plain) = axum::body::to_bytes(body, usize::MAX).await else {
        return Response::from_parts(head, Body::empty());
    };
    head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(head, Body::from(gzip(&plain, Compression::new(5))))
}

/// Everything comes from here and nothing else may be loaded; no page may be put into another one's frame or be kept.
const ALWAYS: [(HeaderName, &str); 8] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (header::VARY, "accept-encoding, cookie, accept-language"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        for (value, takes) in
            [("gzip", true), ("br, GZip;q=0.5", true), ("gzip;q=0", false), ("br", false), ("", false)]
        {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            assert_eq!(takes_gzip(&headers), takes, "{value}");
        }
    }
}
