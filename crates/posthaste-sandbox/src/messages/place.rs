//! The vendor's manner of naming places (`messages.0.content.1.text: …`).

use serde_json::Value;

use crate::{
    error::ApiError,
    reading::{self, Kind, Manner},
};

/// A value and where it stands in the request.
pub(super) type Place<'a> = reading::Place<'a, Pydantic>;

/// The vendor's checks speak as the library pydantic does.
#[derive(Debug)]
pub(super) struct Pydantic;

impl Manner for Pydantic {
    fn item(path: &str, index: usize) -> String {
        Self::key(path, &index.to_string())
    }

    fn missing(path: &str) -> ApiError {
        Self::error(path, "Field required")
    }

    fn mistyped(path: &str, expected: Kind, _: &Value) -> ApiError {
        let expected = match expected {
            Kind::Text => "string",
            Kind::Boolean => "boolean",
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Object => "dictionary",
            Kind::List => "list",
            Kind::TextOrList => "string or list",
        };
        Self::error(path, &format!("Input should be a valid {expected}"))
    }

    fn too_small(path: &str, least: u64, _: &Value) -> ApiError {
        Self::error(path, &format!("Input should be greater than or equal to {least}"))
    }

    fn not_among(path: &str, _: &str, options: &[&str]) -> ApiError {
        let options: Vec<_> = options.iter().map(|option| format!("'{option}'")).collect();
        Self::error(path, &format!("Input should be {}", options.join(" or ")))
    }

    fn unknown(path: &str, key: &str) -> ApiError {
        Self::error(&Self::key(path, key), "Extra inputs are not permitted")
    }

    fn error(path: &str, message: &str) -> ApiError {
        if path.is_empty() {
            ApiError::invalid(message)
        } else {
            ApiError::invalid(format!("{path}: {message}"))
        }
    }
}
