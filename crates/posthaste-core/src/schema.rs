//! What texts of our own look like in JSON, for documents about it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{ClientKeyHash, LossList, ModelName, Network, Scope, Timestamp};

macro_rules! text {
    ($type:ty, $name:literal, $schema:tt) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

text!(Timestamp, "Timestamp", { "type": "string", "format": "date-time", "description": "A moment, RFC 3339." });
text!(ModelName, "ModelName", { "type": "string", "description": "A model's name." });
text!(Network, "Network", { "type": "string", "description": "An address or a network, such as 192.0.2.0/24." });
text!(Scope, "Scope", { "type": "string", "pattern": "^[a-z]+:(read|write)$", "description": "Such as keys:read." });
text!(ClientKeyHash, "Hash", { "type": "string", "pattern": "^[0-9a-f]{64}$", "description": "64 hexadecimal digits." });
text!(LossList, "LossList", { "type": "array", "items": { "type": "string" } });
