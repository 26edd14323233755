//! The service's manner of naming places (`Value … at 'messages.1.member.role' failed to satisfy constraint: …`).

use serde_json::Value;

use crate::{
    error::ApiError,
    reading::{self, Kind, Manner},
};

/// A value and where it stands in the request.
pub(super) type Place<'a> = reading::Place<'a, Coral>;

/// The checks of the service's own framework. Items count from one.
#[derive(Debug)]
pub(super) struct Coral;

impl Manner for Coral {
    fn item(path: &str, index: usize) -> String {
        format!("{path}.{}.member", index + 1)
    }

    fn missing(path: &str) -> ApiError {
        constraint(&format!("Value at '{path}'"), "Member must not be null")
    }

    fn mistyped(_: &str, expected: Kind, found: &Value) -> ApiError {
        let expected = match expected {
            Kind::Text => "a String",
            Kind::Boolean => "a Boolean",
            Kind::Integer => "an Integer",
            Kind::Number => "a Float",
            Kind::Object => "a Structure",
            Kind::List | Kind::TextOrList => "a List",
        };
        let found = match found {
            Value::Null => "NULL_VALUE",
            Value::Bool(_) => "BOOLEAN_VALUE",
            Value::Number(_) => "NUMBER_VALUE",
            Value::String(_) => "STRING_VALUE",
            Value::Array(_) => "Start of list",
            Value::Object(_) => "Start of structure or map",
        };
        ApiError::invalid(format!("{found} can not be converted to {expected}"))
            .coded("SerializationException")
    }

    fn too_small(path: &str, least: u64, found: &Value) -> ApiError {
        let value = format!("Value '{found}' at '{path}'");
        constraint(&value, &format!("Member must have value greater than or equal to {least}"))
    }

    fn not_among(path: &str, found: &str, options: &[&str]) -> ApiError {
        let value = format!("Value '{found}' at '{path}'");
        constraint(&value, &format!("Member must satisfy enum value set: [{}]", options.join(", ")))
    }

    fn unknown(path: &str, key: &str) -> ApiError {
        let place = path.replace('.', "/");
        let slash = if place.is_empty() { "" } else { "/" };
        ApiError::invalid(format!(
            "The model returned the following errors: #{slash}{place}: extraneous key [{key}] is not permitted, please \
             reformat your input and try again."
        ))
    }

    fn error(_: &str, message: &str) -> ApiError {
        ApiError::invalid(message)
    }
}

pub(super) fn constraint(value: &str, rule: &str) -> ApiError {
    ApiError::invalid(format!("1 validation error detected: {value} failed to satisfy constraint: {rule}"))
}
