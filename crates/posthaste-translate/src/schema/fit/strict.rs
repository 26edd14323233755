//! OpenAI's strict mode: closed objects with all their properties, and a subset of the keywords.
//!
//! <https://platform.openai.com/docs/guides/structured-outputs#supported-schemas>

use std::{borrow::Cow, collections::HashSet, mem};

use super::{listed_items, note, take_foreign};
use crate::schema::{
    Pass,
    tree::{Named, Object, Schema, Value, holds, list, string},
    types,
};

/// Says whether the whole schema may stand at the root: only an object may, and no choice between several.
pub(super) fn root(object: &Object<'_>, pass: &mut Pass<'_>) {
    if types::of(object) != ["object"] || object.contains_key("anyOf") {
        pass.broken("", "is no plain object, which strict mode wants at the root");
    }
}

/// An object that must stay empty: nothing else of which nothing is known is allowed.
pub(in crate::schema) fn closed_object<'a>() -> Schema<'a> {
    Schema::object([
        ("type", Value::text("\"object\"")),
        ("properties", Value::Named(Named::new())),
        ("required", Value::text("[]")),
        ("additionalProperties", Value::Schema(Schema::Bool(false))),
    ])
}

pub(super) fn object<'a>(mut object: Object<'a>, pass: &mut Pass<'_>) -> Object<'a> {
    let nullable = object.shift_remove("nullable").is_some_and(|value| value.data() == Some("true"));
    types::infer(&mut object);
    keywords(&mut object, pass);
    listed_items(&mut object, pass);
    if types::has(&object, "object") {
        closed(&mut object, pass);
    } else {
        object.shift_remove("additionalProperties");
    }
    if !nullable || super::is_bare(&object) {
        return object;
    }
    match with_null(Schema::Object(object)) {
        Schema::Object(object) => object,
        Schema::Bool(_) => Object::new(),
    }
}

fn closed(object: &mut Object<'_>, pass: &mut Pass<'_>) {
    let is_empty = !matches!(object.get("properties"), Some(Value::Named(named)) if !named.is_empty());
    match object.get("additionalProperties") {
        Some(Value::Schema(Schema::Bool(false))) => {}
        None if !is_empty => {}
        _ => pass.broken("additionalProperties", "closed to keys that are not named"),
    }
    object.insert(Cow::Borrowed("additionalProperties"), Value::Schema(Schema::Bool(false)));
    let required = object.get("required").and_then(Value::elements).unwrap_or_default();
    let mut names: Vec<String> = required.iter().map(|&name| name.to_owned()).collect();
    let known: HashSet<String> =
        required.iter().filter_map(|name| string(name)).map(Cow::into_owned).collect();
    if !object.contains_key("properties") {
        object.insert(Cow::Borrowed("properties"), Value::Named(Named::new()));
    }
    if let Some(Value::Named(named)) = object.get_mut("properties") {
        for (name, schema) in named.iter_mut().filter(|(name, _)| !known.contains(&***name)) {
            pass.degraded("required", "optional properties are written as nullable");
            let optional = mem::replace(schema, Schema::Bool(true));
            *schema = with_null(optional);
            names.push(serde_json::to_string(name).expect("a string is JSON"));
        }
    }
    if names.len() > known.len() || !object.contains_key("required") {
        object.insert(Cow::Borrowed("required"), list(&names));
    }
}

/// A schema that takes null as well.
fn with_null(schema: Schema<'_>) -> Schema<'_> {
    let Schema::Object(mut object) = schema else { return schema };
    let has = |key: &str| object.contains_key(key);
    match (has("type"), has("anyOf"), has("enum"), has("const") || has("$ref")) {
        (true, false, _, false) => {
            let mut names: Vec<_> = types::of(&object).into_iter().map(Cow::into_owned).collect();
            if !names.iter().any(|name| types::is(name, "null")) {
                names.push("null".to_owned());
                object.insert(Cow::Borrowed("type"), types::write(&names));
            }
            if let Some(mut values) = object.get("enum").and_then(Value::elements)
                && !holds(&values, "null")
            {
                values.push("null");
                let values = list(&values);
                object.insert(Cow::Borrowed("enum"), values);
            }
            Schema::Object(object)
        }
        (false, true, false, false) => {
            if let Some(Value::List(schemas)) = object.get_mut("anyOf")
                && !schemas.iter().any(takes_null)
            {
                schemas.push(Schema::of_type("\"null\""));
            }
            Schema::Object(object)
        }
        _ => {
            // Definitions stay where references look for them.
            let definitions = ["$defs", "definitions"].map(|key| object.shift_remove_entry(key));
            let branches = vec![Schema::Object(object), Schema::of_type("\"null\"")];
            let mut wrapped = Object::new();
            wrapped.insert(Cow::Borrowed("anyOf"), Value::List(branches));
            wrapped.extend(definitions.into_iter().flatten());
            Schema::Object(wrapped)
        }
    }
}

fn takes_null(schema: &Schema<'_>) -> bool {
    match schema {
        Schema::Object(object) => {
            types::has(object, "null")
                && !["anyOf", "enum", "const"].iter().any(|key| object.contains_key(*key))
        }
        Schema::Bool(value) => *value,
    }
}

fn keywords(object: &mut Object<'_>, pass: &mut Pass<'_>) {
    for (key, value) in take_foreign(object, is_known) {
        match note::word(&value) {
            Some(word) if key == "format" => {
                note::add(object, &format!("Format: {word}."));
                pass.degraded("format", "told in the description");
            }
            _ => pass.dropped(&key),
        }
    }
}

fn is_known(key: &str, value: &Value<'_>) -> bool {
    match key {
        "format" => note::word(value).is_some_and(|word| FORMATS.contains(&word.as_str())),
        key => KNOWN.contains(&key),
    }
}

const KNOWN: &[&str] = &[
    "$defs",
    "$ref",
    "additionalProperties",
    "anyOf",
    "const",
    "definitions",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "multipleOf",
    "pattern",
    "properties",
    "required",
    "title",
    "type",
];

/// "'uri' is not a valid format" is what the others get.
const FORMATS: &[&str] =
    &["date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uuid"];
