//! Google's own kind of schema, a piece of OpenAPI 3.0 (<https://ai.google.dev/api/caching#Schema>), as JSON Schema.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::spelling::{List, Whole, camel};
use crate::{
    ir::Json,
    json::{self, Str, wire_object},
    loss::Losses,
    schema::{SchemaProfile, lower},
};

/// The JSON Schema for one of Google's. What is no object, and what lies too deep, stays as it is.
pub(super) fn json_schema(raw: &RawValue) -> Json {
    let mut out = Vec::with_capacity(raw.get().len());
    write_schema(raw, 0, &mut out);
    let text = std::str::from_utf8(&out).expect("written from texts");
    Json::parse(text).expect("written as JSON")
}

/// A schema as the fields for JSON Schema take it (`parametersJsonSchema`, `responseJsonSchema`). The dialect's own client
/// knows what they take.
pub(super) fn lowered<'a>(
    schema: &'a Json,
    own: bool,
    field: &'static str,
    losses: &mut Losses,
) -> Cow<'a, Json> {
    if own { Cow::Borrowed(schema) } else { lower(schema, SchemaProfile::GeminiJsonSchema, field, losses) }
}

/// Whether a schema says no more than "an object": a function without parameters, for which none must be declared.
pub(super) fn is_empty(schema: &Json) -> bool {
    #[derive(serde::Deserialize)]
    struct Root<'a> {
        #[serde(borrow)]
        properties: Option<&'a RawValue>,
    }
    let text = schema.as_str();
    let Ok(fields) = json::read::<ObjectIn<'_>>(text.as_bytes()) else { return true };
    let hollow = |(name, value): &(Str<'_>, &RawValue)| match &**name {
        "type" => value.get() == "\"object\"",
        "required" => json::compact(value.get()) == "[]",
        "additionalProperties" => value.get() == "false",
        "properties" | "$schema" | "$id" | "title" | "description" | "strict" => true,
        _ => false,
    };
    let has_properties = serde_json::from_str::<Root<'_>>(text)
        .is_ok_and(|root| root.properties.is_some_and(|properties| json::compact(properties.get()) != "{}"));
    !has_properties && fields.rest.iter().all(hollow)
}

wire_object! {
    struct ObjectIn<'a> {}
}

/// Deeper than any real schema, and no danger to the stack.
const DEEPEST: u32 = 64;

fn write_schema(raw: &RawValue, depth: u32, out: &mut Vec<u8>) {
    let object = json::read::<ObjectIn<'_>>(raw.get().as_bytes()).ok().filter(|_| depth < DEEPEST);
    let Some(object) = object else { return out.extend_from_slice(raw.get().as_bytes()) };
    let nullable = object.rest.iter().any(|(name, value)| &**name == "nullable" && value.get() == "true");
    let mut fields = Writer { out, first: true };
    fields.out.push(b'{');
    for (name, value) in &object.rest {
        write_field(&camel(name), value, nullable, depth, &mut fields);
    }
    out.push(b'}');
}

fn write_field(name: &str, value: &RawValue, nullable: bool, depth: u32, fields: &mut Writer<'_>) {
    match name {
        "nullable" | "propertyOrdering" => {}
        "type" => {
            let Ok(word) = serde_json::from_str::<Str<'_>>(value.get()) else {
                return fields.raw(name, value);
            };
            let word = word.to_ascii_lowercase();
            match word.as_str() {
                "type_unspecified" => {}
                _ if nullable && word != "null" => fields.value("type", &[&*word, "null"]),
                _ => fields.value("type", &word),
            }
        }
        "enum" if nullable => match serde_json::from_str::<Vec<&RawValue>>(value.get()) {
            Ok(mut values) => {
                let null: &RawValue = serde_json::from_str("null").expect("null is JSON");
                if values.iter().all(|value| value.get() != "null") {
                    values.push(null);
                }
                fields.value("enum", &values);
            }
            Err(_) => fields.raw(name, value),
        },
        "minItems" | "maxItems" | "minProperties" | "maxProperties" | "minLength" | "maxLength" => {
            match serde_json::from_str::<Whole>(value.get()) {
                Ok(count) => fields.value(name, &count.signed()),
                Err(_) => fields.raw(name, value),
            }
        }
        "example" => fields.value("examples", &[value]),
        "ref" => fields.raw("$ref", value),
        "items" | "additionalProperties" => {
            fields.key(name);
            write_schema(value, depth + 1, fields.out);
        }
        "anyOf" => {
            let branches = serde_json::from_str::<List<'_>>(value.get()).unwrap_or_default();
            fields.key(name);
            fields.out.push(b'[');
            for (position, branch) in branches.0.into_iter().enumerate() {
                if position > 0 {
                    fields.out.push(b',');
                }
                write_schema(branch, depth + 1, fields.out);
            }
            fields.out.push(b']');
        }
        "properties" => write_named("properties", value, depth, fields),
        "defs" => write_named("$defs", value, depth, fields),
        _ => fields.raw(name, value),
    }
}

