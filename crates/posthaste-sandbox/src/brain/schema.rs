//! A value that fits a JSON Schema: the arguments of a tool call, or a structured answer.
//!
//! Objects get their required properties (all of them when none is), arrays their least number of items. `pattern` is
//! not looked at.

use std::cell::Cell;

use serde_json::{Map, Number, Value};

/// An example for a whole schema; `$ref`s are looked up in it.
pub(crate) fn example(root: &Value) -> Value {
    Example { root, left: Cell::new(MAX_SIZE) }.of(root, "value", 0)
}

struct Example<'a> {
    root: &'a Value,
    /// How much more there may be: a schema that contains itself more than once would else make too much of it.
    left: Cell<usize>,
}

impl Example<'_> {
    fn of(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth > MAX_DEPTH || self.left.get() == 0 {
            // A schema that contains itself has to end somewhere.
            return Value::Null;
        }
        self.left.set(self.left.get() - 1);
        if let Some(target) = schema["$ref"].as_str() {
            let target = target.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            return self.of(target.unwrap_or(&Value::Null), name, depth + 1);
        }
        if let Some(value) = schema.get("const").or_else(|| schema["enum"].get(0)) {
            return self.taken(value.clone());
        }
        for union in ["anyOf", "oneOf", "allOf"] {
            if let Some(member) = schema[union].get(0) {
                return self.of(member, name, depth + 1);
            }
        }
        // Gemini writes its types in capitals.
        match kind(schema).to_ascii_lowercase().as_str() {
            "string" => self.taken(Value::String(text(schema, name))),
            "integer" => integer(schema),
            "number" => number(schema),
            "boolean" => Value::Bool(true),
            "array" => self.array(schema, name, depth),
            "object" => self.object(schema, depth),
            _ => Value::Null,
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let Some(properties) = schema["properties"].as_object() else { return Value::Object(Map::new()) };
        let required = schema["required"].as_array();
        let is_required =
            |name: &String| required.is_none_or(|required| required.iter().any(|key| key == name));
        // Sorted, so that the text is the same whichever order serde_json's maps keep.
        let mut names: Vec<_> = properties.keys().filter(|name| is_required(name)).collect();
        names.sort_unstable();
        let mut fields = Map::new();
        for name in names {
            let Some(left) = self.left.get().checked_sub(1 + name.len()) else { break };
            self.left.set(left);
            fields.insert(name.clone(), self.of(&properties[name], name, depth + 1));
        }
        Value::Object(fields)
    }

    fn array(&self, schema: &Value, name: &str, depth: usize) -> Value {
        let least = schema["minItems"].as_u64().unwrap_or(1).min(MAX_ITEMS);
        let item = self.of(&schema["items"], name, depth + 1);
        // The first one is taken already.
        let copies = (1..least).map(|_| self.taken(item.clone())).take_while(|copy| !copy.is_null());
        let copies: Vec<_> = copies.collect();
        (least > 0).then_some(item).into_iter().chain(copies).collect()
    }

    /// The value, when there may be that much more.
    fn taken(&self, value: Value) -> Value {
        match self.left.get().checked_sub(size(&value)) {
            Some(left) => {
                self.left.set(left);
                value
            }
            None => Value::Null,
        }
    }
}

/// How much a value counts: about its length as text.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => 1 + fields.iter().map(|(key, value)| key.len() + size(value)).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}

/// The schema's type: the first that is not `null`, or what its other keywords suggest.
fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(kind) => kind,
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "string",
    }
}

fn text(schema: &Value, name: &str) -> String {
    let text = match schema["format"].as_str() {
        Some("date-time") => "2026-01-01T00:00:00Z".to_owned(),
        Some("date") => "2026-01-01".to_owned(),
        Some("time") => "00:00:00Z".to_owned(),
        Some("duration") => "PT1H".to_owned(),
        Some("email") => "sandbox@example.com".to_owned(),
        Some("hostname") => "example.com".to_owned(),
        Some("ipv4") => "192.0.2.1".to_owned(),
        Some("ipv6") => "2001:db8::1".to_owned(),
        Some("uri") => "https://example.com/".to_owned(),
        Some("uuid") => "00000000-0000-4000-8000-000000000000".to_owned(),
        _ => format!("example {name}"),
    };
    let length = |key: &str| schema[key].as_u64().and_then(|length| usize::try_from(length).ok());
    let least = length("minLength").unwrap_or(0).min(MAX_TEXT);
    let most = length("maxLength").unwrap_or(usize::MAX);
    let padding = std::iter::repeat('.');
    let size = text.chars().count().max(least).min(most);
    text.chars().chain(padding).take(size).collect()
}

