//! Error bodies: `{"error":{"code","message","status","details"}}`, and the same inside a list where a stream was asked
//! for (recorded for `streamGenerateContent` without `alt=sse`).
//!
//! Google sends no `retry-after`: how long to wait stands in the details
//! (<https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto>), or only in the message. Code
//! Assist tells the end of a quota in the metadata of its `ErrorInfo`
//! (<https://github.com/google-gemini/gemini-cli/issues/29425>, checked 2026-11-26).

use std::time::Duration;

use posthaste_core::Timestamp;
use serde::Deserialize;

use crate::{
    ErrorDetails, UpstreamError,
    count::Count,
    duration::leading,
    lenient::{Lenient, List, Text, object},
    read_duration,
};

/// Reads an error body or the data of an error event.
pub(crate) fn read(body: &[u8]) -> Option<UpstreamError> {
    detail(body).map(|error| {
        let message = error.message.0.map_or_else(String::new, Text::into_string);
        UpstreamError {
            kind: error.status.0.map_or_else(|| UNNAMED.to_owned(), Text::into_string),
            code: error.code.0.map(|code| code.to_string()),
            details: details(error.details.0.unwrap_or_default(), &message),
            message,
        }
    })
}

fn details(all: Vec<Any<'_>>, message: &str) -> ErrorDetails {
    let mut told = ErrorDetails::default();
    for detail in all {
        let kind = detail.kind.0.as_ref().map_or("", |kind| &*kind.0);
        match kind.rsplit('.').next().unwrap_or_default() {
            "ErrorInfo" => {
                told.reason = detail.reason.0.map(Text::into_string);
                take_metadata(detail.metadata.0.unwrap_or_default(), &mut told);
            }
            "RetryInfo" => {
                let delay = detail.retry_delay.0.and_then(|delay| read_duration(&delay.0));
                told.wait = delay.or(told.wait);
            }
            "QuotaFailure" => {
                for violation in detail.violations.0.unwrap_or_default() {
                    take_violation(violation, &mut told);
                }
            }
            _ => {}
        }
    }
    told.wait = told.wait.or_else(|| wait_in_words(message));
    if told.quotas.is_empty() {
        told.quotas.extend(limit_in_words(message));
    }
    told.no_quota |= says_no_quota(message);
    told
}

fn take_metadata(metadata: Metadata<'_>, told: &mut ErrorDetails) {
    let text = |text: Lenient<Text<'_>>| text.0.map(Text::into_string).filter(|text| !text.is_empty());
    told.resets_at =
        text(metadata.quota_reset_time_stamp).and_then(|moment| moment.parse::<Timestamp>().ok());
    told.wait = told.wait.or_else(|| read_duration(&text(metadata.quota_reset_delay)?));
    told.model = text(metadata.model).or_else(|| told.model.take());
    told.link = text(metadata.validation_url).or_else(|| text(metadata.activation_url));
}

fn take_violation(violation: Violation<'_>, told: &mut ErrorDetails) {
    told.quotas.extend(violation.quota_id.0.map(Text::into_string));
    told.no_quota |= violation.quota_value.0.is_some_and(|value| value.0 == "0");
    let model = violation.quota_dimensions.0.and_then(|dimensions| dimensions.model.0);
    if told.model.is_none() {
        told.model = model.map(Text::into_string);
    }
}

fn detail(body: &[u8]) -> Option<Detail<'_>> {
    if body.trim_ascii_start().starts_with(b"[") {
        let list: List<Envelope<'_>> = serde_json::from_slice(body).ok()?;
        return list.0?.into_iter().find_map(|envelope| envelope.error.0);
    }
    object::<Envelope<'_>>(body).ok()??.error.0
}

/// "Please retry in 39.07s.", which comes without the detail too (recorded); Code Assist says "Resets in 9h22m20s" and
/// "will reset after 161h39m41s".
fn wait_in_words(message: &str) -> Option<Duration> {
    ["retry in ", "Resets in ", "reset after "].iter().find_map(|words| {
        let (_, rest) = message.split_once(words)?;
        leading(rest).map(|(wait, _)| wait)
    })
}

/// "Quota exceeded for quota metric '…' and limit 'Gemini 2.5 Pro Requests per day per user per tier' of service …", which
/// Code Assist sends without details (quoted in a public issue).
fn limit_in_words(message: &str) -> Option<String> {
    let (_, rest) = message.split_once(" limit '")?;
    rest.split_once('\'').map(|(limit, _)| limit.to_owned())
}

/// "Quota exceeded for metric: …, limit: 0, model: gemini-2.5-pro".
fn says_no_quota(message: &str) -> bool {
    let is_zero = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    message.split("limit: 0").skip(1).any(is_zero)
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
    metadata: Lenient<Metadata<'a>>,
    #[serde(borrow, default)]
    retry_delay: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    violations: List<Violation<'a>>,
}

