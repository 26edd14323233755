//! Reading what an upstream sends without failing over one odd field.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::value::RawValue;

/// Reads a struct from an object; `None` for any other JSON. Serde alone would also read it from an array.
pub(crate) fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> serde_json::Result<Option<T>> {
    if json.trim_ascii_start().starts_with(b"{") {
        match std::str::from_utf8(json) {
            // Looked at once, and not string by string.
            Ok(text) => serde_json::from_str(text).map(Some),
            Err(_) => serde_json::from_slice(json).map(Some),
        }
    } else {
        serde_json::from_slice(json).map(|IgnoredAny| None)
    }
}

/// A field of the type `T`, or `None` for anything else that is JSON: the object around it is read all the same.
/// `T` is no list; see [`List`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lenient<T>(pub(crate) Option<T>);

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de: 'a, 'a, T: Deserialize<'a>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &'a RawValue = Deserialize::deserialize(deserializer)?;
        let json = raw.get();
        Ok(Self(if json.starts_with('[') { None } else { serde_json::from_str(json).ok() }))
    }
}

/// A field that is a list, or `None` for anything else; elements of another type than `T` are left out.
#[derive(Clone, Debug)]
pub(crate) struct List<T>(pub(crate) Option<Vec<T>>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de: 'a, 'a, T: Deserialize<'a>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &'a RawValue = Deserialize::deserialize(deserializer)?;
        let elements = serde_json::from_str::<Vec<Lenient<T>>>(raw.get()).ok();
        Ok(Self(elements.map(|elements| elements.into_iter().filter_map(|element| element.0).collect())))
    }
}

/// A string that is copied only when it holds escapes.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl Text<'_> {
    pub(crate) fn into_string(self) -> String {
        self.0.into_owned()
    }
}

/// Whether a field holds anything: not absent, `null`, an empty text, an empty list or an empty object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filled(pub(crate) bool);

impl<'de> Deserialize<'de> for Filled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let hollow = raw == "null"
            || raw == "\"\""
            || (raw.starts_with(['[', '{']) && raw[1..raw.len() - 1].trim_ascii().is_empty());
        Ok(Self(!hollow))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_odd_field_does_not_spoil_the_others() {
        #[derive(Deserialize)]
        struct Pair {
            #[serde(default)]
            left: Lenient<u64>,
            #[serde(default)]
            right: Lenient<u64>,
        }
        let pair: Pair = serde_json::from_str(r#"{"left":"odd","right":7}"#).unwrap();
        assert_eq!((pair.left.0, pair.right.0), (None, Some(7)));
    }

    #[test]
    fn a_struct_is_read_from_an_object_only() {
        #[derive(Debug, Deserialize)]
        struct One {
            one: u64,
        }
        assert_eq!(object::<One>(b" {\"one\":1}").unwrap().unwrap().one, 1);
        assert!(object::<One>(b"[1]").unwrap().is_none());
        assert!(object::<One>(b"[1").is_err());
        assert!(serde_json::from_str::<Lenient<One>>("[1]").unwrap().0.is_none());
        let list: List<One> = serde_json::from_str(r#"[{"one":1},[2],null,{"one":3}]"#).unwrap();
        assert_eq!(list.0.unwrap().iter().map(|element| element.one).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn hollow_values_are_told_from_filled_ones() {
        let filled = |json: &str| serde_json::from_str::<Filled>(json).unwrap().0;
        for hollow in ["null", r#""""#, "[]", "[ ]", "{}"] {
            assert!(!filled(hollow), "{hollow}");
        }
        for full in [r#"" ""#, "[null]", r#"{"a":1}"#, "0", "false"] {
            assert!(filled(full), "{full}");
        }
    }
}
