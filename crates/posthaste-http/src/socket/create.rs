//! What a client asks for: one message as the request that it stands for.

use std::borrow::Cow;

use bytes::Bytes;
use posthaste_core::Fault;
use posthaste_wire::Edits;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A `response.create`.
#[derive(Debug)]
pub(super) struct Create {
    /// The body of the request, which asks for a stream.
    pub(super) body: Bytes,
    /// Whether an answer is wanted; without it, the request is only to be remembered for the one that goes on from it.
    pub(super) generate: bool,
    /// Whether the vendor is to keep the answer.
    pub(super) stored: bool,
    /// The answer that the request goes on from.
    pub(super) earlier: Option<String>,
}

/// Reads a message. The fields of the request stand at its top level, or in `response` as some clients have it.
pub(super) fn read(message: &Bytes) -> Result<Create, Fault> {
    let event: Event<'_> = serde_json::from_slice(message)
        .map_err(|error| Fault::invalid_request(format!("the message is not an event in JSON: {error}")))?;
    match event.kind.as_deref() {
        Some("response.create") => {}
        Some(other) => {
            let other: String = other.chars().take(MOST_SHOWN_CHARS).collect();
            let message = format!("`type`: an event `{other}` is not known here; send `response.create`");
            return Err(Fault::invalid_request(message));
        }
        None => return Err(Fault::invalid_request("`type`: missing; send `response.create`")),
    }
    let edits = Edits::new().remove("generate").set("stream", true);
    let (request, edits) = match event.response {
        Some(response) => (message.slice_ref(response.get().as_bytes()), edits),
        None => (message.clone(), edits.remove("type").remove("event_id")),
    };
    let facts: Facts<'_> = serde_json::from_slice(&request)
        .map_err(|error| Fault::invalid_request(format!("the request cannot be read: {error}")))?;
    Ok(Create {
        generate: facts.generate.unwrap_or(true),
        stored: facts.store.unwrap_or(true),
        earlier: facts.previous_response_id.map(Cow::into_owned),
        body: edits.apply(&request)?.payload.to_bytes(),
    })
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Facts<'a> {
    generate: Option<bool>,
    store: Option<bool>,
    #[serde(borrow)]
    previous_response_id: Option<Cow<'a, str>>,
}

const MOST_SHOWN_CHARS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn body(message: &'static str) -> String {
        String::from_utf8(read(&Bytes::from_static(message.as_bytes())).unwrap().body.to_vec()).unwrap()
    }

    #[test]
    fn the_request_stands_at_the_top_or_within() {
        assert_eq!(
            body(r#"{"type":"response.create","event_id":"e","model":"m","input":[1.50],"stream":false}"#),
            r#"{"model":"m","input":[1.50],"stream":true}"#
        );
        assert_eq!(
            body(r#"{"type":"response.create","response":{"model":"m","type":"x"}}"#),
            r#"{"model":"m","type":"x","stream":true}"#
        );
    }

    #[test]
    fn what_is_asked_of_the_relay_alone_stays_here() {
        let message = br#"{"type":"response.create","model":"m","generate":false,"store":false,"previous_response_id":"r"}"#;
        let create = read(&Bytes::from_static(message)).unwrap();
        assert!(!create.generate && !create.stored);
        assert_eq!(create.earlier.as_deref(), Some("r"));
        assert!(!String::from_utf8(create.body.to_vec()).unwrap().contains("generate"));
        let plain = read(&Bytes::from_static(br#"{"type":"response.create","store":null}"#)).unwrap();
        assert!(plain.generate && plain.stored && plain.earlier.is_none());
    }

    #[test]
    fn anything_else_is_refused_with_a_reason() {
        for (message, reason) in [
            ("", "not an event in JSON"),
            ("[]", "not an event in JSON"),
            ("{}", "`type`: missing"),
            (r#"{"type":7}"#, "not an event in JSON"),
            (r#"{"type":"response.cancel"}"#, "`response.cancel` is not known here"),
            (r#"{"type":"response.create","response":[]}"#, "cannot be read"),
            (r#"{"type":"response.create","generate":"no"}"#, "cannot be read"),
            (r#"{"type":"response.create","stream":true,"stream":false}"#, "stream"),
        ] {
            let fault = read(&Bytes::from_static(message.as_bytes())).unwrap_err();
            assert!(fault.message.contains(reason), "{message}: {fault}");
        }
    }
}
