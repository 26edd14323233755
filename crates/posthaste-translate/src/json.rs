//! Reading JSON by borrowing, and writing it.

use std::{borrow::Cow, fmt, marker::PhantomData, ops::Deref};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{
        self, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
    ser::SerializeMap,
};
use serde_json::value::RawValue;

use crate::ir::{Extra, Json, Weight};

/// A string that borrows from the body when it holds no escapes.
///
/// Serde borrows a `Cow` only where it is a field of its own; this newtype borrows inside `Option` and `Vec` too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Str<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl Str<'_> {
    pub(crate) fn into_string(self) -> String {
        self.0.into_owned()
    }
}

impl Deref for Str<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Fields that a wire object has beside those its type names.
pub(crate) type Rest<'a> = Vec<(Str<'a>, &'a RawValue)>;

/// Gives unnamed fields a place in the IR; `weigh` says how much hangs on each.
pub(crate) fn extras(rest: Rest<'_>, weigh: impl Fn(&str, &RawValue) -> Weight) -> Vec<Extra> {
    let told = rest.into_iter().filter(|(_, value)| !matches!(value.get(), "null" | "[]"));
    told.map(|(field, value)| Extra {
        weight: weigh(&field, value),
        field: field.into_string(),
        value: Json::from(value),
    })
    .collect()
}

/// All unnamed fields are hints.
pub(crate) fn hints(rest: Rest<'_>) -> Vec<Extra> {
    extras(rest, |_, _| Weight::Hint)
}

/// Extras written as fields of the object around them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fields<'a>(pub(crate) &'a [Extra]);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for extra in self.0 {
            map.serialize_entry(&extra.field, &extra.value)?;
        }
        map.end()
    }
}

/// A value that dialects write as a plain string or as something richer.
#[derive(Debug, Default)]
pub(crate) enum TextOr<'a, T> {
    #[default]
    Null,
    Text(Str<'a>),
    Rich(T),
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for TextOr<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrVisitor(PhantomData))
    }
}

struct TextOrVisitor<'a, T>(PhantomData<(&'a (), T)>);

impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for TextOrVisitor<'a, T> {
    type Value = TextOr<'a, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, or a list or object")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(TextOr::Null)
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(TextOr::Text(Str(Cow::Borrowed(text))))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(TextOr::Text(Str(Cow::Owned(text.to_owned()))))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(list)).map(TextOr::Rich)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(TextOr::Rich)
    }
}

/// Declares a borrowing wire object that keeps the fields it does not name.
///
/// Serde's `flatten` would do the same by building a tree of every value first; this keeps one pass. Of a doubled field the
/// last one counts. A field may have a second spelling. Errors name the fields on the way.
macro_rules! wire_object {
    ($(#[$meta:meta])* $vis:vis struct $name:ident<$lt:lifetime> { $($field:ident: $ty:ty = $key:literal $(| $alias:literal)*,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        $vis struct $name<$lt> {
            $($field: $ty,)*
            rest: $crate::json::Rest<$lt>,
        }

        impl<'de: $lt, $lt> serde::Deserialize<'de> for $name<$lt> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct ObjectVisitor<$lt>(std::marker::PhantomData<&$lt ()>);

                impl<'de: $lt, $lt> serde::de::Visitor<'de> for ObjectVisitor<$lt> {
                    type Value = $name<$lt>;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name<$lt>, A::Error> {
                        let mut object = $name::default();
                        while let Some(key) = map.next_key::<$crate::json::Str<'de>>()? {
                            match &*key {
                                $($key $(| $alias)* => object.$field = map.next_value().map_err(|error| $crate::json::at($key, error))?,)*
                                _ => object.rest.push((key, map.next_value()?)),
                            }
                        }
                        Ok(object)
                    }
                }

                deserializer.deserialize_map(ObjectVisitor(std::marker::PhantomData))
            }
        }
    };
}
pub(crate) use wire_object;

/// Names the field in which reading failed.
pub(crate) fn at<E: de::Error>(field: &str, error: E) -> E {
    E::custom(format_args!("{field}: {error}"))
}

/// Reads a body.
pub(crate) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, serde_json::Error> {
    match std::str::from_utf8(body) {
        // Looked at once, and not string by string.
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(body),
    }
}

/// Writes a value behind what is already there.
pub(crate) fn write(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(out, value).expect("wire types have string keys, and a Vec takes every byte");
}

/// The text of a JSON value without insignificant white space; everything else stays as it is spelled.
pub(crate) fn compact(json: &str) -> Cow<'_, str> {
    let bytes = json.as_bytes();
    let mut text = String::new();
    let (mut at, mut taken) = (0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b' ' | b'\n' | b'\r' | b'\t' => {
                text.push_str(&json[taken..at]);
                at += 1;
                taken = at;
            }
            b'"' => at = end_of_string(bytes, at + 1),
            _ => at += 1,
        }
    }
    if taken == 0 {
        return Cow::Borrowed(json);
    }
    text.push_str(&json[taken..]);
    Cow::Owned(text)
}

/// How long the string is that `json` begins with, quotes included; `None` where there is none, or where its end is missing.
pub(crate) fn string_length(json: &[u8]) -> Option<usize> {
    json.starts_with(b"\"").then(|| string_end(json, 1)).flatten()
}

/// Where a string ends whose inside `at` lies in; the end of all where its own is missing.
fn end_of_string(json: &[u8], at: usize) -> usize {
    string_end(json, at).unwrap_or(json.len())
}

fn string_end(json: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', json.get(at..)?)?;
        if json[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    wire_object! {
        struct Sample<'a> {
            name: Option<Str<'a>> = "name",
            content: TextOr<'a, Vec<Sample<'a>>> = "content",
        }
    }

    #[test]
    fn plain_strings_are_borrowed_and_unnamed_fields_kept() {
        let sample: Sample<'_> = read(br#"{"name":"a","x":1.50,"content":[{"content":"b\n"}]}"#).unwrap();
        assert!(matches!(sample.name, Some(Str(Cow::Borrowed("a")))));
        assert_eq!(sample.rest[0].1.get(), "1.50");
        let TextOr::Rich(inner) = sample.content else { panic!("a list") };
        assert!(matches!(&inner[0].content, TextOr::Text(text) if &**text == "b\n"));
    }

    #[test]
    fn errors_name_the_path() {
        let error = read::<Sample<'_>>(br#"{"content":[{"name":1}]}"#).unwrap_err().to_string();
        assert!(error.starts_with("content: name: invalid type: integer `1`"), "{error}");
    }

    #[test]
    fn compacting_leaves_strings_alone() {
        assert_eq!(compact("{ \"a b\" : [ 1.0 ,\n2e3 ] }"), "{\"a b\":[1.0,2e3]}");
        assert_eq!(compact(r#"{"a": "\" x \\", "b": " "}"#), r#"{"a":"\" x \\","b":" "}"#);
        assert!(matches!(compact(r#"{"a b":"c\n d"}"#), Cow::Borrowed(_)));
        assert_eq!(["\" ", " \"\\", " \"é \\"].map(compact), ["\" ", "\"\\", "\"é \\"]);
    }
}
