//! The many ways in which Google's JSON may be spelled.
//!
//! Bodies are protobuf messages in JSON (<https://protobuf.dev/programming-guides/json/>): names in two spellings, whole
//! numbers also as strings, a single value where a list is meant, base64 in both alphabets.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{
        Error, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use serde_json::value::RawValue;

/// The camelCase form of a name.
pub(super) fn camel(name: &str) -> Cow<'_, str> {
    if !name.contains('_') {
        return Cow::Borrowed(name);
    }
    let mut camel = String::with_capacity(name.len());
    let mut raise = false;
    for character in name.chars() {
        match character {
            '_' => raise = !camel.is_empty(),
            letter if raise => {
                camel.push(letter.to_ascii_uppercase());
                raise = false;
            }
            letter => camel.push(letter),
        }
    }
    Cow::Owned(camel)
}

/// A list, or the only element of one.
#[derive(Clone, Debug, Default)]
pub(super) struct List<'a>(pub(super) Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for List<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        match raw.get() {
            "null" => Ok(Self::default()),
            list if list.starts_with('[') => serde_json::from_str(list).map(Self).map_err(D::Error::custom),
            _ => Ok(Self(vec![raw])),
        }
    }
}

/// A list of objects, or the only element of one. Unlike [`List`] it reads them at once, and so only once.
#[derive(Debug)]
pub(super) struct ListOf<T>(pub(super) Vec<T>);

impl<T> Default for ListOf<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ListOf<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListOfVisitor(PhantomData))
    }
}

struct ListOfVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListOfVisitor<T> {
    type Value = ListOf<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list, or an object")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(ListOf::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(ListOf)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|only| ListOf(vec![only]))
    }
}

/// A whole number, which may be spelled as a float or a string.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole(i64);

impl Whole {
    /// The number, if it is none below zero.
    pub(super) fn unsigned(self) -> Option<u64> {
        u64::try_from(self.0).ok()
    }

    /// The number.
    pub(super) fn signed(self) -> i64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let text = raw.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(raw);
        if let Ok(number) = text.parse() {
            return Ok(Self(number));
        }
        let float = text.parse::<f64>().ok().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT);
        #[expect(clippy::cast_possible_truncation, reason = "whole and within the range of exact floats")]
        let number = float.map(|float| Self(float as i64));
        number.ok_or_else(|| D::Error::custom(format_args!("expected a whole number, not `{raw}`")))
    }
}

/// Up to here every whole number is a float.
const EXACT: f64 = 9_007_199_254_740_992.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_one_name() {
        assert_eq!(camel("max_output_tokens"), "maxOutputTokens");
        assert!(matches!(camel("maxOutputTokens"), Cow::Borrowed(_)));
        assert_eq!(camel("_responseJsonSchema"), "responseJsonSchema");
        assert_eq!(camel("a__b_"), "aB");
    }

    #[test]
    fn whole_numbers_have_three_spellings() {
        let read = |json: &str| serde_json::from_str::<Whole>(json).ok().map(Whole::signed);
        for json in ["40", "40.0", "\"40\"", "4e1"] {
            assert_eq!(read(json), Some(40), "{json}");
        }
        assert_eq!(read("-1"), Some(-1));
        for odd in ["1.5", "1e300", "\"many\"", "true", "[]", "\"\""] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_single_value_is_a_list_too() {
        let read = |json| serde_json::from_str::<List<'_>>(json).unwrap().0.len();
        assert_eq!([read("[1,2]"), read("{\"a\":1}"), read("null"), read("[]")], [2, 1, 0, 0]);
        type Objects = ListOf<std::collections::BTreeMap<String, u8>>;
        let read = |json| serde_json::from_str::<Objects>(json).unwrap().0.len();
        assert_eq!([read("[{},{}]"), read("{\"a\":1}"), read("null"), read("[]")], [2, 1, 0, 0]);
    }
}
