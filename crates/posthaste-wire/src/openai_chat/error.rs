//! Error bodies: `{"error":{"message","type","param","code"}}`.
//!
//! Compatible vendors bend it: `code` may be a number; xAI's `error` is a plain text with its `code` beside it; older vLLM
//! puts the fields at the top beside `"object":"error"`; DashScope's and GLM's gateways put `code` and `message` or `msg`
//! there, and nothing else that tells.
//!
//! ChatGPT's backend tells when a plan's window starts anew (`resets_at`, epoch seconds, and `resets_in_seconds`); OpenAI
//! tells the wait in the message alone where no header does ("Please try again in 2.502s").

use std::time::Duration;

use posthaste_core::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    ErrorDetails, UpstreamError,
    duration::leading,
    lenient::{Filled, Lenient, Text, object},
};

/// Reads an error body or the data of an error event.
pub(crate) fn read(body: &[u8]) -> Option<UpstreamError> {
    let envelope: Envelope<'_> = object(body).ok()??;
    if envelope.object.0.as_ref().is_some_and(|object| object.0 == "error") {
        return serde_json::from_slice(body).ok().map(Detail::into_error);
    }
    let Some(error) = envelope.error else {
        let bare = envelope.is_bare_error().then(|| serde_json::from_slice(body).ok())?;
        return bare.map(Detail::into_error);
    };
    if let Ok(message) = serde_json::from_str::<String>(error.get()) {
        let code = envelope.code.0.map(Code::into_text);
        return Some(UpstreamError::new(UNNAMED, code, message));
    }
    object(error.get().as_bytes()).ok()?.map(Detail::into_error)
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    object: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    code: Lenient<Code<'a>>,
    #[serde(borrow, default, alias = "msg")]
    message: Lenient<Text<'a>>,
    #[serde(default)]
    choices: Filled,
}

impl Envelope<'_> {
    /// Whether the fields of an error stand at the top, and none of an answer.
    fn is_bare_error(&self) -> bool {
        self.code.0.is_some() && self.message.0.is_some() && !self.choices.0
    }
}

#[derive(Deserialize)]
struct Detail<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    code: Lenient<Code<'a>>,
    #[serde(borrow, default, alias = "msg")]
    message: Lenient<Text<'a>>,
    #[serde(default)]
    resets_at: Lenient<i64>,
    #[serde(default)]
    resets_in_seconds: Lenient<u64>,
}

impl Detail<'_> {
    fn into_error(self) -> UpstreamError {
        let message = self.message.0.map_or_else(String::new, Text::into_string);
        let told = self.resets_in_seconds.0.map(Duration::from_secs);
        UpstreamError {
            kind: self.kind.0.map_or_else(|| UNNAMED.to_owned(), Text::into_string),
            code: self.code.0.map(Code::into_text),
            details: ErrorDetails {
                wait: told.or_else(|| wait_in_words(&message)),
                resets_at: self.resets_at.0.filter(|at| *at > 0).map(Timestamp::from_secs),
                ..ErrorDetails::default()
            },
            message,
        }
    }
}

/// How long to wait, where the message alone tells it.
pub(crate) fn wait_in_words(message: &str) -> Option<Duration> {
    let (_, rest) = message.split_once("try again in ")?;
    leading(rest).map(|(wait, _)| wait)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Code<'a> {
    Number(i64),
    Text(#[serde(borrow)] Text<'a>),
}

impl Code<'_> {
    fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.into_string(),
        }
    }
}

/// Stands for a class of error that the vendor does not name.
pub(crate) const UNNAMED: &str = "error";

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> Option<(String, Option<String>, String)> {
        read(json.as_bytes()).map(|error| (error.kind, error.code, error.message))
    }

    fn told(kind: &str, code: Option<&str>, message: &str) -> Option<(String, Option<String>, String)> {
        Some((kind.to_owned(), code.map(str::to_owned), message.to_owned()))
    }

    #[test]
    fn vendors_forms_are_read() {
        let by_the_book = r#"{"error":{"message":"No","type":"server_error","param":null,"code":null}}"#;
        assert_eq!(error(by_the_book), told("server_error", None, "No"));
        let numbered = r#"{"error":{"code":"1302","message":"Slow down"}}"#;
        assert_eq!(error(numbered), told(UNNAMED, Some("1302"), "Slow down"));
        let text = r#"{"code":"Client specified an invalid argument","error":"No"}"#;
        assert_eq!(error(text), told(UNNAMED, Some("Client specified an invalid argument"), "No"));
        let bare = r#"{"code":"Throttling.RateQuota","message":"Slow down","request_id":"r"}"#;
        assert_eq!(error(bare), told(UNNAMED, Some("Throttling.RateQuota"), "Slow down"));
        let gateway = r#"{"code":401,"msg":"Expired","success":false}"#;
        assert_eq!(error(gateway), told(UNNAMED, Some("401"), "Expired"));
        let old = r#"{"object":"error","message":"No","type":"BadRequestError","code":400}"#;
        assert_eq!(error(old), told("BadRequestError", Some("400"), "No"));
    }

    #[test]
    fn the_wait_and_the_reset_are_told() {
        let details = |json: &str| read(json.as_bytes()).unwrap().details;
        let plan = details(
            r#"{"error":{"type":"usage_limit_reached","resets_at":1775317531,"resets_in_seconds":602705}}"#,
        );
        assert_eq!(plan.resets_at, Some(Timestamp::from_secs(1_775_317_531)));
        assert_eq!(plan.wait, Some(Duration::from_secs(602_705)));
        let tokens = details(
            r#"{"error":{"message":"Rate limit reached. Please try again in 1m2.5s. Visit …","type":"tokens"}}"#,
        );
        assert_eq!((tokens.wait, tokens.resets_at), (Some(Duration::from_millis(62_500)), None));
        let odd = details(r#"{"error":{"message":"try again in a while","resets_at":"soon"}}"#);
        assert_eq!(odd, ErrorDetails::default());
    }

    #[test]
    fn an_answer_is_no_error() {
        assert_eq!(error(r#"{"id":"a","choices":[{}],"code":1,"message":"x"}"#), None);
        assert_eq!(error(r#"{"code":1}"#), None);
        assert_eq!(error("[]"), None);
    }
}
