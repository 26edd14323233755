//! The OpenAPI document (3.1), made of the endpoints themselves.

use http::Method;
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{Door, endpoint::Endpoint, routes};

/// The document of the admin API.
pub fn document(version: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for endpoint in routes::all() {
        let described = operation(&endpoint, &mut generator);
        let methods = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        methods[endpoint.method.as_str().to_ascii_lowercase()] = described;
    }
    let failure = failure();
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Failure".to_owned(), failure);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Posthaste admin API",
            "version": version,
            "description": "What operators do. Answers are `{\"success\": true, \"data\": …}`, failures \
                `{\"success\": false, \"error\": …, \"message\": …}`. Records are named by id or by name.",
            "license": { "name": "MIT or Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "An API token, or a session's token." },
                "client_key": { "type": "apiKey", "in": "header", "name": "x-api-key",
                    "description": "A client key." },
                "session": { "type": "apiKey", "in": "cookie", "name": super::session::COOKIE,
                    "description": "The browser's session; what changes something needs X-CSRF-Token too." },
            },
        },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let mut described = json!({
        "operationId": operation_id(endpoint),
        "summary": endpoint.summary,
        "tags": [tag(endpoint.path)],
        "parameters": parameters(endpoint, generator),
        "responses": responses(endpoint, (endpoint.answer)(generator)),
    });
    described["security"] = match endpoint.door {
        Door::Open => json!([]),
        Door::Person | Door::Known => json!([{ "session": [] }, { "token": [] }]),
        Door::ClientKey => json!([{ "client_key": [] }]),
        Door::Needs(need) => {
            described["x-posthaste-needs"] = need.to_string().into();
            json!([{ "session": [] }, { "token": [] }])
        }
    };
    if endpoint.unread {
        let bytes = json!({ "schema": { "type": "string", "format": "binary" } });
        described["requestBody"] =
            json!({ "required": false, "content": { "application/octet-stream": bytes } });
    }
    if let Some(schema) = (endpoint.body)(generator) {
        described["requestBody"] = json!({ "required": !endpoint.bodiless, "content": { "application/json": { "schema": schema } } });
    }
    described
}

fn parameters(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let mut parameters = Vec::new();
    for part in endpoint.path.split('/') {
        if let Some(name) = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            parameters.push(json!({
                "name": name, "in": "path", "required": true, "schema": { "type": "string" },
                "description": "The id or the name.",
            }));
        }
    }
    if !parameters.is_empty() && endpoint.method != Method::GET {
        parameters.push(json!({
            "name": "If-Match", "in": "header", "required": false, "schema": { "type": "string" },
            "description": "The `ETag` of the answer that showed the record: it is changed only while it is as it was then.",
        }));
    }
    let query = endpoint.query.and_then(|describe| describe(generator)).map(Schema::to_value);
    let required: Vec<Value> =
        query.as_ref().and_then(|query| query["required"].as_array().cloned()).unwrap_or_default();
    let fields = query.as_ref().and_then(|query| query["properties"].as_object());
    for (name, schema) in fields.into_iter().flatten() {
        let is_required = required.iter().any(|required| required.as_str() == Some(name));
        parameters.push(json!({
            "name": name, "in": "query", "required": is_required, "schema": schema,
            "description": schema["description"].as_str().unwrap_or_default(),
        }));
    }
    parameters.into()
}

