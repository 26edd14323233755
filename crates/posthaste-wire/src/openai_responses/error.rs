//! Error bodies and error events.
//!
//! Bodies are those of Chat. In a stream the `error` event holds its fields at the top, as the SDKs' types have it, or
//! below `error`, as the wire has it; `response.failed` holds them in its answer. The Codex backend answers a bad sign-in
//! with `{"detail":"…"}` alone.

use serde::Deserialize;

use crate::{
    ErrorDetails, UpstreamError,
    lenient::{Lenient, Text, object},
    openai_chat::error::{UNNAMED, read as read_body, wait_in_words},
};

/// Reads an error body or the data of an error event.
pub(crate) fn read(body: &[u8]) -> Option<UpstreamError> {
    read_body(body).or_else(|| read_event(body))
}

/// What stands for an error that cannot be read.
pub(crate) fn unreadable() -> UpstreamError {
    UpstreamError::new(UNNAMED, None, "")
}

fn read_event(body: &[u8]) -> Option<UpstreamError> {
    let event: Event<'_> = object(body).ok()??;
    let text = |text: Lenient<Text<'_>>| text.0.map(Text::into_string);
    if let Some(message) = text(event.detail) {
        return Some(UpstreamError { message, ..unreadable() });
    }
    let error = |code, message| {
        let message = text(message).unwrap_or_default();
        let details = ErrorDetails { wait: wait_in_words(&message), ..ErrorDetails::default() };
        UpstreamError { code: text(code), message, details, ..unreadable() }
    };
    if let Some(inner) = event.response.0.and_then(|response| response.error.0) {
        return Some(error(inner.code, inner.message));
    }
    let is_error = event.kind.0.is_some_and(|kind| kind.0 == "error");
    is_error.then(|| error(event.code, event.message))
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    code: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    message: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    detail: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    response: Lenient<Failed<'a>>,
}

#[derive(Deserialize)]
struct Failed<'a> {
    #[serde(borrow, default)]
    error: Lenient<Detail<'a>>,
}

#[derive(Deserialize)]
struct Detail<'a> {
    #[serde(borrow, default)]
    code: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    message: Lenient<Text<'a>>,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nested(
        r#"{"type":"error","sequence_number":2,"error":{"type":"tokens","code":"slow_down","message":"m"}}"#,
        "tokens",
        Some("slow_down")
    )]
    #[case::flat(
        r#"{"type":"error","code":"server_error","message":"m","param":null,"sequence_number":2}"#,
        "error",
        Some("server_error")
    )]
    #[case::failed(
        r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"m"}}}"#,
        "error",
        Some("server_error")
    )]
    #[case::plan(
        r#"{"error":{"type":"usage_limit_reached","message":"m","plan_type":"plus","resets_at":1764000000}}"#,
        "usage_limit_reached",
        None
    )]
    #[case::signed_out(r#"{"detail":"m"}"#, "error", None)]
    fn every_form_is_read(#[case] body: &str, #[case] kind: &str, #[case] code: Option<&str>) {
        let error = read(body.as_bytes()).unwrap();
        assert_eq!(error.details.resets_at.is_some(), kind == "usage_limit_reached");
        assert_eq!((error.kind.as_str(), error.code.as_deref(), &*error.message), (kind, code, "m"));
    }

    #[rstest]
    #[case(r#"{"type":"response.completed","response":{"error":null}}"#)]
    #[case(r#"{"detail":[{"loc":["body"]}]}"#)]
    #[case(r#"{"object":"response","error":null}"#)]
    fn what_is_no_error_is_none(#[case] body: &str) {
        assert_eq!(read(body.as_bytes()), None);
    }
}
