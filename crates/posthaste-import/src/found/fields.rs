//! Fields as they come: texts in Redis, any JSON in exports.

use std::{borrow::Cow, collections::BTreeMap};

use posthaste_core::Timestamp;
use serde_json::Value;

/// A record's fields.
#[derive(Clone, Debug, Default)]
pub struct Fields(BTreeMap<String, Value>);

impl Fields {
    /// The fields of a JSON object; none where it is no object.
    pub fn of(value: Value) -> Self {
        match value {
            Value::Object(map) => Self(map.into_iter().collect()),
            _ => Self::default(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets a field.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Takes a field out.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Each field.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// A field as text; absent and empty ones are none.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        let text = match self.0.get(name)? {
            Value::String(text) => Cow::Borrowed(text.trim()),
            Value::Number(number) => Cow::Owned(number.to_string()),
            Value::Bool(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
            Value::Null => return None,
            other => Cow::Owned(other.to_string()),
        };
        // What JavaScript writes for nothing.
        (!text.is_empty() && !matches!(&*text, "null" | "undefined")).then_some(text)
    }

    /// A switch.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match &*self.text(name)? {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// A number above zero.
    pub fn amount(&self, name: &str) -> Option<f64> {
        self.text(name)?.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0)
    }

    /// A whole number above zero.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in range, and whole")]
    pub fn whole(&self, name: &str) -> Option<u64> {
        self.amount(name)
            .map(f64::trunc)
            .filter(|number| (1.0..1e18).contains(number))
            .map(|number| number as u64)
    }

    /// Dollars above zero as nano-dollars, to the nearest: the predecessor counts them in floating point.
    pub fn dollars(&self, name: &str) -> Option<u64> {
        self.amount(name).map(nanos).and_then(|nanos| u64::try_from(nanos).ok()).filter(|nanos| *nanos > 0)
    }

    /// JSON, also where it is written as text.
    pub fn json(&self, name: &str) -> Option<Value> {
        match self.0.get(name)? {
            Value::String(text) => serde_json::from_str(text).ok(),
            Value::Null => None,
            other => Some(other.clone()),
        }
    }

    /// A list of texts: a JSON list, or words between commas.
    pub fn list(&self, name: &str) -> Vec<String> {
        let text = |value: Value| match value {
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            _ => None,
        };
        match self.json(name) {
            Some(Value::Array(items)) => items.into_iter().filter_map(text).collect(),
            Some(Value::String(one)) => vec![one],
            Some(_) => Vec::new(),
            None => {
                let words = self.text(name).unwrap_or_default();
                words.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
            }
        }
    }

    /// A moment: RFC 3339, or a number of milliseconds or seconds.
    pub fn moment(&self, name: &str) -> Option<Timestamp> {
        moment(&self.text(name)?)
    }
}

/// Dollars as nano-dollars, to the nearest.
#[expect(clippy::cast_possible_truncation, reason = "casts saturate")]
pub(crate) fn nanos(dollars: f64) -> i64 {
    (dollars * 1e9).round() as i64
}

fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(number) = text.parse::<i64>() {
        // Seconds reach this in the year 5138, milliseconds did in 1973.
        return Some(if number < 100_000_000_000 {
            Timestamp::from_secs(number)
        } else {
            Timestamp::from_millis(number)
        });
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_read_as_redis_and_as_json_have_them() {
        let redis = Fields::of(json!({
            "flag": "true", "off": "false", "number": "12.5", "zero": "0", "list": "[\"a\",\"b\"]", "words": "a, b",
            "at": "2026-07-01T00:00:00.000Z", "ms": "1782864000000", "empty": "", "none": "null",
        }));
        let json = Fields::of(json!({
            "flag": true, "off": false, "number": 12.5, "zero": 0, "list": ["a", "b"], "words": "a, b",
            "at": "2026-07-01T00:00:00Z", "ms": 1_782_864_000_000_i64, "empty": null, "none": null,
        }));
        for fields in [redis, json] {
            assert_eq!(
                (fields.flag("flag"), fields.flag("off"), fields.flag("empty")),
                (Some(true), Some(false), None)
            );
            assert_eq!((fields.dollars("number"), fields.dollars("zero")), (Some(12_500_000_000), None));
            assert_eq!((fields.whole("number"), fields.whole("zero")), (Some(12), None));
            assert_eq!(fields.list("list"), ["a", "b"]);
            assert_eq!(fields.list("words"), ["a", "b"]);
            assert!(fields.list("empty").is_empty() && fields.text("none").is_none());
            assert_eq!(fields.moment("at"), fields.moment("ms"));
            assert_eq!(fields.moment("at"), Some("2026-07-01T00:00:00Z".parse().unwrap()));
        }
    }

    #[test]
    fn moments_in_seconds_are_told_from_those_in_milliseconds() {
        assert_eq!(moment("1782864000"), moment("1782864000000"));
        assert_eq!(moment("soon"), None);
    }
}
