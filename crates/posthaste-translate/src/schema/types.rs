//! The value of `type`: one name or several.

use std::borrow::Cow;

use super::tree::{Object, Value, elements, string};
use crate::json::Str;

/// The names under `type`, in whatever case: Gemini writes them in capitals.
pub(super) fn read(json: &str) -> Option<Vec<Cow<'_, str>>> {
    match string(json) {
        Some(name) => Some(vec![name]),
        None => {
            let names = serde_json::from_str::<Vec<Str<'_>>>(json).ok()?;
            Some(names.into_iter().map(|name| name.0).collect())
        }
    }
}

/// The names under an object's `type`; none where it has no readable one.
pub(super) fn of<'o>(object: &'o Object<'_>) -> Vec<Cow<'o, str>> {
    object.get("type").and_then(Value::data).and_then(read).unwrap_or_default()
}

pub(super) fn write<'a>(names: &[impl AsRef<str>]) -> Value<'a> {
    match names {
        [name] => Value::made(&name.as_ref()),
        names => Value::made(&names.iter().map(AsRef::as_ref).collect::<Vec<_>>()),
    }
}

/// Whether a name means a type.
pub(super) fn is(name: &str, of: &str) -> bool {
    name.eq_ignore_ascii_case(of)
}

/// Whether the object's values may be of a type.
pub(super) fn has(object: &Object<'_>, name: &str) -> bool {
    of(object).iter().any(|one| is(one, name))
}

/// The types that both take; an integer is a number. `None` where there are none.
pub(super) fn common<'n>(mine: &[Cow<'n, str>], theirs: &[Cow<'n, str>]) -> Option<Vec<Cow<'n, str>>> {
    let mut common = Vec::new();
    for name in mine {
        let taken = |wanted: &str| theirs.iter().any(|their| is(their, wanted));
        let narrowed = is(name, "number") && !taken("number") && taken("integer");
        let widened = is(name, "integer") && taken("number");
        if narrowed {
            common.push(Cow::Borrowed("integer"));
        } else if taken(name) || widened {
            common.push(name.clone());
        }
    }
    (!common.is_empty()).then_some(common)
}

/// Gives an object without a `type` the one that its other keywords speak of.
pub(super) fn infer(object: &mut Object<'_>) {
    if ["type", "anyOf", "$ref"].iter().any(|key| object.contains_key(*key)) {
        return;
    }
    let names = match object.get("enum").and_then(Value::elements) {
        Some(values) => of_values(&values),
        None => match object.get("const").and_then(Value::data) {
            Some(value) => of_values(&[value]),
            None => object.keys().find_map(|key| speaks_of(key)).into_iter().collect(),
        },
    };
    if !names.is_empty() {
        object.shift_insert(0, Cow::Borrowed("type"), write(&names));
    }
}

fn of_values(values: &[&str]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for value in values {
        let name = of_value(value);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.contains(&"number") {
        names.retain(|name| *name != "integer");
    }
    names
}

/// The type of a JSON value.
pub(super) fn of_value(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'"') => "string",
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b't' | b'f') => "boolean",
        Some(b'n') | None => "null",
        Some(_) if json.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => "integer",
        Some(_) => "number",
    }
}

/// The type that a keyword is about.
pub(super) fn speaks_of(keyword: &str) -> Option<&'static str> {
    match keyword {
        "properties"
        | "required"
        | "additionalProperties"
        | "minProperties"
        | "maxProperties"
        | "propertyOrdering" => Some("object"),
        "items" | "prefixItems" | "minItems" | "maxItems" | "uniqueItems" => Some("array"),
        "minLength" | "maxLength" | "pattern" => Some("string"),
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => Some("number"),
        _ => None,
    }
}

/// Strikes a value from an object's `enum`, and the `enum` when nothing is left.
pub(super) fn strike(object: &mut Object<'_>, is: impl Fn(&str) -> bool) -> bool {
    let Some(json) = object.get("enum").and_then(Value::data) else { return false };
    let Some(values) = elements(json) else { return false };
    let kept: Vec<_> = values.iter().filter(|value| !is(value)).collect();
    if kept.len() == values.len() {
        return false;
    }
    let kept = (!kept.is_empty()).then(|| super::tree::list(&kept));
    match kept {
        Some(kept) => drop(object.insert(Cow::Borrowed("enum"), kept)),
        None => drop(object.shift_remove("enum")),
    }
    true
}