/// What is known of the free-form metadata of an `ErrorInfo`.
#[derive(Default, Deserialize)]
struct Metadata<'a> {
    #[serde(borrow, default, rename = "quotaResetTimeStamp")]
    quota_reset_time_stamp: Lenient<Text<'a>>,
    #[serde(borrow, default, rename = "quotaResetDelay")]
    quota_reset_delay: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    model: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    validation_url: Lenient<Text<'a>>,
    #[serde(borrow, default, rename = "activationUrl")]
    activation_url: Lenient<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Violation<'a> {
    #[serde(borrow, default)]
    quota_id: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    quota_value: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    quota_dimensions: Lenient<Dimensions<'a>>,
}

#[derive(Deserialize)]
struct Dimensions<'a> {
    #[serde(borrow, default)]
    model: Lenient<Text<'a>>,
}

/// Stands for a class of error that is not named.
pub(crate) const UNNAMED: &str = "error";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn an_error_is_read_alone_and_inside_a_list() {
        let body = r#"{"error":{"code":503,"message":"Overloaded","status":"UNAVAILABLE"}}"#;
        let expected = UpstreamError::new("UNAVAILABLE", Some("503".to_owned()), "Overloaded");
        assert_eq!(read(body.as_bytes()), Some(expected.clone()));
        assert_eq!(read(format!("[{body}\n]\n").as_bytes()), Some(expected));
        for other in ["{}", "[]", "[7]", r#"{"error":"text"}"#, r#"{"candidates":[]}"#, "no"] {
            assert_eq!(read(other.as_bytes()), None, "{other}");
        }
    }

    fn told(details: &str, message: &str) -> ErrorDetails {
        let body = format!(r#"{{"error":{{"message":"{message}","details":[{details}]}}}}"#);
        read(body.as_bytes()).unwrap().details
    }

    #[test]
    fn the_details_tell_the_wait_and_the_quota_with_its_model() {
        let told = told(
            r#"{"@type":"type.googleapis.com/google.rpc.Help","links":[]},
            {"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"RequestsPerDay",
             "quotaDimensions":{"model":"gemini-2.5-flash","location":"global"},"quotaValue":"0"}]},
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"0.5s"}"#,
            "",
        );
        let expected = ErrorDetails {
            wait: Some(Duration::from_millis(500)),
            quotas: vec!["RequestsPerDay".to_owned()],
            no_quota: true,
            model: Some("gemini-2.5-flash".to_owned()),
            ..ErrorDetails::default()
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn the_metadata_tell_the_reset_and_the_page_to_open() {
        let quota = told(
            r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"QUOTA_EXHAUSTED",
            "domain":"cloudcode-pa.googleapis.com","metadata":{"quotaResetTimeStamp":"2026-09-20T21:03:14Z",
            "quotaResetDelay":"33740.9s","uiMessage":"true","model":"gemini-3.5-flash"}}"#,
            "",
        );
        assert_eq!(quota.reason.as_deref(), Some("QUOTA_EXHAUSTED"));
        assert_eq!(quota.resets_at, Some("2026-09-20T21:03:14Z".parse().unwrap()));
        assert_eq!(quota.wait, Some(Duration::from_millis(33_740_900)));
        assert_eq!(quota.model.as_deref(), Some("gemini-3.5-flash"));
        let page = told(
            r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"VALIDATION_REQUIRED",
            "metadata":{"validation_url":"https://accounts.google.com/signin/continue"}}"#,
            "",
        );
        assert_eq!(page.link.as_deref(), Some("https://accounts.google.com/signin/continue"));
    }

    #[rstest]
    #[case("Quota exceeded. Please retry in 39.5s.", Some(39_500))]
    #[case("Please retry in 250ms.", Some(250))]
    #[case("Individual quota reached. Resets in 9h22m20s.", Some(33_740_000))]
    #[case("Your quota will reset after 1h0m1s.", Some(3_601_000))]
    #[case("Please retry in a while", None)]
    #[case("Please retry in -3s", None)]
    #[case("Please retry in 99999999999999999999999s", None)]
    #[case("Later", None)]
    fn the_message_tells_the_wait(#[case] message: &str, #[case] millis: Option<u64>) {
        assert_eq!(told("", message).wait, millis.map(Duration::from_millis));
    }

    #[test]
    fn the_message_names_the_limit() {
        let message = "Quota exceeded for quota metric 'Gemini 2.5 Pro Requests' and limit 'Gemini 2.5 Pro Requests per day per user per tier' of service 'x'.";
        assert_eq!(told("", message).quotas, ["Gemini 2.5 Pro Requests per day per user per tier"]);
        assert!(told("", "* Quota exceeded for metric: a/b, limit: 0, model: gemini-2.5-pro").no_quota);
        assert!(told("", "* Quota exceeded for metric: a/b, limit: 0").no_quota);
        assert!(!told("", "* Quota exceeded for metric: a/b, limit: 1000000, model: m").no_quota);
    }
}
