//! What goes over the connection: `{type, content, timestamp}`, with an `id` where it belongs to a turn.

use axum::extract::ws::Utf8Bytes;
use bytes::Bytes;
use posthaste_admin::Disclosed;
use posthaste_core::{Fault, RequestId, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

/// A message of the relay's.
pub(super) fn message(
    kind: &str,
    id: Option<&str>,
    content: &impl Serialize,
    timestamp: Timestamp,
) -> Utf8Bytes {
    let message = Outgoing { kind, id, content, timestamp };
    serde_json::to_string(&message).expect("texts, numbers and JSON can always be written as JSON").into()
}

/// A fault as a message.
pub(super) fn of_fault(
    fault: &Fault,
    id: Option<&str>,
    request: Option<RequestId>,
    now: Timestamp,
) -> Utf8Bytes {
    let content = ErrorContent {
        code: fault.kind.as_str(),
        message: &fault.message,
        retry_after_seconds: fault
            .retry_after
            .map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
        request_id: request,
    };
    message("error", id, &content, now)
}

#[derive(Serialize)]
struct Outgoing<'a, C> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    content: &'a C,
    timestamp: Timestamp,
}

#[derive(Serialize)]
struct ErrorContent<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<RequestId>,
}

/// What is asked for.
#[derive(Debug)]
pub(super) enum Incoming {
    /// Who it is.
    Auth(Token),
    /// What is to be told from now on.
    Subscribe(Topics),
    /// What is not any more.
    Unsubscribe(Topics),
    /// Something said, to be answered by a model.
    Text(Box<Text>),
    /// A request in a dialect of its own.
    Request(Box<Request>),
    /// A turn is to end.
    Cancel(String),
    /// Whether anybody is there.
    Ping(Option<serde_json::Value>),
}

/// The secret that somebody logs in with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    pub(super) token: Disclosed,
}

/// Names of topics.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Topics {
    pub(super) topics: Vec<String>,
}

/// Something said.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    #[serde(rename = "type")]
    _kind: String,
    #[serde(rename = "timestamp")]
    _timestamp: Option<serde::de::IgnoredAny>,
    pub(super) id: Option<String>,
    pub(super) content: String,
    /// The one named last on the connection where it is not told.
    pub(super) model: Option<String>,
    /// What the answer goes on from: everything said under the same name before.
    pub(super) conversation: Option<String>,
    pub(super) system: Option<String>,
    pub(super) max_tokens: Option<u32>,
}

/// A request in a dialect of its own.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) id: Option<String>,
    pub(super) dialect: String,
    /// The model, for dialects that name it in the path.
    pub(super) model: Option<String>,
    pub(super) body: Bytes,
}

/// Reads a message of the client's.
pub(super) fn read(text: &Utf8Bytes) -> Result<Incoming, Fault> {
    let head: Head<'_> = serde_json::from_str(text).map_err(|error| {
        Fault::invalid_request(format!(
            "the message is not an object in JSON with a `type`: {error}; send such as {{\"type\":\"ping\"}}"
        ))
    })?;
    match &*head.kind {
        // What is wrong with it may quote the secret.
        "auth" => content(text).map(Incoming::Auth).map_err(|_| {
            Fault::invalid_request("`auth`: send {\"type\":\"auth\",\"content\":{\"token\":\"…\"}}")
        }),
        "subscribe" => Ok(Incoming::Subscribe(content(text)?)),
        "unsubscribe" => Ok(Incoming::Unsubscribe(content(text)?)),
        "text" => whole::<Text>(text).map(|text| Incoming::Text(Box::new(text))),
        "request" => request(text).map(|request| Incoming::Request(Box::new(request))),
        "cancel" => Ok(Incoming::Cancel(whole::<Cancel>(text)?.id)),
        "ping" => Ok(Incoming::Ping(whole::<Ping>(text)?.content)),
        other => {
            let other: String = other.chars().take(MOST_SHOWN_CHARS).collect();
            let known = "auth, subscribe, unsubscribe, text, request, cancel, ping";
            Err(Fault::invalid_request(format!("`type`: `{other}` is not known here; send one of {known}")))
        }
    }
}

fn whole<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::invalid_request(format!("the message: {error}")))
}

fn content<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    Ok(whole::<Plain<T>>(text)?.content)
}

