//! What endpoints take.

use http::HeaderMap;
use posthaste_admin::AdminError;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

use super::asked::Asked;

/// What an endpoint takes from the body.
pub(super) trait Body: Sized + Send + 'static {
    fn read(asked: &Asked) -> Result<Self, AdminError>;

    fn schema(generator: &mut SchemaGenerator) -> Option<Schema>;

    /// Whether it may be left out.
    fn is_optional() -> bool;
}

/// Nothing.
pub(super) struct NoBody;

impl Body for NoBody {
    fn read(asked: &Asked) -> Result<Self, AdminError> {
        let blank = asked.body.is_empty() || asked.body.trim_ascii() == b"{}";
        if blank { Ok(Self) } else { Err(invalid("body", "takes no fields here; leave it empty")) }
    }

    fn schema(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }

    fn is_optional() -> bool {
        true
    }
}

/// JSON.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Body for Json<T> {
    fn read(asked: &Asked) -> Result<Self, AdminError> {
        // Nothing means what `{}` means: where a field is wanted, it is named.
        let body: &[u8] = if asked.body.trim_ascii().is_empty() { b"{}" } else { &asked.body };
        let mut json = serde_json::Deserializer::from_slice(body);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            // The place and what is wrong there, in serde's words, which for secrets name a type at most.
            let path = error.path().to_string();
            let at = if path == "." { String::new() } else { format!("`{path}`: ") };
            invalid("body", format!("{at}{}", error.into_inner()))
        })?;
        json.end().map_err(|error| invalid("body", error.to_string()))?;
        Ok(Self(value))
    }

    fn schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<T>())
    }

    fn is_optional() -> bool {
        serde_json::from_slice::<T>(b"{}").is_ok()
    }
}

/// A query.
pub(super) fn query<T: DeserializeOwned>(asked: &Asked) -> Result<T, AdminError> {
    let text = asked.query.as_deref().unwrap_or_default();
    serde_urlencoded::from_str(text).map_err(|error| invalid("query", error.to_string()))
}

/// Refuses a body that is not called JSON: a form on another site's page can send others.
pub(super) fn check_type(headers: &HeaderMap, body: &[u8]) -> Result<(), AdminError> {
    if body.is_empty() {
        return Ok(());
    }
    let named = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = named.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(invalid("body", "is not called JSON; send `Content-Type: application/json`"))
}

pub(super) fn invalid(field: &'static str, message: impl Into<String>) -> AdminError {
    AdminError::Invalid { field, message: message.into() }
}
