//! What a client is told: events as messages, and errors as the event that its kind is told in.
//!
//! An error is `{"type":"error","status","error":{…}}`, as over HTTP but with its status inside, and with the headers that
//! say when to ask again (<https://platform.openai.com/docs/guides/websocket-mode>; Codex tells errors by the status).

use std::{borrow::Cow, collections::BTreeMap};

use axum::extract::ws::Utf8Bytes;
use http::{HeaderMap, StatusCode};
use posthaste_core::{Dialect, Fault, RequestId};
use posthaste_wire::fault::render;
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};

/// A fault as an event.
pub(super) fn of_fault(fault: &Fault, id: RequestId) -> Utf8Bytes {
    let rendered = render(Dialect::OpenAiResponses, fault, id);
    of_answer(rendered.status, &rendered.headers, &rendered.body)
}

/// An answer with an error status as an event.
pub(super) fn of_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Utf8Bytes {
    let error = serde_json::from_slice(body).ok().and_then(|body: ErrorBody<'_>| body.error);
    error_event(status, headers, error.filter(|error| error.get().starts_with('{')))
}

/// One event of an answer, as far as the connection has to understand it.
#[derive(Default, Deserialize)]
pub(super) struct Event<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    status: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    code: Option<&'a RawValue>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    param: Option<&'a RawValue>,
    /// The item that is done.
    #[serde(borrow, default)]
    pub(super) item: Option<&'a RawValue>,
    /// The answer as a whole.
    #[serde(borrow, default)]
    pub(super) response: Option<&'a RawValue>,
}

impl<'a> Event<'a> {
    /// Reads an event's data; what is not understood is empty.
    pub(super) fn read(data: &'a [u8]) -> Self {
        serde_json::from_slice(data).unwrap_or_default()
    }

    /// Its type; an error need not have one.
    pub(super) fn kind(&self) -> Cow<'a, str> {
        match self.kind.map(text) {
            Some(kind) => kind,
            None if self.error.is_some() => Cow::Borrowed("error"),
            None => Cow::Borrowed(""),
        }
    }

    /// An error event with its status, if this is one that lacks it: in a stream of events nothing could come after it,
    /// here the client has to be told that the answer is over.
    pub(super) fn as_error(&self) -> Option<Utf8Bytes> {
        if self.kind() != "error" || self.status.is_some() {
            return None;
        }
        let flat = json!({ "code": self.code, "message": self.message, "param": self.param }).to_string();
        let flat = RawValue::from_string(flat).ok();
        let error = self.error.filter(|error| error.get().starts_with('{')).or(flat.as_deref());
        let told: Told<'_> =
            error.and_then(|error| serde_json::from_str(error.get()).ok()).unwrap_or_default();
        let status = [told.code, told.kind].into_iter().flatten().find_map(|name| status_of(&text(name)));
        Some(error_event(status.unwrap_or(StatusCode::BAD_GATEWAY), &HeaderMap::new(), error))
    }
}

/// Whether nothing comes after an event of this type.
pub(super) fn is_last(kind: &str) -> bool {
    is_answer(kind) || matches!(kind, "response.failed" | "response.cancelled" | "error")
}

/// Whether an event of this type ends an answer that can be gone on from.
pub(super) fn is_answer(kind: &str) -> bool {
    matches!(kind, "response.completed" | "response.incomplete")
}

/// Text in JSON; anything else is empty.
pub(super) fn text(value: &RawValue) -> Cow<'_, str> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

    serde_json::from_str(value.get()).map_or(Cow::Borrowed(""), |Text(text)| text)
}

