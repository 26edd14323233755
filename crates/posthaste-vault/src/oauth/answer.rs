//! Vendors' answers in the form of RFC 6749.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use oauth2::HttpResponse;
use posthaste_core::Secret;
use serde_json::{Map, Value, json};

use super::OAuthError;

/// An answer as it came.
pub(super) struct Raw<'a> {
    pub(super) host: &'a str,
    pub(super) status: StatusCode,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    /// What was sent and must not come back in a message.
    pub(super) secrets: &'a [Secret],
}

/// Puts the answer into the form that RFC 6749 §5 and RFC 8628 §3.5 describe.
///
/// # Errors
/// [`OAuthError::Busy`] and [`OAuthError::BadAnswer`].
pub(super) fn standard(raw: &Raw<'_>) -> Result<HttpResponse, OAuthError> {
    let body = serde_json::from_slice::<Map<String, Value>>(raw.body).ok();
    let told = body.as_ref().and_then(|body| error_of(body, raw.secrets));
    if is_busy(raw.status, told.as_ref()) {
        let retry_after = retry_after(raw.headers);
        return Err(OAuthError::Busy { host: raw.host.to_owned(), status: raw.status.as_u16(), retry_after });
    }
    match (body, told) {
        (_, Some(told)) => {
            let status =
                if raw.status == StatusCode::UNAUTHORIZED { raw.status } else { StatusCode::BAD_REQUEST };
            Ok(response(status, &json!({"error": told.error, "error_description": told.why})))
        }
        (Some(body), None) if raw.status.is_success() => Ok(response(StatusCode::OK, &tidy(body).into())),
        (body, _) => {
            let form = if body.is_some() { "an error without a code" } else { "no JSON object" };
            let what = format!("{} with {form}", raw.status.as_u16());
            Err(OAuthError::BadAnswer { host: raw.host.to_owned(), what })
        }
    }
}

struct Told {
    error: String,
    why: String,
}

/// The error that a body tells, in whichever form. `{"error": "…"}` is the standard's; others wrap it in an object.
fn error_of(body: &Map<String, Value>, secrets: &[Secret]) -> Option<Told> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let (error, why) = match body.get("error")? {
        Value::String(error) => {
            (error.clone(), body.get("error_description").and_then(Value::as_str).map(str::to_owned))
        }
        wrapped @ Value::Object(_) => {
            let codes = ["code", "type", "status"];
            (codes.iter().find_map(|key| text(wrapped, key))?, text(wrapped, "message"))
        }
        _ => return None,
    };
    let why = why.filter(|why| !why.is_empty()).unwrap_or_else(|| "no reason was given".to_owned());
    let error =
        if DEAD.contains(&error.as_str()) { "invalid_grant".to_owned() } else { harmless(&error, secrets) };
    Some(Told { error, why: harmless(&why, secrets) })
}

/// Qwen answers `slow_down` with 429, which is an answer like any other.
fn is_busy(status: StatusCode, told: Option<&Told>) -> bool {
    let polling =
        told.is_some_and(|told| matches!(told.error.as_str(), "slow_down" | "authorization_pending"));
    let unavailable =
        told.is_some_and(|told| matches!(told.error.as_str(), "temporarily_unavailable" | "server_error"));
    !polling && (unavailable || status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error())
}

/// What vendors write otherwise than the standard, where it does not matter.
fn tidy(mut body: Map<String, Value>) -> Map<String, Value> {
    body.retain(|_, value| !value.is_null());
    if body.contains_key("access_token") && !body.get("token_type").is_some_and(Value::is_string) {
        body.insert("token_type".to_owned(), "bearer".into());
    }
    if !body.get("scope").is_none_or(Value::is_string) {
        body.remove("scope");
    }
    for key in ["expires_in", "interval"] {
        if let Some(seconds) = body.get(key) {
            match whole_seconds(seconds) {
                Some(whole) => body.insert(key.to_owned(), whole.into()),
                None => body.remove(key),
            };
        }
    }
    body
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates; negative is none"
)]
fn whole_seconds(value: &Value) -> Option<u64> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok()?,
        other => other.as_f64()?,
    };
    (number >= 0.0).then_some(number as u64)
}

