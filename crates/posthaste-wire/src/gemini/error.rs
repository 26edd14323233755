//! Error bodies: `{"error":{"code","message","status","details"}}`, and the same inside a list where a stream was asked
//! for (recorded for `streamGenerateContent` without `alt=sse`).
//!
//! Google sends no `retry-after`: how long to wait stands in the details
//! (<https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto>), or only in the message.

use std::time::Duration;

use serde::Deserialize;

use crate::{
    UpstreamError,
    count::Count,
    lenient::{Lenient, List, Text, object},
};

/// Reads an error body or the data of an error event.
pub(crate) fn read(body: &[u8]) -> Option<UpstreamError> {
    detail(body).map(|error| UpstreamError {
        kind: error.status.0.map_or_else(|| UNNAMED.to_owned(), Text::into_string),
        code: error.code.0.map(|code| code.to_string()),
        message: error.message.0.map_or_else(String::new, Text::into_string),
    })
}

/// What Google's `details` say of an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoogleDetails {
    /// The finer class of `google.rpc.ErrorInfo`: `API_KEY_INVALID`, `RATE_LIMIT_EXCEEDED`, `QUOTA_EXHAUSTED`, …
    pub reason: Option<String>,
    /// How long to wait, from `google.rpc.RetryInfo` or else from the message.
    pub retry_delay: Option<Duration>,
    /// The quotas that are used up, from `google.rpc.QuotaFailure`; `PerDay` in one of them means waiting is no use.
    pub quota_ids: Vec<String>,
}

/// Reads the details of an error body; `None` when it is none.
pub fn read_details(body: &[u8]) -> Option<GoogleDetails> {
    let error = detail(body)?;
    let mut told = GoogleDetails::default();
    for detail in error.details.0.unwrap_or_default() {
        let kind = detail.kind.0.as_ref().map_or("", |kind| &*kind.0);
        match kind.rsplit('.').next().unwrap_or_default() {
            "ErrorInfo" => told.reason = detail.reason.0.map(Text::into_string),
            "RetryInfo" => told.retry_delay = detail.retry_delay.0.and_then(|delay| seconds(&delay.0)),
            "QuotaFailure" => {
                let violations = detail.violations.0.unwrap_or_default();
                let ids = violations.into_iter().filter_map(|violation| violation.quota_id.0);
                told.quota_ids.extend(ids.map(Text::into_string));
            }
            _ => {}
        }
    }
    let message = error.message.0.as_ref().map_or("", |message| &*message.0);
    told.retry_delay = told.retry_delay.or_else(|| in_words(message));
    Some(told)
}

fn detail(body: &[u8]) -> Option<Detail<'_>> {
    if body.trim_ascii_start().starts_with(b"[") {
        let list: List<Envelope<'_>> = serde_json::from_slice(body).ok()?;
        return list.0?.into_iter().find_map(|envelope| envelope.error.0);
    }
    object::<Envelope<'_>>(body).ok()??.error.0
}

/// A protobuf duration in JSON: seconds with a fraction, then `s`.
fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// "Please retry in 39.07s.", which comes without the detail too (recorded).
fn in_words(message: &str) -> Option<Duration> {
    let (_, rest) = message.split_once("Please retry in ")?;
    let end = rest.find('s')?;
    let (number, unit) = match rest[..end].strip_suffix('m') {
        Some(millis) => (millis, 1e-3),
        None => (&rest[..end], 1.0),
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    error: Lenient<Detail<'a>>,
}

#[derive(Deserialize)]
struct Detail<'a> {
    #[serde(default)]
    code: Count,
    #[serde(borrow, default)]
    message: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    status: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    details: List<Any<'a>>,
}

/// Every kind of detail in one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Any<'a> {
    #[serde(borrow, default, rename = "@type")]
    kind: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    reason: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    retry_delay: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    violations: List<Violation<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Violation<'a> {
    #[serde(borrow, default)]
    quota_id: Lenient<Text<'a>>,
}

/// Stands for a class of error that is not named.
pub(crate) const UNNAMED: &str = "error";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_read_alone_and_inside_a_list() {
        let body = r#"{"error":{"code":503,"message":"Overloaded","status":"UNAVAILABLE"}}"#;
        let expected = UpstreamError {
            kind: "UNAVAILABLE".to_owned(),
            code: Some("503".to_owned()),
            message: "Overloaded".to_owned(),
        };
        assert_eq!(read(body.as_bytes()), Some(expected.clone()));
        assert_eq!(read(format!("[{body}\n]\n").as_bytes()), Some(expected));
        for other in ["{}", "[]", "[7]", r#"{"error":"text"}"#, r#"{"candidates":[]}"#, "no"] {
            assert_eq!(read(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn the_details_tell_the_wait_the_reason_and_the_quotas() {
        let details = |details: &str, message: &str| {
            let body = format!(r#"{{"error":{{"message":"{message}","details":[{details}]}}}}"#);
            read_details(body.as_bytes()).unwrap()
        };
        let told = details(
            r#"{"@type":"type.googleapis.com/google.rpc.Help","links":[]},
            {"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"RequestsPerDay"}]},
            {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"QUOTA_EXHAUSTED"},
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"0.5s"}"#,
            "",
        );
        let expected = GoogleDetails {
            reason: Some("QUOTA_EXHAUSTED".to_owned()),
            retry_delay: Some(Duration::from_millis(500)),
            quota_ids: vec!["RequestsPerDay".to_owned()],
        };
        assert_eq!(told, expected);
        let wait = |message| details("", message).retry_delay;
        assert_eq!(wait("Quota exceeded. Please retry in 39.5s."), Some(Duration::from_millis(39_500)));
        assert_eq!(wait("Please retry in 250ms."), Some(Duration::from_millis(250)));
        for odd in ["Please retry in a while", "Please retry in -3s", "Please retry in 1e999s", "Later"] {
            assert_eq!(wait(odd), None, "{odd}");
        }
    }
}
