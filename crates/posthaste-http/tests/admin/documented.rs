//! The OpenAPI document.

use std::collections::BTreeSet;

use http::StatusCode;
use posthaste_http::{admin_route_table, openapi_document};
use serde_json::Value;

use crate::support::{Rig, Shown};

#[test]
fn every_route_is_documented_and_nothing_else() {
    let document = openapi_document("0.0.0");
    let mut documented = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            documented.insert((method.to_uppercase(), path.clone()));
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{method} {path}");
        }
    }
    let routes = admin_route_table().into_iter().map(|route| (route.method.to_string(), route.path));
    assert_eq!(documented, routes.collect());
    let ids: Vec<_> =
        all(&document, "operationId").into_iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "operation ids are unique");
}

#[test]
fn everything_that_is_referred_to_is_there() {
    let document = openapi_document("0.0.0");
    for reference in all(&document, "$ref") {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[tokio::test]
async fn the_document_is_open_to_everybody_and_holds_no_secret() {
    let rig = Rig::new().await;
    let read = rig.get("/admin/openapi.json", &Shown::default()).await;
    assert_eq!((read.status, read.json["openapi"].as_str()), (StatusCode::OK, Some("3.1.0")));
    assert_eq!(read.headers["content-type"], "application/json");
}

/// The values of every field with this name.
fn all<'a>(value: &'a Value, name: &str) -> Vec<&'a Value> {
    match value {
        Value::Object(fields) => {
            let own = fields.get(name).filter(|value| value.is_string());
            own.into_iter().chain(fields.values().flat_map(|value| all(value, name))).collect()
        }
        Value::Array(values) => values.iter().flat_map(|value| all(value, name)).collect(),
        _ => Vec::new(),
    }
}
