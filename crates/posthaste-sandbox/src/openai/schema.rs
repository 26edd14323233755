//! What strict JSON Schemas must be
//! (<https://platform.openai.com/docs/guides/structured-outputs#supported-schemas>).

use serde_json::Value;

/// Why a schema may not be used strictly, if it may not.
pub(crate) fn fault(schema: &Value) -> Option<String> {
    walk(schema, &mut Vec::new())
}

fn walk(schema: &Value, context: &mut Vec<String>) -> Option<String> {
    for keyword in ["oneOf", "allOf", "not", "if", "patternProperties"] {
        if schema.get(keyword).is_some() {
            return Some(format!("In context={}, '{keyword}' is not permitted.", shown(context)));
        }
    }
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
            return Some(format!(
                "In context={}, 'additionalProperties' is required to be supplied and to be false.",
                shown(context)
            ));
        }
        let required = schema.get("required").and_then(Value::as_array);
        let is_required =
            |name: &str| required.is_some_and(|required| required.iter().any(|key| key == name));
        let mut names: Vec<_> = properties.keys().collect();
        names.sort_unstable();
        if let Some(missing) = names.iter().find(|name| !is_required(name)) {
            return Some(format!(
                "In context={}, 'required' is required to be supplied and to be an array including every key in \
                 properties. Missing '{missing}'.",
                shown(context)
            ));
        }
        for name in names {
            if let Some(fault) = within(&properties[name], context, &["properties", name]) {
                return Some(fault);
            }
        }
    }
    if let Some(fault) = schema.get("items").and_then(|items| within(items, context, &["items"])) {
        return Some(fault);
    }
    let members = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    members.enumerate().find_map(|(index, member)| within(member, context, &["anyOf", &index.to_string()]))
}

fn within(schema: &Value, context: &mut Vec<String>, step: &[&str]) -> Option<String> {
    let length = context.len();
    context.extend(step.iter().map(|part| (*part).to_owned()));
    let fault = walk(schema, context);
    context.truncate(length);
    fault
}

/// The place as the vendor shows it: a tuple of Python's.
fn shown(context: &[String]) -> String {
    match context {
        [only] => format!("('{only}',)"),
        parts => {
            let parts: Vec<_> = parts.iter().map(|part| format!("'{part}'")).collect();
            format!("({})", parts.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strict_schemas_are_closed_and_complete() {
        let open = json!({"type": "object", "properties": {}});
        assert!(fault(&open).unwrap().starts_with("In context=(), 'additionalProperties'"));
        let inner =
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false});
        let outer = json!({
            "type": "object",
            "properties": {"list": {"type": "array", "items": inner}},
            "required": ["list"],
            "additionalProperties": false,
        });
        let expected = "In context=('properties', 'list', 'items'), 'required' is required to be supplied and to be \
                        an array including every key in properties. Missing 'a'.";
        assert_eq!(fault(&outer).unwrap(), expected);
        assert_eq!(fault(&json!({"type": "string"})), None);
        assert!(fault(&json!({"oneOf": []})).unwrap().contains("'oneOf' is not permitted"));
    }
}
