//! A written-out schema in the words that a profile's reader knows.

use std::{borrow::Cow, collections::HashSet, mem};

use super::{
    Pass, SchemaProfile,
    tree::{Named, Object, Schema, Value, list, string},
    types,
};

mod gemini;
mod note;
mod plain;
mod strict;

pub(super) use strict::closed_object;

/// Fits a whole schema.
pub(super) fn fit<'a>(root: Schema<'a>, pass: &mut Pass<'_>) -> Schema<'a> {
    let root = part(root, pass);
    if pass.profile == SchemaProfile::GeminiJsonSchema {
        return root;
    }
    let mut object = match root {
        Schema::Object(object) => object,
        Schema::Bool(_) => Object::new(),
    };
    if is_bare(&object) {
        // Arguments are an object, whatever else may be said of them.
        pass.broken("", "a value of any type is written as an object");
        object.shift_insert(0, Cow::Borrowed("type"), Value::text("\"object\""));
        return part(Schema::Object(object), pass);
    }
    if pass.profile == SchemaProfile::OpenAiStrict {
        strict::root(&object, pass);
    }
    Schema::Object(object)
}

/// Fits one schema and those in it. What takes any value comes back bare: its place decides what is written there.
fn part<'a>(schema: Schema<'a>, pass: &mut Pass<'_>) -> Schema<'a> {
    let Schema::Object(mut object) = schema else { return schema };
    if pass.profile == SchemaProfile::GeminiJsonSchema {
        json_schema(&mut object, pass);
        return Schema::Object(object);
    }
    known_types(&mut object, pass);
    some_values(&mut object, pass);
    tuple(&mut object, pass);
    properties(&mut object, pass);
    items(&mut object, pass);
    branches(&mut object, pass);
    match pass.profile {
        SchemaProfile::GeminiSchema => gemini::object(&mut object, pass),
        SchemaProfile::OpenAiStrict => object = strict::object(object, pass),
        SchemaProfile::Plain | SchemaProfile::GeminiJsonSchema | SchemaProfile::Full => {
            plain::object(&mut object, pass);
        }
    }
    Schema::Object(object)
}

/// A schema where something must stand.
fn placed<'a>(schema: Schema<'a>, pass: &mut Pass<'_>) -> Schema<'a> {
    let mut object = match part(schema, pass) {
        Schema::Object(object) => object,
        Schema::Bool(_) => Object::new(),
    };
    if is_bare(&object) {
        let (json, how) = match pass.profile {
            SchemaProfile::GeminiSchema => ("\"string\"", "a value of any type is written as a string"),
            SchemaProfile::OpenAiStrict => {
                (r#"["string","number","boolean","null"]"#, "a value of any type is written as a scalar")
            }
            _ => ("\"object\"", "a value of any type is written as an object"),
        };
        pass.broken("", how);
        object.shift_insert(0, Cow::Borrowed("type"), Value::text(json));
    }
    Schema::Object(object)
}

/// Whether an object that was fitted still takes values of any type.
fn is_bare(object: &Object<'_>) -> bool {
    !["type", "anyOf", "enum", "const", "$ref"].iter().any(|key| object.contains_key(*key))
}

fn says_nothing(schema: &Schema<'_>) -> bool {
    match schema {
        Schema::Bool(value) => *value,
        Schema::Object(object) => is_bare(object),
    }
}

/// Real JSON Schema, of which Gemini only wants no names in `required` that it does not find.
fn json_schema<'a>(object: &mut Object<'a>, pass: &mut Pass<'_>) {
    // How drafts before 2020-12 wrote `prefixItems`.
    if matches!(object.get("items"), Some(Value::List(_)))
        && let Some(schemas) = object.shift_remove("items")
    {
        object.entry(Cow::Borrowed("prefixItems")).or_insert(schemas);
    }
    for value in object.values_mut() {
        match value {
            Value::Schema(schema) => replace(schema, pass, part),
            Value::Named(named) => named.values_mut().for_each(|schema| replace(schema, pass, part)),
            Value::List(schemas) => schemas.iter_mut().for_each(|schema| replace(schema, pass, part)),
            Value::Data(_) => {}
        }
    }
    known_names(object, pass);
}

