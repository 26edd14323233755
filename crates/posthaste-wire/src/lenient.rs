//! Reading what an upstream sends without failing over one odd field.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A field of the type `T`, or `None` for anything else that is JSON: the object around it is read all the same.
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
        Ok(Self(serde_json::from_str(raw.get()).ok()))
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
