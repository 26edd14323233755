//! Rules that a reader has no keyword for, told to the model in the description.

use std::borrow::Cow;

use crate::schema::tree::{Object, Value, string};

/// Adds a sentence to an object's description.
pub(super) fn add(object: &mut Object<'_>, sentence: &str) {
    let described = object.get("description").map(|value| value.string().map(Cow::into_owned));
    let text = match described {
        None => sentence.to_owned(),
        Some(Some(text)) if text.is_empty() => sentence.to_owned(),
        Some(Some(text)) if !text.contains(sentence) => format!("{text} {sentence}"),
        // Told already, or no text that could be added to.
        Some(_) => return,
    };
    object.insert(Cow::Borrowed("description"), Value::made(&text));
}

/// A number, as it was spelled; `None` where the value is none.
pub(super) fn number(value: &Value<'_>) -> Option<String> {
    let json = value.data()?.trim();
    let is_number = json.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    (is_number && json.len() <= LONGEST).then(|| json.to_owned())
}

/// A word such as the name of a format.
pub(super) fn word(value: &Value<'_>) -> Option<String> {
    value.string().filter(|word| word.len() <= LONGEST).map(Cow::into_owned)
}

/// A few values; `None` where they are too many or too long to be told.
pub(super) fn values(values: &[&str]) -> Option<String> {
    if values.len() > MOST || values.iter().any(|value| value.len() > LONGEST) {
        return None;
    }
    let told: Vec<_> = values.iter().map(|value| told(value)).collect();
    Some(match told.as_slice() {
        [only] => format!("Always {only}."),
        several => format!("One of: {}.", several.join(", ")),
    })
}

/// Strings keep their quotes here, so that `"1"` and `1` differ.
fn told(value: &str) -> Cow<'_, str> {
    match string(value) {
        Some(text) => Cow::Owned(format!("\"{text}\"")),
        None => Cow::Borrowed(value),
    }
}

/// A description is read at every turn: no essays.
const MOST: usize = 24;
const LONGEST: usize = 64;
