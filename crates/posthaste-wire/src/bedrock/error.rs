//! Error bodies: `{"message"}`, sometimes `{"Message"}`. Their kind stands outside, in the header `x-amzn-errortype` or
//! in the name of the exception's frame; some services in front of the API repeat it as `__type`.

use http::HeaderMap;
use serde::Deserialize;

use crate::{
    UpstreamError,
    count::Count,
    lenient::{Lenient, Text, object},
};

/// The header that names the kind, as `Name` or `Name:http://internal…`.
pub(crate) const ERROR_TYPE: &str = "x-amzn-errortype";

/// Reads an error body without knowing the kind that stands outside.
pub(crate) fn read(body: &[u8]) -> Option<UpstreamError> {
    read_as(None, body)
}

/// Reads an error body with the headers of its answer.
pub(crate) fn read_answer(headers: &HeaderMap, body: &[u8]) -> Option<UpstreamError> {
    read_as(headers.get(ERROR_TYPE).and_then(|kind| kind.to_str().ok()), body)
}

/// Reads an exception's frame. Its name begins small, the header's does not.
pub(crate) fn read_exception(name: &str, body: &[u8]) -> Option<UpstreamError> {
    let name = (!matches!(name, "error" | "exception")).then(|| capitalised(name));
    read_as(name.as_deref(), body)
}

/// Whether a frame's name is that of an exception.
pub(crate) fn is_exception(name: &str) -> bool {
    matches!(name, "error" | "exception") || name.ends_with("Exception")
}

fn read_as(kind: Option<&str>, body: &[u8]) -> Option<UpstreamError> {
    let Body { lower, upper, kind: inside, original_status } = object(body).ok()??;
    let message = lower.0.or(upper.0)?.into_string();
    let inside = inside.0.map(Text::into_string);
    let kind = kind.map(bare).or_else(|| inside.as_deref().map(bare)).unwrap_or(UNNAMED).to_owned();
    Some(UpstreamError::new(kind, original_status.0.map(|status| status.to_string()), message))
}

/// The name without its namespace before it or its address behind it.
fn bare(kind: &str) -> &str {
    let kind = kind.split(':').next().unwrap_or(kind);
    kind.rsplit('#').next().unwrap_or(kind).trim()
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default, rename = "message")]
    lower: Lenient<Text<'a>>,
    #[serde(borrow, default, rename = "Message")]
    upper: Lenient<Text<'a>>,
    #[serde(borrow, default, rename = "__type")]
    kind: Lenient<Text<'a>>,
    /// What the model's own server answered (`ModelErrorException`).
    #[serde(default, rename = "originalStatusCode")]
    original_status: Count,
}

/// Stands for a kind that is not told.
pub(crate) const UNNAMED: &str = "error";

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_kind_is_taken_from_the_header_without_its_address() {
        let mut headers = HeaderMap::new();
        let body = br#"{"message":"Too many tokens, please wait before trying again."}"#;
        assert_eq!(read_answer(&headers, body).unwrap().kind, "error");
        let kind = "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/";
        headers.insert(ERROR_TYPE, HeaderValue::from_static(kind));
        let error = read_answer(&headers, body).unwrap();
        assert_eq!(error.kind, "ThrottlingException");
        assert_eq!(error.message, "Too many tokens, please wait before trying again.");
    }

    #[test]
    fn the_kind_may_stand_in_the_body_or_the_frame() {
        let inside = br#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"No."}"#;
        assert_eq!(read(inside).unwrap().kind, "AccessDeniedException");
        let error = read_exception(
            "modelStreamErrorException",
            br#"{"message":"Busy","originalStatusCode":503,"originalMessage":"x"}"#,
        );
        let expected = UpstreamError::new("ModelStreamErrorException", Some("503".to_owned()), "Busy");
        assert_eq!(error, Some(expected));
        assert_eq!(read_exception("error", br#"{"message":""}"#).unwrap().kind, "error");
    }

    #[test]
    fn a_body_without_a_message_is_no_error() {
        for body in ["{}", r#"{"message":{"role":"user"}}"#, "[]", r#"{"output":{"message":{}}}"#] {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
    }
}