/// What a server says, fit for messages and logs: short, in one line, without anything that was sent in confidence.
fn harmless(text: &str, secrets: &[Secret]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        text = text.replace(secret.expose(), "…");
    }
    let line: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn response(status: StatusCode, body: &Value) -> HttpResponse {
    let mut response = Response::new(body.to_string().into_bytes());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Vendors' words for a grant that is no longer good. OpenAI's are `refresh_token_*`; others say it of the token.
const DEAD: [&str; 5] = [
    "refresh_token_reused",
    "refresh_token_expired",
    "refresh_token_invalidated",
    "invalid_refresh_token",
    "invalid_token",
];
const LONGEST: usize = 200;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn answer(status: u16, body: &str) -> Result<(u16, Value), OAuthError> {
        let status = StatusCode::from_u16(status).unwrap();
        let headers = HeaderMap::new();
        let secrets = [Secret::new("canary")];
        let raw =
            Raw { host: "x.example", status, headers: &headers, body: body.as_bytes(), secrets: &secrets };
        let response = standard(&raw)?;
        Ok((response.status().as_u16(), serde_json::from_slice(response.body()).unwrap()))
    }

    #[rstest]
    #[case::standard(400, json!({"error": "invalid_grant"}), 400, "invalid_grant")]
    #[case::in_a_200(200, json!({"error": "access_denied"}), 400, "access_denied")]
    #[case::wrapped(400, json!({"error": {"type": "invalid_request", "message": "no"}}), 400, "invalid_request")]
    #[case::reused(401, json!({"error": {"code": "refresh_token_reused"}}), 401, "invalid_grant")]
    #[case::slow_down(429, json!({"error": "slow_down"}), 400, "slow_down")]
    fn errors_become_standard(
        #[case] status: u16,
        #[case] body: Value,
        #[case] is: u16,
        #[case] error: &str,
    ) {
        let (status, body) = answer(status, &body.to_string()).unwrap();
        assert_eq!((status, body["error"].as_str()), (is, Some(error)));
    }

    #[rstest]
    #[case(429, "")]
    #[case(503, "<html>")]
    #[case(400, r#"{"error":"temporarily_unavailable"}"#)]
    fn a_busy_server_is_told(#[case] status: u16, #[case] body: &str) {
        assert!(matches!(answer(status, body), Err(OAuthError::Busy { .. })));
    }

    #[rstest]
    #[case(200, "")]
    #[case(200, "[]")]
    #[case(404, "not here")]
    #[case(403, r#"{"message":"no"}"#)]
    fn nonsense_is_told(#[case] status: u16, #[case] body: &str) {
        assert!(matches!(answer(status, body), Err(OAuthError::BadAnswer { .. })));
    }

    #[test]
    fn small_liberties_are_forgiven() {
        let body = json!({"access_token": "t", "expires_in": "3600", "scope": ["a"], "refresh_token": null});
        let (_, tidied) = answer(200, &body.to_string()).unwrap();
        assert_eq!(tidied, json!({"access_token": "t", "expires_in": 3600, "token_type": "bearer"}));
        let (_, tidied) =
            answer(200, r#"{"access_token":"t","token_type":"Bearer","expires_in":-5}"#).unwrap();
        assert_eq!(tidied, json!({"access_token": "t", "token_type": "Bearer"}));
    }

    #[test]
    fn what_was_sent_does_not_come_back() {
        let body = json!({"error": "canary", "error_description": format!("bad\ncanary{}", "x".repeat(500))});
        let (_, told) = answer(400, &body.to_string()).unwrap();
        assert!(!told.to_string().contains("canary") && !told.to_string().contains("\\n"), "{told}");
        assert!(told["error_description"].as_str().unwrap().chars().count() <= 201);
    }
}
