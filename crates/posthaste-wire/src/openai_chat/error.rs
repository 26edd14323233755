//! Error bodies: `{"error":{"message","type","param","code"}}`.
//!
//! Compatible vendors bend it: `code` may be a number, `error` a plain text, and older vLLM puts the fields at the top
//! beside `"object":"error"`.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    UpstreamError,
    lenient::{Lenient, Text, object},
};

/// Reads an error body or the data of an error event.
pub(crate) fn read(body: &[u8]) -> Option<UpstreamError> {
    let envelope: Envelope<'_> = object(body).ok()??;
    if envelope.object.0.is_some_and(|object| object.0 == "error") {
        return serde_json::from_slice(body).ok().map(Detail::into_error);
    }
    let error = envelope.error?.get();
    if let Ok(message) = serde_json::from_str::<String>(error) {
        return Some(UpstreamError { kind: UNNAMED.to_owned(), code: None, message });
    }
    object(error.as_bytes()).ok()?.map(Detail::into_error)
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    object: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Detail<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    code: Lenient<Code<'a>>,
    #[serde(borrow, default)]
    message: Lenient<Text<'a>>,
}

impl Detail<'_> {
    fn into_error(self) -> UpstreamError {
        UpstreamError {
            kind: self.kind.0.map_or_else(|| UNNAMED.to_owned(), Text::into_string),
            code: self.code.0.map(Code::into_text),
            message: self.message.0.map_or_else(String::new, Text::into_string),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Code<'a> {
    Number(i64),
    Text(#[serde(borrow)] Text<'a>),
}

impl Code<'_> {
    fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.into_string(),
        }
    }
}

/// Stands for a class of error that the vendor does not name.
pub(crate) const UNNAMED: &str = "error";
