//! Tables for spreadsheets.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use posthaste_core::Area;
use serde_json::json;

use crate::support::{Rig, Shown};

async fn text(rig: &Rig, path: &str, shown: &Shown) -> (http::HeaderMap, String) {
    let bearer = shown.bearer.as_deref().unwrap();
    let request = Request::builder()
        .uri(path)
        .header("host", "relay.example")
        .header("authorization", format!("Bearer {bearer}"));
    let answer = rig.answer(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let (head, body) = answer.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (head.headers, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn a_table_of_keys_has_neither_secrets_nor_formulas() {
    let rig = Rig::new().await;
    let shown = rig.token("t", &[Area::Keys.write(), Area::Usage.read()]).await;
    let evil = "=HYPERLINK(0)";
    let made = rig.send(&Method::POST, "/admin/api-keys", &shown, Some(json!({ "name": evil }))).await;
    let secret = made.data()["key"].as_str().unwrap().to_owned();
    let (headers, table) = text(&rig, "/admin/api-keys/export", &shown).await;
    assert_eq!(headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(headers["content-disposition"], "attachment; filename=\"client-keys.csv\"");
    assert!(table.contains(",'=HYPERLINK(0),"), "{table}");
    assert!(!table.contains(&secret), "{table}");
    let (_, usage) = text(&rig, "/admin/usage/export", &shown).await;
    assert!(usage.starts_with("day,key_id,key,attempts"), "{usage}");
    let refused = rig.get("/admin/usage/export?by=key", &shown).await;
    assert_eq!((refused.status, &refused.json["field"]), (StatusCode::BAD_REQUEST, &json!("query")));
}
