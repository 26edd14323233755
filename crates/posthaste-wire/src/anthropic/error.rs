//! Error bodies: `{"type":"error","error":{"type","message"}}`.
//!
//! The edge in front of the API leaves out the outer `type` (seen with 413), so it is not asked for.

use serde::Deserialize;

use crate::{
    UpstreamError,
    lenient::{Lenient, Text, object},
};

/// Reads an error body or the data of an `error` event.
pub(crate) fn read(body: &[u8]) -> Option<UpstreamError> {
    let envelope: Envelope<'_> = object(body).ok()??;
    envelope.error.0.map(|error| {
        let kind = error.kind.0.map_or_else(|| "error".to_owned(), Text::into_string);
        UpstreamError::new(kind, None, error.message.0.map_or_else(String::new, Text::into_string))
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
    kind: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    message: Lenient<Text<'a>>,
}
