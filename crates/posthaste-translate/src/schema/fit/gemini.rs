//! Gemini's `Schema`: a subset of OpenAPI 3.0, in which an unknown name is refused.
//!
//! <https://ai.google.dev/api/caching#Schema>

use std::borrow::Cow;

use super::{listed_items, note, take_foreign};
use crate::schema::{
    Pass,
    merge::both,
    tree::{Object, Schema, Value, string},
    types,
};

pub(super) fn object(object: &mut Object<'_>, pass: &mut Pass<'_>) {
    if let Some(Value::Schema(Schema::Bool(true))) = object.get("additionalProperties") {
        // What is not said is allowed as well.
        object.shift_remove("additionalProperties");
    }
    types::infer(object);
    let mut nullable = null_branches(object, pass);
    nullable |= types::strike(object, |value| value == "null");
    string_values(object, pass);
    nullable |= several_types(object, pass);
    keywords(object, pass);
    listed_items(object, pass);
    if nullable && types::of(object) != ["null"] {
        object.insert(Cow::Borrowed("nullable"), Value::text("true"));
    }
}

/// `anyOf` with null among its branches is what OpenAPI calls nullable; a single branch beside it needs no `anyOf`.
fn null_branches(object: &mut Object<'_>, pass: &mut Pass<'_>) -> bool {
    let Some(Value::List(schemas)) = object.get_mut("anyOf") else { return false };
    let several = schemas.len();
    schemas.retain(|schema| !is_null(schema));
    if schemas.len() == several {
        return false;
    }
    if schemas.len() > 1 {
        return true;
    }
    let only = schemas.pop();
    object.shift_remove("anyOf");
    let Some(only) = only else {
        object.entry(Cow::Borrowed("type")).or_insert(Value::text("\"null\""));
        return true;
    };
    if let Schema::Object(merged) = both(Schema::Object(std::mem::take(object)), only, pass) {
        *object = merged;
    }
    true
}

fn is_null(schema: &Schema<'_>) -> bool {
    match schema {
        Schema::Object(object) => matches!(types::of(object).as_slice(), [name] if types::is(name, "null")),
        Schema::Bool(_) => false,
    }
}

/// `enum` is for strings, none of them empty. Numbers written as strings would be answered as strings, which the client's
/// own check refuses; so they are told in words, and the type stays.
fn string_values(object: &mut Object<'_>, pass: &mut Pass<'_>) {
    let Some(value) = object.get("enum") else { return };
    let values = value.elements().unwrap_or_default();
    if !values.is_empty() && values.iter().all(|value| string(value).is_some()) {
        if types::strike(object, |value| value == "\"\"") {
            pass.degraded("enum", "written without the empty string");
        }
        return;
    }
    let sentence = note::values(&values);
    pass.degraded("enum", "told in the description where it is not of strings");
    object.shift_remove("enum");
    if let Some(sentence) = sentence {
        note::add(object, &sentence);
    }
}

/// A list of types: null makes it nullable, several others become branches. Tells whether null was among them.
fn several_types(object: &mut Object<'_>, pass: &mut Pass<'_>) -> bool {
    let is_list = object.get("type").and_then(Value::data).is_some_and(|json| json.starts_with('['));
    if !is_list {
        return false;
    }
    let names: Vec<_> = types::of(object).into_iter().map(Cow::into_owned).collect();
    let others: Vec<_> = names.iter().filter(|name| !types::is(name, "null")).collect();
    let nullable = others.len() < names.len();
    match others.as_slice() {
        [] => drop(object.insert(Cow::Borrowed("type"), Value::text("\"null\""))),
        [only] => drop(object.insert(Cow::Borrowed("type"), types::write(&[only]))),
        _ if object.contains_key("anyOf") => {
            pass.broken("type", "left out beside anyOf");
            object.shift_remove("type");
        }
        several => {
            let branches = several.iter().map(|name| branch(object, name, pass)).collect();
            object.retain(|key, _| {
                !matches!(&**key, "type" | "enum" | "format") && types::speaks_of(key).is_none()
            });
            object.insert(Cow::Borrowed("anyOf"), Value::List(branches));
        }
    }
    nullable
}

/// The part of an object that speaks of one type.
fn branch<'a>(object: &Object<'a>, name: &str, pass: &mut Pass<'_>) -> Schema<'a> {
    let mut branch = Object::new();
    branch.insert(Cow::Borrowed("type"), types::write(&[name]));
    let about = if types::is(name, "integer") { "number" } else { name };
    for (key, value) in object {
        let taken = match &**key {
            "enum" => types::is(name, "string"),
            "format" => is_format_of(name, value),
            key => types::speaks_of(key).is_some_and(|one| types::is(one, about)),
        };
        if taken {
            branch.insert(key.clone(), value.clone());
        }
    }
    keywords(&mut branch, pass);
    listed_items(&mut branch, pass);
    Schema::Object(branch)
}

fn is_format_of(name: &str, format: &Value<'_>) -> bool {
    let numeric = note::word(format).is_some_and(|word| NUMBER_FORMATS.contains(&word.as_str()));
    if types::is(name, "number") || types::is(name, "integer") {
        numeric
    } else {
        types::is(name, "string") && !numeric
    }
}

/// Leaves the names that `Schema` has, and tells the model in words what some others said.
fn keywords(object: &mut Object<'_>, pass: &mut Pass<'_>) {
    for (key, value) in take_foreign(object, is_known) {
        let sentence = match &*key {
            "exclusiveMinimum" => note::number(&value).map(|number| format!("Greater than {number}.")),
            "exclusiveMaximum" => note::number(&value).map(|number| format!("Less than {number}.")),
            "multipleOf" => note::number(&value).map(|number| format!("A multiple of {number}.")),
            "format" => note::word(&value).map(|word| format!("Format: {word}.")),
            _ => None,
        };
        match sentence {
            Some(sentence) => {
                note::add(object, &sentence);
                pass.degraded(&key, "told in the description");
            }
            None => pass.dropped(&key),
        }
    }
}

fn is_known(key: &str, value: &Value<'_>) -> bool {
    match key {
        "format" => {
            let known = |word: String| {
                NUMBER_FORMATS.contains(&word.as_str()) || matches!(&*word, "date-time" | "enum")
            };
            note::word(value).is_some_and(known)
        }
        key => KNOWN.contains(&key),
    }
}

/// Older models refuse `default`, newer ones ignore it: it is not among them.
const KNOWN: &[&str] = &[
    "anyOf",
    "description",
    "enum",
    "example",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "nullable",
    "pattern",
    "properties",
    "propertyOrdering",
    "required",
    "title",
    "type",
];

const NUMBER_FORMATS: &[&str] = &["float", "double", "int32", "int64"];
