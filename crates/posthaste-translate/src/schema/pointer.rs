//! Where a `$ref` leads: JSON pointers (RFC 6901) in the fragment of a URI (RFC 3986).

use std::borrow::Cow;

use super::tree::{Schema, Value};

/// The schema that a local reference leads to.
pub(super) fn resolve<'t, 'a>(root: &'t Schema<'a>, reference: &str) -> Option<&'t Schema<'a>> {
    let mut at = Place::Schema(root);
    for token in tokens(reference)? {
        at = at.child(&token)?;
    }
    match at {
        Place::Schema(schema) => Some(schema),
        Place::Value(_) => None,
    }
}

/// Whether a reference leads to the root or to one of its definitions, which stay where they are.
pub(super) fn is_definition(reference: &str) -> bool {
    let Some(tokens) = tokens(reference) else { return false };
    match tokens.as_slice() {
        [] => true,
        [first, _] => matches!(&**first, "$defs" | "definitions"),
        _ => false,
    }
}

#[derive(Clone, Copy)]
enum Place<'t, 'a> {
    Schema(&'t Schema<'a>),
    Value(&'t Value<'a>),
}

impl<'t, 'a> Place<'t, 'a> {
    fn child(self, token: &str) -> Option<Self> {
        let value = match self {
            Place::Schema(Schema::Object(object)) => object.get(token)?,
            Place::Schema(Schema::Bool(_)) => return None,
            Place::Value(Value::Named(named)) => return named.get(token).map(Place::Schema),
            Place::Value(Value::List(schemas)) => return schemas.get(index(token)?).map(Place::Schema),
            Place::Value(Value::Schema(_) | Value::Data(_)) => return None,
        };
        Some(match value {
            Value::Schema(schema) => Place::Schema(schema),
            value => Place::Value(value),
        })
    }
}

/// RFC 6901 knows no leading zeros and no signs.
fn index(token: &str) -> Option<usize> {
    let plain = token == "0" || (token.bytes().all(|byte| byte.is_ascii_digit()) && !token.starts_with('0'));
    if plain { token.parse().ok() } else { None }
}

fn tokens(reference: &str) -> Option<Vec<Cow<'_, str>>> {
    let pointer = reference.strip_prefix('#')?;
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    pointer.strip_prefix('/')?.split('/').map(token).collect()
}

/// Undoes percent-encoding, then `~1` and `~0`.
fn token(text: &str) -> Option<Cow<'_, str>> {
    let text = percent_decoded(text)?;
    if !text.contains('~') {
        return Some(text);
    }
    Some(Cow::Owned(text.replace("~1", "/").replace("~0", "~")))
}

fn percent_decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, after @ ..] = rest else { return None };
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(digit(*high)? << 4 | digit(*low)?);
        rest = after;
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_references_are_followed_through_every_spelling() {
        let text = r#"{"$defs":{"a/b":{"title":"1"},"m~n":{"title":"2"},"~1":{"title":"3"},"é %":{"title":"4"}},
            "properties":{"p":{"anyOf":[{},{"items":{"title":"5"}}]}},"definitions":{"":{"title":"6"}}}"#;
        let (root, _) = Schema::read(text).unwrap();
        let title = |reference: &str| match resolve(&root, reference) {
            Some(Schema::Object(object)) => object.get("title").and_then(Value::data),
            _ => None,
        };
        assert_eq!(title("#/$defs/a~1b"), Some("\"1\""));
        assert_eq!(title("#/%24defs/m~0n"), Some("\"2\""));
        assert_eq!(title("#/$defs/~01"), Some("\"3\""));
        assert_eq!(title("#/$defs/%C3%A9%20%25"), Some("\"4\""));
        assert_eq!(title("#/properties/p/anyOf/1/items"), Some("\"5\""));
        assert_eq!(title("#/definitions/"), Some("\"6\""));
        assert_eq!(resolve(&root, "#"), Some(&root));
    }

    #[test]
    fn what_leads_nowhere_is_told() {
        let (root, _) = Schema::read(r#"{"anyOf":[{}],"enum":[{"a":1}],"items":true}"#).unwrap();
        for reference in [
            "",
            "a.json",
            "https://h/#/anyOf/0",
            "#a",
            "#/anyOf",
            "#/anyOf/00",
            "#/anyOf/+0",
            "#/anyOf/1",
            "#/enum/0",
        ] {
            assert_eq!(resolve(&root, reference), None, "{reference}");
        }
        for reference in ["#/%", "#/%4", "#/%zz", "#/%ff", "#/items/a"] {
            assert_eq!(resolve(&root, reference), None, "{reference}");
        }
    }

    #[test]
    fn definitions_are_told_from_other_places() {
        assert!(is_definition("#") && is_definition("#/$defs/a~1b") && is_definition("#/definitions/%20"));
        assert!(!is_definition("#/$defs/a/items") && !is_definition("#/properties/a") && !is_definition("a"));
    }
}
