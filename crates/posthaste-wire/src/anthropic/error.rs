//! Error bodies: `{"type":"error","error":{"type","message"}}`.
//!
//! The edge in front of the API leaves out the outer `type` (seen with 413), so it is not asked for.

use std::borrow::Cow;

use serde::Deserialize;

use crate::{UpstreamError, lenient::Lenient};

/// Reads an error body or the data of an `error` event.
pub(crate) fn read(body: &[u8]) -> Option<UpstreamError> {
    let envelope: Envelope<'_> = serde_json::from_slice(body).ok()?;
    envelope.error.0.map(|error| UpstreamError {
        kind: error.kind.0.map_or_else(|| "error".to_owned(), Cow::into_owned),
        code: None,
        message: error.message.0.map_or_else(String::new, Cow::into_owned),
    })
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    error: Lenient<Body<'a>>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Lenient<Cow<'a, str>>,
    #[serde(borrow, default)]
    message: Lenient<Cow<'a, str>>,
}