fn integer(schema: &Value) -> Value {
    let least = schema["minimum"].as_i64().or_else(|| schema["exclusiveMinimum"].as_i64()?.checked_add(1));
    let most = schema["maximum"].as_i64().or_else(|| schema["exclusiveMaximum"].as_i64()?.checked_sub(1));
    let step = schema["multipleOf"].as_i64().filter(|step| *step > 0).unwrap_or(1);
    let wanted = 1.max(least.unwrap_or(i64::MIN)).min(most.unwrap_or(i64::MAX));
    let up = wanted.checked_add((step - wanted.rem_euclid(step)) % step).unwrap_or(wanted);
    // Rounding up may pass the greatest value; then the multiple below is the one that can fit.
    let fits = most.is_none_or(|most| up <= most);
    Value::from(if fits { up } else { up.saturating_sub(step) })
}

fn number(schema: &Value) -> Value {
    if schema.get("multipleOf").is_some() {
        return integer(schema);
    }
    let bound = |key: &str| schema[key].as_f64();
    let least = bound("minimum").or_else(|| Some(bound("exclusiveMinimum")? + 0.5));
    let most = bound("maximum").or_else(|| Some(bound("exclusiveMaximum")? - 0.5));
    let wanted = 1.5_f64.max(least.unwrap_or(f64::MIN)).min(most.unwrap_or(f64::MAX));
    Number::from_f64(wanted).map_or(Value::Null, Value::Number)
}

const MAX_DEPTH: usize = 16;
const MAX_SIZE: usize = 64 << 10;
const MAX_ITEMS: u64 = 100;
const MAX_TEXT: usize = 10_000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(schema: &Value) -> String {
        example(schema).to_string()
    }

    #[test]
    fn objects_get_what_is_required() {
        let schema = json!({
            "type": "object",
            "properties": {
                "b": {"type": "integer", "minimum": 7, "multipleOf": 5},
                "a": {"type": ["null", "string"]},
                "c": {"type": "boolean"},
            },
            "required": ["b", "a"],
        });
        assert_eq!(shown(&schema), r#"{"a":"example a","b":10}"#);
        assert_eq!(
            shown(&json!({"type": "object", "properties": {"c": {"type": "boolean"}}})),
            r#"{"c":true}"#
        );
        assert_eq!(shown(&json!({"type": "object"})), "{}");
    }

    #[test]
    fn choices_take_the_first_and_references_are_followed() {
        let schema = json!({
            "$defs": {"unit": {"enum": ["celsius", "kelvin"]}},
            "type": "array",
            "minItems": 2,
            "items": {"anyOf": [{"$ref": "#/$defs/unit"}, {"type": "null"}]},
        });
        assert_eq!(shown(&schema), r#"["celsius","celsius"]"#);
    }

    #[test]
    fn types_may_be_in_capitals() {
        let schema = json!({"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}, "required": ["n"]});
        assert_eq!(shown(&schema), r#"{"n":1}"#);
    }

    #[test]
    fn a_schema_that_contains_itself_ends() {
        let schema = json!({"type": "object", "properties": {"next": {"$ref": "#"}}});
        assert!(shown(&schema).ends_with("null}}}}}}}}}"));
    }

    #[test]
    fn a_schema_that_contains_itself_often_makes_no_more_than_is_allowed() {
        let again = json!({"$ref": "#"});
        let properties: Map<_, _> = (0..30).map(|name| (name.to_string(), again.clone())).collect();
        let schema = json!({"type": "object", "properties": properties});
        assert!(shown(&schema).len() < 8 * MAX_SIZE);
        let lists = (0..8).fold(
            json!({"type": "string"}),
            |items, _| json!({"type": "array", "minItems": 100, "items": items}),
        );
        assert!(shown(&lists).len() < 8 * MAX_SIZE);
        assert_eq!(shown(&json!({"type": "array", "minItems": 0, "items": {}})), "[]");
    }

    #[test]
    fn bounds_and_formats_hold() {
        assert_eq!(shown(&json!({"type": "string", "format": "date"})), r#""2026-01-01""#);
        assert_eq!(shown(&json!({"type": "string", "maxLength": 3})), r#""exa""#);
        assert_eq!(shown(&json!({"type": "string", "minLength": 15})), r#""example value..""#);
        assert_eq!(shown(&json!({"type": "integer", "exclusiveMaximum": 0})), "-1");
        assert_eq!(shown(&json!({"type": "integer", "multipleOf": 4, "maximum": 3})), "0");
        assert_eq!(shown(&json!({"type": "number", "exclusiveMinimum": 2})), "2.5");
    }
}