/// Schemas by names that are data, so that none of them is taken for a keyword.
fn write_named(name: &str, value: &RawValue, depth: u32, fields: &mut Writer<'_>) {
    let Ok(named) = json::read::<ObjectIn<'_>>(value.get().as_bytes()) else {
        return fields.raw(name, value);
    };
    fields.key(name);
    fields.out.push(b'{');
    let mut inner = Writer { out: fields.out, first: true };
    for (name, schema) in &named.rest {
        inner.key(name);
        write_schema(schema, depth + 1, inner.out);
    }
    fields.out.push(b'}');
}

struct Writer<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl Writer<'_> {
    fn key(&mut self, name: &str) {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        json::write(self.out, &name);
        self.out.push(b':');
    }

    fn raw(&mut self, name: &str, value: &RawValue) {
        self.key(name);
        self.out.extend_from_slice(value.get().as_bytes());
    }

    fn value(&mut self, name: &str, value: &impl serde::Serialize) {
        self.key(name);
        json::write(self.out, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(schema: &str) -> String {
        json_schema(serde_json::from_str(schema).unwrap()).as_str().to_owned()
    }

    #[test]
    fn types_are_lowered_and_nullable_is_a_type() {
        assert_eq!(
            converted(
                r#"{"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true,"enum":["x"]},
                "type":{"type":"ARRAY","min_items":"1","items":{"type":"Integer"}}},"propertyOrdering":["a"],"required":["a"]}"#
            ),
            r#"{"type":"object","properties":{"a":{"type":["string","null"],"enum":["x",null]},"type":{"type":"array","minItems":1,"items":{"type":"integer"}}},"required":["a"]}"#
        );
    }

    #[test]
    fn branches_definitions_and_unknown_words_are_carried() {
        assert_eq!(
            converted(
                r##"{"any_of":[{"type":"NULL"},{"ref":"#/$defs/t"}],"defs":{"t":{"type":"NUMBER","example":1.50}},"x":1}"##
            ),
            r##"{"anyOf":[{"type":"null"},{"$ref":"#/$defs/t"}],"$defs":{"t":{"type":"number","examples":[1.50]}},"x":1}"##
        );
        assert_eq!(converted("7"), "7");
        assert_eq!(converted(r#"{"type":["STRING"]}"#), r#"{"type":["STRING"]}"#);
    }

    #[test]
    fn no_depth_exhausts_the_stack() {
        let schema = format!("{}1{}", r#"{"items":"#.repeat(100_000), "}".repeat(100_000));
        assert_eq!(converted(&schema), schema);
    }

    #[test]
    fn a_bare_object_is_empty() {
        let empty = |schema: &str| is_empty(&Json::parse(schema).unwrap());
        assert!(empty(r#"{"type":"object","properties":{ },"required":[],"additionalProperties":false}"#));
        assert!(empty("{}") && empty("null"));
        assert!(!empty(r#"{"type":"object","properties":{"a":{}}}"#));
        assert!(!empty(r#"{"type":"object","additionalProperties":true}"#));
        assert!(!empty(r##"{"$ref":"#/$defs/a"}"##));
    }
}