/// The status that HTTP would have had (<https://platform.openai.com/docs/guides/error-codes>).
fn status_of(name: &str) -> Option<StatusCode> {
    match name {
        "rate_limit_exceeded" | "rate_limit_error" | "insufficient_quota" | "usage_limit_reached" => {
            Some(StatusCode::TOO_MANY_REQUESTS)
        }
        "server_is_overloaded" | "service_unavailable_error" | "overloaded_error" => {
            Some(StatusCode::SERVICE_UNAVAILABLE)
        }
        "timeout" => Some(StatusCode::GATEWAY_TIMEOUT),
        "upstream_failed" => Some(StatusCode::BAD_GATEWAY),
        "previous_response_not_found" | "invalid_request_error" | "invalid_prompt" => {
            Some(StatusCode::BAD_REQUEST)
        }
        "server_error" => Some(StatusCode::INTERNAL_SERVER_ERROR),
        _ => None,
    }
}

fn error_event(status: StatusCode, headers: &HeaderMap, error: Option<&RawValue>) -> Utf8Bytes {
    let unsaid = json!({ "type": "server_error", "code": null, "param": null, "message": UNSAID });
    let told = |name: &'static str| Some((name, headers.get(name)?.to_str().ok()?));
    let event = ErrorEvent {
        kind: "error",
        status: status.as_u16(),
        error: error.map_or_else(|| Error::Unsaid(unsaid), Error::Said),
        headers: TOLD_HEADERS.into_iter().filter_map(told).collect(),
    };
    serde_json::to_string(&event).expect("an event of strings can always be written as JSON").into()
}

#[derive(Deserialize)]
struct ErrorBody<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Told<'a> {
    #[serde(borrow, default)]
    code: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct ErrorEvent<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    status: u16,
    error: Error<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Error<'a> {
    Said(&'a RawValue),
    Unsaid(serde_json::Value),
}

const UNSAID: &str = "the upstream failed without saying why";
const TOLD_HEADERS: [&str; 3] = ["retry-after", "retry-after-ms", "x-should-retry"];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use posthaste_core::{FaultKind, Origin};
    use serde_json::Value;

    use super::*;

    fn json(event: &Utf8Bytes) -> Value {
        serde_json::from_str(event).unwrap()
    }

    #[test]
    fn a_fault_tells_its_status_and_when_to_ask_again() {
        let fault = Fault::new(FaultKind::RateLimited, Origin::Relay, "slow down");
        let event = json(&of_fault(&fault.retry_after(Duration::from_secs(7)), RequestId::generate()));
        assert_eq!((&event["type"], &event["status"]), (&json!("error"), &json!(429)));
        assert_eq!(event["error"]["message"], "slow down");
        assert_eq!(event["headers"], json!({"retry-after": "7"}));
    }

    #[test]
    fn an_error_within_a_stream_gets_a_status() {
        for (data, status, message) in [
            (r#"{"type":"error","code":"rate_limit_exceeded","message":"m","param":null}"#, 429, "m"),
            (r#"{"type":"error","error":{"type":"server_error","code":null,"message":"m"}}"#, 500, "m"),
            (r#"{"error":{"code":"server_is_overloaded","message":"m"}}"#, 503, "m"),
            (r#"{"type":"error","error":7,"message":"m"}"#, 502, "m"),
        ] {
            let event = json(&Event::read(data.as_bytes()).as_error().unwrap());
            assert_eq!(
                (&event["status"], &event["error"]["message"]),
                (&json!(status), &json!(message)),
                "{data}"
            );
        }
        for other in
            [r#"{"type":"error","status":400,"error":{}}"#, r#"{"type":"response.failed"}"#, "x", "[]"]
        {
            assert!(Event::read(other.as_bytes()).as_error().is_none(), "{other}");
        }
    }

    #[test]
    fn an_answer_that_says_nothing_is_told_all_the_same() {
        for body in ["", "oops", "{}", r#"{"error":"x"}"#, r#"{"detail":"x"}"#] {
            let event = json(&of_answer(StatusCode::BAD_REQUEST, &HeaderMap::new(), body.as_bytes()));
            assert_eq!(
                (&event["status"], &event["error"]["message"]),
                (&json!(400), &json!(UNSAID)),
                "{body}"
            );
        }
    }
}
