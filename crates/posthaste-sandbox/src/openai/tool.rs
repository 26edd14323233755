//! Function tools, whose fields stand below `function` in one dialect and in the tool itself in the other.

use serde_json::Value;

use super::{place::Place, schema};
use crate::{
    brain::{Input, Tool},
    error::ApiError,
};

/// Reads name and parameters at `place`; `strict` is the dialect's default.
pub(crate) fn function<'a>(place: &Place<'a>, strict: bool) -> Result<Tool<'a>, ApiError> {
    let name = name(place)?;
    place.optional("description", Place::text)?;
    let strict = place.optional("strict", Place::boolean)?.unwrap_or(strict);
    let Some(parameters) = place.key("parameters") else {
        return Ok(Tool { name, input: Input::Nothing });
    };
    parameters.object()?;
    let invalid = |fault: String| {
        ApiError::invalid(format!("Invalid schema for function '{name}': {fault}"))
            .about(parameters.path())
            .coded("invalid_function_parameters")
    };
    let kind = parameters.value().get("type").and_then(Value::as_str);
    if kind != Some("object") {
        let found = kind.unwrap_or("None");
        return Err(invalid(format!(
            "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{found}\"'."
        )));
    }
    if strict && let Some(fault) = schema::fault(parameters.value()) {
        return Err(invalid(fault));
    }
    Ok(Tool { name, input: Input::Schema(parameters.value()) })
}

/// A custom tool, which takes any text.
pub(crate) fn custom<'a>(place: &Place<'a>) -> Result<Tool<'a>, ApiError> {
    Ok(Tool { name: name(place)?, input: Input::Text })
}

fn name<'a>(place: &Place<'a>) -> Result<&'a str, ApiError> {
    let name = place.required("name")?;
    let text = name.text()?;
    let path = name.path();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) {
        return Err(name
            .error(&format!(
                "Invalid '{path}': string does not match pattern. Expected a string that matches the pattern \
                 '^[a-zA-Z0-9_-]+$'."
            ))
            .coded("invalid_value"));
    }
    if text.len() > MAX_NAME {
        return Err(name
            .error(&format!(
                "Invalid '{path}': string too long. Expected a string with maximum length {MAX_NAME}, but got a \
                 string with length {} instead.",
                text.len()
            ))
            .coded("string_above_max_length"));
    }
    Ok(text)
}

const MAX_NAME: usize = 64;
