//! OpenAI's manner of naming places (`Invalid type for 'messages[0].content': …`).

use serde_json::Value;

use crate::{
    error::ApiError,
    reading::{self, Kind, Manner},
};

/// A value and where it stands in the request.
pub(crate) type Place<'a> = reading::Place<'a, OpenAi>;

#[derive(Debug)]
pub(crate) struct OpenAi;

impl Manner for OpenAi {
    fn missing(path: &str) -> ApiError {
        let message = format!("Missing required parameter: '{path}'.");
        ApiError::invalid(message).about(path).coded("missing_required_parameter")
    }

    fn mistyped(path: &str, expected: Kind, found: &Value) -> ApiError {
        let expected = match expected {
            Kind::Text => "a string",
            Kind::Boolean => "a boolean",
            Kind::Integer => "an integer",
            Kind::Number => "a decimal",
            Kind::Object => "an object",
            Kind::List => "an array of objects",
            Kind::TextOrList => "one of a string or array of objects",
        };
        let message =
            format!("Invalid type for '{path}': expected {expected}, but got {} instead.", kind_of(found));
        ApiError::invalid(message).about(path).coded("invalid_type")
    }

    fn too_small(path: &str, least: u64, found: &Value) -> ApiError {
        let message = format!(
            "Invalid '{path}': integer below minimum value. Expected a value >= {least}, but got {found} instead."
        );
        ApiError::invalid(message).about(path).coded("integer_below_min_value")
    }

    fn not_among(path: &str, found: &str, options: &[&str]) -> ApiError {
        let options: Vec<_> = options.iter().map(|option| format!("'{option}'")).collect();
        let listed = match options.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, [first])) => format!("{first} and {last}"),
            Some((last, others)) => format!("{}, and {last}", others.join(", ")),
            None => String::new(),
        };
        let message = format!("Invalid value: '{found}'. Supported values are: {listed}.");
        ApiError::invalid(message).about(path).coded("invalid_value")
    }

    fn unknown(path: &str, key: &str) -> ApiError {
        let path = Self::key(path, key);
        let message = format!("Unknown parameter: '{path}'.");
        ApiError::invalid(message).about(path).coded("unknown_parameter")
    }

    fn error(path: &str, message: &str) -> ApiError {
        ApiError::invalid(message).about(path)
    }
}

fn kind_of(found: &Value) -> &'static str {
    match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a decimal number",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