fn request(text: &Utf8Bytes) -> Result<Request, Fault> {
    let wire: Wire<'_> = serde_json::from_str(text)
        .map_err(|error| Fault::invalid_request(format!("the message: {error}")))?;
    let body = Bytes::from(text.clone()).slice_ref(wire.content.get().as_bytes());
    Ok(Request { id: wire.id, dialect: wire.dialect, model: wire.model, body })
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, rename = "type")]
    kind: std::borrow::Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain<T> {
    #[serde(rename = "type")]
    _kind: String,
    #[serde(rename = "timestamp")]
    _timestamp: Option<serde::de::IgnoredAny>,
    content: T,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    #[serde(rename = "type")]
    _kind: String,
    #[serde(rename = "timestamp")]
    _timestamp: Option<serde::de::IgnoredAny>,
    id: Option<String>,
    dialect: String,
    model: Option<String>,
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cancel {
    #[serde(rename = "type")]
    _kind: String,
    #[serde(rename = "timestamp")]
    _timestamp: Option<serde::de::IgnoredAny>,
    id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ping {
    #[serde(rename = "type")]
    _kind: String,
    #[serde(rename = "timestamp")]
    _timestamp: Option<serde::de::IgnoredAny>,
    content: Option<serde_json::Value>,
}

const MOST_SHOWN_CHARS: usize = 100;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use posthaste_core::{FaultKind, Origin};
    use serde_json::{Value, json};

    use super::*;

    fn read_text(text: &str) -> Result<Incoming, Fault> {
        read(&Utf8Bytes::from(text))
    }

    #[test]
    fn a_message_has_its_type_content_and_time() {
        let told = message("delta", Some("a"), &"hel", Timestamp::from_secs(1_773_144_000));
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(
            told,
            json!({"type": "delta", "id": "a", "content": "hel", "timestamp": "2026-03-10T12:00:00Z"})
        );
        let fault = Fault::new(FaultKind::RateLimited, Origin::Relay, "slow down");
        let fault = fault.retry_after(Duration::from_millis(1_500));
        let told: Value = serde_json::from_str(&of_fault(&fault, None, None, Timestamp::EPOCH)).unwrap();
        let content = json!({"code": "rate_limited", "message": "slow down", "retry_after_seconds": 2});
        assert_eq!((&told["type"], &told["content"]), (&json!("error"), &content));
    }

    #[test]
    fn what_is_asked_for_is_read() {
        let Ok(Incoming::Text(text)) =
            read_text(r#"{"type":"text","content":"hi","timestamp":"x","id":"1"}"#)
        else {
            panic!("a text");
        };
        assert_eq!((text.content.as_str(), text.id.as_deref(), text.model), ("hi", Some("1"), None));
        let body = r#"{"model":"m","max_tokens":1.50}"#;
        let wire = format!(r#"{{"type":"request","dialect":"anthropic-messages","content":{body}}}"#);
        let Ok(Incoming::Request(request)) = read_text(&wire) else { panic!("a request") };
        assert_eq!(request.body, body, "as it came");
        assert!(matches!(read_text(r#"{"type":"ping"}"#), Ok(Incoming::Ping(None))));
        assert!(matches!(read_text(r#"{"type":"cancel","id":"1"}"#), Ok(Incoming::Cancel(id)) if id == "1"));
    }

    #[test]
    fn anything_else_is_refused_with_a_reason_and_no_secret() {
        for (text, reason) in [
            ("", "not an object in JSON"),
            ("[]", "not an object in JSON"),
            ("{}", "missing field `type`"),
            (r#"{"type":7}"#, "not an object in JSON"),
            (r#"{"type":"dance"}"#, "`dance` is not known here"),
            (r#"{"type":"text"}"#, "missing field `content`"),
            (r#"{"type":"text","content":["x"]}"#, "expected a string"),
            (r#"{"type":"text","content":"x","modle":"m"}"#, "unknown field `modle`"),
            (r#"{"type":"subscribe","content":{}}"#, "missing field `topics`"),
            (r#"{"type":"request","content":{}}"#, "missing field `dialect`"),
            (r#"{"type":"cancel"}"#, "missing field `id`"),
        ] {
            let fault = read_text(text).unwrap_err();
            assert!(fault.message.contains(reason), "{text}: {fault}");
        }
        let auth = read_text(r#"{"type":"auth","content":{"token":"cr_0000dummy"}}"#).unwrap();
        assert!(!format!("{auth:?}").contains("cr_0000"), "{auth:?}");
    }
}