fn responses(endpoint: &Endpoint, answer: Option<Schema>) -> Value {
    let done = match answer {
        Some(data) => json!({
            "type": "object",
            "properties": { "success": { "const": true }, "data": data },
            "required": ["success", "data"],
        }),
        // A document that is answered as it is.
        None => json!({ "type": "object" }),
    };
    let content = if endpoint.table {
        json!({ "text/csv": { "schema": { "type": "string" } } })
    } else {
        json!({ "application/json": { "schema": done } })
    };
    let mut responses = json!({ "200": { "description": "Done.", "content": content } });
    if endpoint.redirects {
        let location = json!({ "Location": { "required": true, "schema": { "type": "string" } } });
        responses = json!({ "302": { "description": "Go there.", "headers": location } });
    }
    if endpoint.streams {
        let events = json!({ "text/event-stream": { "x-posthaste-event": data_of(&responses) } });
        responses["200"] =
            json!({ "description": "Events, one after the other, in `data:`.", "content": events });
        responses["default"] =
            json!({ "description": "What the relay answers such a request with, in its dialect." });
    }
    let mut failures = vec![
        ("400", "An input that cannot be taken; `field` names it."),
        ("500", "The store or the vault failed."),
    ];
    if endpoint.query.is_some() {
        failures.push(("404", "A record that is named is not there."));
    }
    if endpoint.door != Door::Open {
        failures.extend([("401", "Nobody is logged in."), ("403", "Whoever is may not do that.")]);
    } else {
        failures.extend([
            ("401", "Not who he says."),
            ("403", "Another site's page asks."),
            ("429", "Too many tries failed."),
        ]);
    }
    if endpoint.redirects {
        failures.push(("502", "The identity provider did not do its part."));
    }
    if endpoint.path.contains('{') {
        failures.push(("404", "There is no such record."));
    }
    if endpoint.method != Method::GET {
        failures.extend([
            ("404", "A record that is named is not there."),
            ("409", "Somebody was there first."),
            ("429", "Too many tries failed."),
            ("502", "The vendor did not do its part."),
        ]);
    }
    let failure = if endpoint.streams && endpoint.door == Door::Open {
        // What the relay refuses, it refuses in the dialect of the request that it was sent.
        json!({ "type": "object" })
    } else {
        json!({ "$ref": "#/components/schemas/Failure" })
    };
    for (status, description) in failures {
        responses[status] = json!({
            "description": description,
            "content": { "application/json": { "schema": failure } },
        });
    }
    responses
}

/// The schema of what an answer holds.
fn data_of(responses: &Value) -> Value {
    let schema = &responses["200"]["content"]["application/json"]["schema"];
    schema["properties"]["data"].clone()
}

fn failure() -> Value {
    json!({
        "type": "object",
        "properties": {
            "success": { "const": false },
            "error": { "type": "string", "enum": ["invalid", "not_found", "conflict", "forbidden", "unauthenticated",
                "too_many", "upstream", "internal"] },
            "message": { "type": "string", "description": "What happened and what to do." },
            "field": { "type": "string", "description": "Which input." },
            "causes": { "type": "array", "items": { "type": "string" } },
            "state": { "type": "string" },
            "advice": { "type": "string" },
            "version": { "type": "integer", "description": "The version that the record has now." },
            "current": { "description": "The record with that version, without its secrets." },
        },
        "required": ["success", "error", "message"],
    })
}

/// `GET /admin/api-keys/{key}` is `getAdminApiKeysByKey`.
/// The method and the path's parts, words within a part run together: `get_admin_apiKeys_byKey`.
fn operation_id(endpoint: &Endpoint) -> String {
    let mut id = endpoint.method.as_str().to_ascii_lowercase();
    for part in endpoint.path.split('/').filter(|part| !part.is_empty()) {
        let parameter = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        id.push_str(if parameter.is_some() { "_by" } else { "_" });
        for (at, word) in parameter.unwrap_or(part).split(['-', '.', '_']).enumerate() {
            let mut letters = word.chars();
            match letters.next() {
                Some(first) if at > 0 || parameter.is_some() => id.extend(first.to_uppercase()),
                first => id.extend(first),
            }
            id.extend(letters);
        }
    }
    id
}

fn tag(path: &str) -> &str {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    match (parts.next(), parts.next()) {
        (Some("admin"), Some(second)) => second,
        (Some(first), _) => first,
        _ => "system",
    }
}
