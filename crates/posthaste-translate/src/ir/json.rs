//! JSON that is carried as text: schemas, arguments and fields that only one dialect knows.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::json::compact;

/// A JSON value carried as the text it came in: key order and the spelling of numbers survive.
#[derive(Clone)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Takes a text that is one JSON value.
    ///
    /// # Errors
    /// When it is not.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<&RawValue>(text).map(Self::from)
    }

    /// The value's text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The value, to be written as it is.
    pub fn as_raw(&self) -> &RawValue {
        &self.0
    }
}

impl From<&RawValue> for Json {
    fn from(raw: &RawValue) -> Self {
        Self(raw.to_owned())
    }
}

impl PartialEq for Json {
    /// Compares the texts less insignificant white space; `1` and `1.0` differ.
    fn eq(&self, other: &Self) -> bool {
        compact(self.as_str()) == compact(other.as_str())
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// The arguments of a tool call, as the text that the model wrote.
///
/// Dialects that carry a string may hold anything, also nothing; dialects that carry an object get one from
/// [`to_object`](Self::to_object).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments(String);

impl Arguments {
    /// Takes the text as it came.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the text is a JSON object, or nothing at all.
    pub fn is_object(&self) -> bool {
        self.0.trim().is_empty() || as_object(&self.0).is_some()
    }

    /// The arguments as a JSON object: nothing becomes `{}`, and a text that is no object is kept under `_raw`, since a
    /// single broken call in a long history must not fail the whole request.
    pub fn to_object(&self) -> Json {
        let text = self.0.trim();
        if text.is_empty() {
            return Json::parse("{}").expect("an empty object is JSON");
        }
        if let Some(object) = as_object(text) {
            return Json::from(object);
        }
        let kept = serde_json::json!({ "_raw": self.0 }).to_string();
        Json::parse(&kept).expect("a serialised value is JSON")
    }
}

fn as_object(text: &str) -> Option<&RawValue> {
    let raw = serde_json::from_str::<&RawValue>(text).ok()?;
    raw.get().starts_with('{').then_some(raw)
}

/// How much the meaning of a request hangs on a field that only one dialect knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Says what holds anyway: other dialects leave it out without a word.
    Trivial,
    /// A hint: other dialects leave it out and say so.
    Hint,
    /// Not known to the relay: treated as a hint, named as unknown.
    Unknown,
    /// The answer would be another one without it: other dialects refuse the request.
    Essential,
}

/// A field that only one dialect knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Extra {
    /// Its name in that dialect.
    pub field: String,
    /// Its value as it came.
    pub value: Json,
    /// What other dialects do about it.
    pub weight: Weight,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_become_an_object_whatever_they_were() {
        let object = |text: &str| Arguments::new(text).to_object().as_str().to_owned();
        assert_eq!(object(""), "{}");
        assert_eq!(object("  \n"), "{}");
        assert_eq!(object(r#"{"b":1.50,"a":1e3}"#), r#"{"b":1.50,"a":1e3}"#);
        assert_eq!(object(r#"{"city": "Par"#), r#"{"_raw":"{\"city\": \"Par"}"#);
        assert_eq!(object("[1]"), r#"{"_raw":"[1]"}"#);
    }

    #[test]
    fn json_compares_without_white_space_but_with_spelling() {
        assert_eq!(Json::parse("{\"a\" : [1, 2]}").unwrap(), Json::parse("{\"a\":[1,2]}").unwrap());
        assert_ne!(Json::parse("1").unwrap(), Json::parse("1.0").unwrap());
        assert_ne!(Json::parse("\"a b\"").unwrap(), Json::parse("\"ab\"").unwrap());
    }
}