fn replace<'a>(
    schema: &mut Schema<'a>,
    pass: &mut Pass<'_>,
    with: fn(Schema<'a>, &mut Pass<'_>) -> Schema<'a>,
) {
    let taken = mem::replace(schema, Schema::Bool(true));
    *schema = with(taken, pass);
}

/// Leaves out types that JSON Schema does not have.
fn known_types(object: &mut Object<'_>, pass: &mut Pass<'_>) {
    let Some(value) = object.get("type") else { return };
    let names = types::of(object);
    let mut known = Vec::new();
    for name in TYPES {
        // In the order they came, below.
        known.extend(names.iter().position(|one| types::is(one, name)).map(|position| (position, *name)));
    }
    known.sort_unstable();
    if known.is_empty() || value.data().is_none() {
        pass.broken("type", "left out where it names no type");
        object.shift_remove("type");
        return;
    }
    // Gemini reads both cases and writes capitals itself; nobody else does.
    let lower = pass.profile == SchemaProfile::GeminiSchema
        || names.iter().all(|name| !name.bytes().any(|byte| byte.is_ascii_uppercase()));
    if known.len() == names.len() && lower {
        return;
    }
    if known.len() < names.len() {
        pass.degraded("type", "written without unknown types");
    }
    let known: Vec<_> = known.into_iter().map(|(_, name)| name).collect();
    object.insert(Cow::Borrowed("type"), types::write(&known));
}

const TYPES: &[&str] = &["array", "boolean", "integer", "null", "number", "object", "string"];

/// Leaves out a choice of nothing, which no reader takes.
fn some_values(object: &mut Object<'_>, pass: &mut Pass<'_>) {
    let Some(value) = object.get("enum") else { return };
    if value.elements().is_none_or(|values| values.is_empty()) {
        pass.broken("enum", "left out where it lists no values");
        object.shift_remove("enum");
    }
}

/// `prefixItems`, and `items` as the list that older drafts had, as one schema for all items.
fn tuple(object: &mut Object<'_>, pass: &mut Pass<'_>) {
    let key = if object.contains_key("prefixItems") { "prefixItems" } else { "items" };
    let Some(Value::List(schemas)) = object.get_mut(key) else { return };
    let mut branches: Vec<Schema<'_>> = Vec::new();
    let schemas = mem::take(schemas);
    for schema in schemas {
        // Tuples are short; a long one would be compared for ever.
        if branches.len() > LONGEST_TUPLE || !branches.contains(&schema) {
            branches.push(schema);
        }
    }
    let at = object.get_index_of(key).unwrap_or_default();
    object.shift_remove_index(at);
    if key == "prefixItems" {
        match object.shift_remove("items") {
            Some(Value::Schema(rest @ Schema::Object(_))) if !branches.contains(&rest) => branches.push(rest),
            _ => {}
        }
    }
    pass.broken("prefixItems", "written as a list of any of its items");
    let items = match branches.len() {
        0 => return,
        1 => branches.remove(0),
        _ => Schema::object([("anyOf", Value::List(branches))]),
    };
    object.shift_insert(at.min(object.len()), Cow::Borrowed("items"), Value::Schema(items));
}

const LONGEST_TUPLE: usize = 32;

