//! The vendor's manner of naming places, which is that of protocol buffers' JSON form
//! (`Invalid value at 'contents[0].parts' (…), …`).

use serde_json::Value;

use super::{camel, snake};
use crate::{
    error::ApiError,
    reading::{self, Kind, Manner},
};

/// A value and where it stands in the request.
pub(super) type Place<'a> = reading::Place<'a, Protobuf>;

/// Names are told in snake case, and taken in either.
#[derive(Debug)]
pub(super) struct Protobuf;

impl Manner for Protobuf {
    fn key(path: &str, key: &str) -> String {
        let key = snake(key);
        if path.is_empty() { key } else { format!("{path}.{key}") }
    }

    fn find<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
        value.get(key).or_else(|| value.get(snake(key)))
    }

    fn spells(written: &str, key: &str) -> bool {
        camel(written) == key
    }

    fn missing(path: &str) -> ApiError {
        let name = path.rsplit('.').next().unwrap_or(path);
        ApiError::invalid(format!("* GenerateContentRequest.{path}: {name} is not specified\n"))
    }

    fn mistyped(path: &str, expected: Kind, found: &Value) -> ApiError {
        let expected = match expected {
            Kind::Text | Kind::TextOrList => "TYPE_STRING",
            Kind::Boolean => "TYPE_BOOL",
            Kind::Integer => "TYPE_INT32",
            Kind::Number => "TYPE_FLOAT",
            Kind::Object | Kind::List => "TYPE_MESSAGE",
        };
        ApiError::invalid(format!("Invalid value at '{path}' ({expected}), {found}"))
    }

    fn too_small(path: &str, least: u64, found: &Value) -> ApiError {
        ApiError::invalid(format!(
            "* GenerateContentRequest.{path}: {found} is below the least value {least}\n"
        ))
    }

    fn not_among(path: &str, found: &str, _: &[&str]) -> ApiError {
        let name = path.rsplit('.').next().unwrap_or(path);
        ApiError::invalid(format!(
            "Invalid value at '{path}' (type.googleapis.com/google.ai.generativelanguage.v1beta.{name}), \"{found}\""
        ))
    }

    fn unknown(path: &str, key: &str) -> ApiError {
        let place = if path.is_empty() { String::new() } else { format!(" at '{path}'") };
        ApiError::invalid(format!(
            "Invalid JSON payload received. Unknown name \"{key}\"{place}: Cannot find field."
        ))
    }

    fn error(_: &str, message: &str) -> ApiError {
        ApiError::invalid(message)
    }
}
