//! Client keys in numbers, over HTTP.

use http::{Method, StatusCode};
use posthaste_core::Area;
use serde_json::json;

use crate::support::Rig;

#[tokio::test]
async fn a_class_of_keys_is_made_tagged_deleted_and_restored() {
    let rig = Rig::new().await;
    let shown = rig.token("t", &[Area::Keys.write()]).await;
    let send = async |method: Method, path: &str, body| rig.send(&method, path, &shown, body).await;

    let new = json!({ "prefix": "class", "count": 3, "with": { "policy": { "tags": ["2026"] } } });
    let made = send(Method::POST, "/admin/api-keys/batch", Some(new)).await;
    let first = &made.data()["created"][0];
    assert!(first["key"].as_str().unwrap().starts_with("cr_"));

    let change = json!({ "of": { "tag": "2026" }, "change": { "enabled": false } });
    let changed = send(Method::PUT, "/admin/api-keys/batch", Some(change)).await;
    assert_eq!((&changed.data()["done"], &changed.data()["failed"]), (&json!(3), &json!(0)));
    let renamed = send(Method::PUT, "/admin/api-keys/tags/2026", Some(json!({ "tag": "2027" }))).await;
    assert_eq!(renamed.data()["done"], 3);
    let tags = send(Method::GET, "/admin/api-keys/tags", None).await;
    assert_eq!(tags.data()["items"], json!([{ "tag": "2027", "keys": 3 }]));

    let of = json!({ "keys": ["class-1", "class-2", "nobody"] });
    let deleted = send(Method::DELETE, "/admin/api-keys/batch", Some(of)).await;
    assert_eq!((&deleted.data()["done"], &deleted.data()["failed"]), (&json!(2), &json!(1)));
    assert_eq!(deleted.data()["items"][2]["failure"]["kind"], "not_found");
    let left = send(Method::GET, "/admin/api-keys", None).await;
    assert_eq!(left.data()["total"], 1);
    let waiting = send(Method::GET, "/admin/api-keys/deleted", None).await;
    assert_eq!(waiting.data()["total"], 2);
    let by_state = send(Method::GET, "/admin/api-keys?state=deleted", None).await;
    assert_eq!(by_state.data()["total"], 2);

    // Nothing in the body is as good as no wish.
    let restored = send(Method::POST, "/admin/api-keys/class-1/restore", None).await;
    assert_eq!(restored.data()["name"], "class-1");
    let again = send(Method::POST, "/admin/api-keys/class-1/regenerate", None).await;
    assert_ne!(again.data()["key"], first["key"]);
    let dropped = send(Method::DELETE, "/admin/api-keys/class-2/permanent", None).await;
    assert_eq!(dropped.status, StatusCode::OK);
    let gone = send(Method::POST, "/admin/api-keys/class-2/restore", None).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}
