//! The vendor's own schemas, which are a part of OpenAPI's (<https://ai.google.dev/api/caching#Schema>).

use super::place::Place;
use crate::error::ApiError;

/// Refuses what the vendor's message has no field for.
pub(super) fn check(schema: &Place<'_>) -> Result<(), ApiError> {
    schema.only(FIELDS)?;
    if let Some(kind) = schema.key("type") {
        let upper = kind.text()?.to_ascii_uppercase();
        if !TYPES.contains(&upper.as_str()) {
            kind.among(TYPES)?;
        }
    }
    if let Some(values) = schema.key("enum") {
        values.list()?.iter().try_for_each(|value| value.text().map(drop))?;
    }
    for key in ["properties", "defs"] {
        if let Some(properties) = schema.key(key) {
            for (name, value) in properties.object()? {
                // Names of properties are data and stand as they are.
                check(&Place::at(value, format!("{}.{name}", properties.path())))?;
            }
        }
    }
    if let Some(items) = schema.key("items") {
        check(&items)?;
    }
    schema.items("anyOf", check).map(drop)
}

const TYPES: &[&str] =
    &["TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"];
const FIELDS: &[&str] = &[
    "additionalProperties",
    "anyOf",
    "default",
    "defs",
    "description",
    "enum",
    "example",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "nullable",
    "pattern",
    "properties",
    "propertyOrdering",
    "ref",
    "required",
    "title",
    "type",
];
