//! Error bodies: `{"error":{"message","type","param","code"}}`.
//!
//! Compatible vendors bend it: `code` may be a number, `error` a plain text, and older vLLM puts the fields at the top
//! beside `"object":"error"`.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{UpstreamError, lenient::Lenient};

/// Reads an error body or the data of an error event.
pub(crate) fn read(body: &[u8]) -> Option<UpstreamError> {
    let envelope: Envelope<'_> = serde_json::from_slice(body).ok()?;
    if envelope.object.0.as_deref() == Some("error") {
        return serde_json::from_slice(body).ok().map(Detail::into_error);
    }
    let error = envelope.error?.get();
    if let Ok(message) = serde_json::from_str::<String>(error) {
        return Some(UpstreamError { kind: UNNAMED.to_owned(), code: None, message });
    }
    serde_json::from_str(error).ok().map(Detail::into_error)
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    object: Lenient<Cow<'a, str>>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Detail<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Lenient<Cow<'a, str>>,
    #[serde(borrow, default)]
    code: Lenient<Code<'a>>,
    #[serde(borrow, default)]
    message: Lenient<Cow<'a, str>>,
}

impl Detail<'_> {
    fn into_error(self) -> UpstreamError {
        UpstreamError {
            kind: self.kind.0.map_or_else(|| UNNAMED.to_owned(), Cow::into_owned),
            code: self.code.0.map(Code::into_text),
            message: self.message.0.map_or_else(String::new, Cow::into_owned),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Code<'a> {
    Number(i64),
    Text(#[serde(borrow)] Cow<'a, str>),
}

impl Code<'_> {
    fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.into_owned(),
        }
    }
}

/// Stands for a class of error that the vendor does not name.
pub(crate) const UNNAMED: &str = "error";
