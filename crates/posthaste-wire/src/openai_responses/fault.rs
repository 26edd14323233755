//! The relay's errors as OpenAI writes them (<https://platform.openai.com/docs/guides/error-codes>), with what Codex
//! stops on.
//!
//! Codex asks again whatever a 429 says, except where its `error.type` is `usage_limit_reached`, whose `resets_at` it shows
//! to its user, or its `error.code` `insufficient_quota` (both measured with 0.169).

use posthaste_core::{Fault, FaultKind, RequestId};
use serde::Serialize;

pub(crate) use crate::openai_chat::fault::{KEEP_ALIVE, status};
use crate::{fault::to_json, openai_chat::fault::row, sse::write_frame};

/// The error body.
pub(crate) fn body(fault: &Fault, request_id: RequestId) -> Vec<u8> {
    to_json(&Body { error: Detail::new(fault, request_id) })
}

/// The `error` event, at which the SDKs raise, and `response.failed`, which Codex waits for.
pub(crate) fn event(fault: &Fault, request_id: RequestId) -> Vec<u8> {
    let error = Detail::new(fault, request_id);
    let mut frames = Vec::new();
    let told = ErrorEvent {
        kind: "error",
        sequence_number: AFTER_ALL,
        code: error.told_code(),
        message: error.message,
        param: (),
        error: &error,
    };
    write_frame(&mut frames, Some("error"), &to_json(&told));
    let failed = FailedEvent {
        kind: "response.failed",
        sequence_number: AFTER_ALL + 1,
        response: Failed {
            id: format!("resp_{}", request_id.uuid().simple()),
            object: "response",
            created_at: asked_at(request_id).unwrap_or_default(),
            status: "failed",
            error: FailedDetail {
                code: error.told_code(),
                message: error.message,
                resets_at: error.resets_at,
            },
            output: [],
        },
    };
    write_frame(&mut frames, Some("response.failed"), &to_json(&failed));
    frames
}

/// The relay does not count the events that it passes on: this is higher than any of their numbers, and readers of 32 bits
/// take it.
const AFTER_ALL: u32 = i32::MAX as u32 - 1;

#[derive(Serialize)]
struct Body<'a> {
    error: Detail<'a>,
}

#[derive(Serialize)]
struct Detail<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    param: (),
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resets_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resets_in_seconds: Option<u64>,
}

impl<'a> Detail<'a> {
    fn new(fault: &'a Fault, request_id: RequestId) -> Self {
        let (_, kind, code) = row(fault.kind);
        let detail =
            Self { message: &fault.message, kind, param: (), code, resets_at: None, resets_in_seconds: None };
        let wait = fault.retry_after.filter(|_| fault.kind == FaultKind::QuotaExhausted);
        let Some(wait) = wait.map(|wait| wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)))
        else {
            return detail;
        };
        Self {
            kind: USAGE_LIMIT,
            code: Some(USAGE_LIMIT),
            resets_at: asked_at(request_id).map(|asked_at| asked_at.saturating_add(wait)),
            resets_in_seconds: Some(wait),
            ..detail
        }
    }

    /// The SDKs' type of a failed answer has no place for a missing code. Codex asks again unless it knows the code.
    fn told_code(&self) -> &'static str {
        match (self.code, self.kind) {
            (Some(code), _) => code,
            (None, "invalid_request_error") => "invalid_prompt",
            (None, kind) => kind,
        }
    }
}

const USAGE_LIMIT: &str = "usage_limit_reached";

/// When the request came, which its id tells (UUID version 7), so that no clock is needed here.
fn asked_at(request_id: RequestId) -> Option<u64> {
    request_id.uuid().get_timestamp().map(|timestamp| timestamp.to_unix().0)
}

#[derive(Serialize)]
struct ErrorEvent<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    sequence_number: u32,
    code: &'static str,
    message: &'a str,
    param: (),
    error: &'a Detail<'a>,
}

#[derive(Serialize)]
struct FailedEvent<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    sequence_number: u32,
    response: Failed<'a>,
}

#[derive(Serialize)]
struct Failed<'a> {
    id: String,
    object: &'static str,
    created_at: u64,
    status: &'static str,
    error: FailedDetail<'a>,
    output: [(); 0],
}

#[derive(Serialize)]
struct FailedDetail<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resets_at: Option<u64>,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use posthaste_core::Origin;

    use super::*;

    fn told(kind: FaultKind, wait: Option<Duration>) -> String {
        let fault = Fault { retry_after: wait, ..Fault::new(kind, Origin::Relay, "m") };
        let request_id = "0190c0de-0000-7000-8000-000000000001".parse().unwrap();
        String::from_utf8(body(&fault, request_id)).unwrap()
    }

    #[test]
    fn a_quota_that_resets_is_told_in_the_form_that_codex_stops_on() {
        let wait = Some(Duration::from_millis(59_500));
        insta::assert_snapshot!(told(FaultKind::QuotaExhausted, wait), @r#"{"error":{"message":"m","type":"usage_limit_reached","param":null,"code":"usage_limit_reached","resets_at":1721222752,"resets_in_seconds":60}}"#);
    }

    #[test]
    fn other_faults_are_told_as_in_chat() {
        assert!(told(FaultKind::QuotaExhausted, None).contains(r#""code":"insufficient_quota"}"#));
        let wait = Some(Duration::from_secs(9));
        assert!(told(FaultKind::RateLimited, wait).contains(r#""code":"rate_limit_exceeded"}"#));
    }
}
