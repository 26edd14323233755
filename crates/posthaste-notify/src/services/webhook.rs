//! Somebody's own program.
//!
//! The body is `{"type", "service", "timestamp", "data"}`, the form that claude-relay-service's custom channel has; `data` is
//! one notice, or `{"notices": […]}` for several. It is signed as Standard Webhooks says
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>, checked 2026-11-27): the
//! headers `webhook-id` (the same for each try of a delivery), `webhook-timestamp` (seconds) and
//! `webhook-signature: v1,<base64 of HMAC-SHA256 over "id.timestamp.body">`. A key that begins with `whsec_` is base64, any
//! other is taken as it stands. Any 2xx is a success.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Request};
use posthaste_core::{Payload, Secret};
use serde_json::{Value, json};

use super::{
    Sending,
    request::{post_bytes, signature, target},
};
use crate::{
    ChannelError,
    message::{Item, Message},
    words,
};

pub(super) fn request(message: &Message, sending: &Sending<'_>) -> Result<Request<Payload>, ChannelError> {
    let body = body(message, sending).to_string().into_bytes();
    let (id, seconds) = (sending.id.to_string(), sending.now.as_secs().to_string());
    let signature = match &sending.opened.key {
        Some(key) => Some(sign(key, &id, &seconds, &body)?),
        None => None,
    };
    let mut request = post_bytes(&target(sending)?, body)?;
    let mut header = |name, value: &str| {
        let value = HeaderValue::from_str(value).expect("ids, numbers and base64 are visible ASCII");
        request.headers_mut().insert(name, value);
    };
    header("webhook-id", &id);
    header("webhook-timestamp", &seconds);
    if let Some(signature) = signature {
        header("webhook-signature", &signature);
    }
    Ok(request)
}

fn sign(key: &Secret, id: &str, seconds: &str, body: &[u8]) -> Result<String, ChannelError> {
    let unreadable = |_| ChannelError::invalid("key", "what stands behind `whsec_` is no base64");
    let key = match key.expose().strip_prefix("whsec_") {
        Some(encoded) => STANDARD.decode(encoded).map_err(unreadable)?,
        None => key.expose().as_bytes().to_vec(),
    };
    Ok(format!("v1,{}", signature(&key, &[id.as_bytes(), b".", seconds.as_bytes(), b".", body])))
}

fn body(message: &Message, sending: &Sending<'_>) -> Value {
    let (kind, data) = match message.items.as_slice() {
        [one] => (one.notice.kind().as_str(), data(one)),
        several => ("digest", json!({ "notices": several.iter().map(data).collect::<Vec<_>>() })),
    };
    json!({
        "type": kind,
        "service": message.service,
        "timestamp": sending.now.to_string(),
        "data": data,
    })
}

fn data(Item { notice, said }: &Item) -> Value {
    json!({
        "kind": notice.kind(),
        "severity": notice.severity(),
        "recovery": notice.is_recovery(),
        "key": words::tame(&notice.dedup_key(), LONGEST_TEXT),
        "at": notice.at,
        "subject": bounded(json!(notice.subject)),
        "title": said.title,
        "text": said.text,
        "facts": bounded(json!(notice.event)),
    })
}

/// What others said may be long, and is data here that nobody has tamed.
fn bounded(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(words::tame(&text, LONGEST_TEXT)),
        Value::Array(values) => values.into_iter().map(bounded).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, bounded(value))).collect(),
        other => other,
    }
}

const LONGEST_TEXT: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with Python's `hmac` and `base64`, not with this code.
    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        let key = Secret::new("whsec_ZHVtbXkta2V5LWR1bW15LWtleS1kdW1teS0wMQ==");
        let signed = sign(&key, "msg_1", "1614265330", br#"{"test": 2432232314}"#).unwrap();
        assert_eq!(signed, "v1,gsJReugEtyhUa7evEt/58d0MSDa3NDmtuhK1NgcLsqs=");
        let plain = Secret::new("dummy-key-dummy-key-dummy-01");
        assert_eq!(sign(&plain, "msg_1", "1614265330", br#"{"test": 2432232314}"#).unwrap(), signed);
        assert!(sign(&Secret::new("whsec_?"), "", "", b"").is_err());
    }
}