fn properties(object: &mut Object<'_>, pass: &mut Pass<'_>) {
    if let Some(Value::Named(named)) = object.get_mut("properties") {
        let impossible = named.values().any(|schema| *schema == Schema::Bool(false));
        let mut gone = Named::new();
        if impossible {
            pass.broken("properties", "left out where no value is allowed");
            for (name, schema) in mem::take(named) {
                let into = if schema == Schema::Bool(false) { &mut gone } else { &mut *named };
                into.insert(name, schema);
            }
        }
        named.values_mut().for_each(|schema| replace(schema, pass, placed));
        if impossible {
            let kept = required(object, |name| !gone.contains_key(name));
            put_required(object, kept);
        }
    }
    for key in ["$defs", "definitions"] {
        if let Some(Value::Named(named)) = object.get_mut(key) {
            named.values_mut().for_each(|schema| replace(schema, pass, placed));
        }
    }
    if pass.profile != SchemaProfile::Plain {
        known_names(object, pass);
    }
}

/// Leaves names in `required` that are among the properties.
fn known_names(object: &mut Object<'_>, pass: &mut Pass<'_>) {
    let properties = match object.get("properties") {
        Some(Value::Named(named)) => Some(named),
        _ => None,
    };
    let kept = required(object, |name| properties.is_some_and(|named| named.contains_key(name)));
    if put_required(object, kept) {
        pass.degraded("required", "written without names that are no properties");
    }
}

/// The names under `required` that are to stay, each once, as JSON texts, and how many there were.
fn required(object: &Object<'_>, keep: impl Fn(&str) -> bool) -> Option<(Vec<String>, usize)> {
    let value = object.get("required")?;
    let Some(names) = value.elements() else { return Some((Vec::new(), 1)) };
    let mut seen = HashSet::new();
    let kept = names.iter().filter(|name| string(name).is_some_and(|name| keep(&name) && seen.insert(name)));
    Some((kept.map(|name| (*name).to_owned()).collect(), names.len()))
}

/// Tells whether names went; where none is left, so does the keyword.
fn put_required(object: &mut Object<'_>, kept: Option<(Vec<String>, usize)>) -> bool {
    let Some((kept, before)) = kept else { return false };
    if kept.len() == before {
        return false;
    }
    if kept.is_empty() {
        object.shift_remove("required");
    } else {
        object.insert(Cow::Borrowed("required"), list(&kept));
    }
    true
}

fn items<'a>(object: &mut Object<'a>, pass: &mut Pass<'_>) {
    let Some(Value::Schema(items)) = object.get_mut("items") else { return };
    replace(items, pass, part);
    if matches!(items, Schema::Bool(_)) || says_nothing(items) {
        object.shift_remove("items");
    }
}

/// Takes out the keywords that a reader does not know.
fn take_foreign<'a>(
    object: &mut Object<'a>,
    is_known: impl Fn(&str, &Value<'a>) -> bool,
) -> Vec<(Cow<'a, str>, Value<'a>)> {
    if object.iter().all(|(key, value)| is_known(key, value)) {
        return Vec::new();
    }
    // In one go: to take them out singly would move all the others each time.
    let (known, foreign) =
        mem::take(object).into_iter().partition::<Vec<_>, _>(|(key, value)| is_known(key, value));
    object.extend(known);
    foreign
}

/// A list whose items may be anything.
fn listed_items(object: &mut Object<'_>, pass: &mut Pass<'_>) {
    if types::has(object, "array") && !object.contains_key("items") {
        pass.broken("items", "a list of anything is written as one of strings");
        object.insert(Cow::Borrowed("items"), Value::Schema(Schema::of_type("\"string\"")));
    }
}

/// The branches of `anyOf`: one that takes anything makes the others idle.
fn branches(object: &mut Object<'_>, pass: &mut Pass<'_>) {
    let Some(Value::List(schemas)) = object.get_mut("anyOf") else { return };
    schemas.iter_mut().for_each(|schema| replace(schema, pass, part));
    schemas.retain(|schema| *schema != Schema::Bool(false));
    if schemas.is_empty() || schemas.iter().any(says_nothing) {
        pass.broken("anyOf", "left out where a branch takes anything");
        object.shift_remove("anyOf");
    }
}
