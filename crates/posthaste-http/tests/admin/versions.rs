//! Changes by those who say which version they saw.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use posthaste_core::Area;
use serde_json::{Value, json};

use crate::support::{Read, Rig, Shown};

async fn put(rig: &Rig, path: &str, shown: &Shown, seen: &str, body: Value) -> Read {
    let bearer = shown.bearer.as_deref().unwrap();
    let request = Request::builder()
        .method(Method::PUT)
        .uri(path)
        .header("host", "relay.example")
        .header("authorization", format!("Bearer {bearer}"))
        .header("content-type", "application/json")
        .header("if-match", seen);
    rig.raw(request.body(Body::from(body.to_string())).unwrap()).await
}

fn tag(read: &Read) -> String {
    read.headers["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn of_two_editors_the_second_is_told_what_is_there_now() {
    let rig = Rig::new().await;
    let shown = rig.token("t", &[Area::Keys.write(), Area::Pools.write(), Area::Accounts.write()]).await;
    let kinds = [
        ("/admin/api-keys", json!({ "name": "one" }), json!({ "enabled": false }), json!({ "name": "two" })),
        (
            "/admin/pools",
            json!({ "name": "one" }),
            json!({ "rules": { "patience_ms": 1 } }),
            json!({ "name": "two" }),
        ),
        (
            "/admin/claude-accounts",
            json!({ "name": "one", "api_key": "sk-ant-dummy" }),
            json!({ "priority": 7 }),
            json!({ "name": "two" }),
        ),
    ];
    for (path, new, first, second) in kinds {
        assert_eq!(rig.send(&Method::POST, path, &shown, Some(new)).await.status, StatusCode::OK);
        // Accounts are shown at one path and changed at that of their kind as well.
        let shows = format!("{}/one", if path.ends_with("-accounts") { "/admin/accounts" } else { path });
        let path = format!("{path}/one");
        let seen = tag(&rig.get(&shows, &shown).await);
        let changed = put(&rig, &path, &shown, &seen, first).await;
        assert_eq!(changed.status, StatusCode::OK, "{path}: {}", changed.json);
        let next = tag(&changed);
        assert_ne!(next, seen);

        let refused = put(&rig, &path, &shown, &seen, second.clone()).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{path}: {}", refused.json);
        assert_eq!(format!("\"{}\"", refused.json["version"]), next);
        assert_eq!(refused.json["current"]["name"], "one");
        assert!(!refused.json.to_string().contains("sk-ant-dummy"), "{}", refused.json);
        assert_eq!(tag(&rig.get(&shows, &shown).await), next, "nothing was written");

        // Who looked again may, and nothing of the first change is undone.
        let changed = put(&rig, &path, &shown, &next, second).await;
        assert_eq!((changed.status, &changed.json["data"]["name"]), (StatusCode::OK, &json!("two")));
    }
    let key = rig.get("/admin/api-keys/two", &shown).await;
    assert_eq!(key.data()["enabled"], json!(false));
    let pool = rig.get("/admin/pools/two", &shown).await;
    assert_eq!(pool.data()["rules"]["patience_ms"], json!(1));
}

#[tokio::test]
async fn of_parallel_editors_who_saw_the_same_exactly_one_is_heard() {
    let rig = Rig::new().await;
    let shown = rig.token("t", &[Area::Keys.write()]).await;
    let made = rig.send(&Method::POST, "/admin/api-keys", &shown, Some(json!({ "name": "one" }))).await;
    assert_eq!(made.status, StatusCode::OK);
    let seen = tag(&rig.get("/admin/api-keys/one", &shown).await);
    let edit = |n: usize| {
        let (rig, shown, seen) = (&rig, &shown, &seen);
        async move { put(rig, "/admin/api-keys/one", shown, seen, json!({ "allow": [format!("m-{n}")] })).await }
    };
    let answers = futures_util::future::join_all((0..8).map(edit)).await;
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(StatusCode::OK), count(StatusCode::CONFLICT)), (1, 7));
}

#[tokio::test]
async fn a_condition_that_is_not_understood_changes_nothing() {
    let rig = Rig::new().await;
    let shown = rig.token("t", &[Area::Keys.write()]).await;
    rig.send(&Method::POST, "/admin/api-keys", &shown, Some(json!({ "name": "one" }))).await;
    for odd in ["1", "*", "W/\"1\"", "\"x\"", "\"1\", \"2\""] {
        let refused = put(&rig, "/admin/api-keys/one", &shown, odd, json!({ "enabled": false })).await;
        assert_eq!(
            (refused.status, &refused.json["field"]),
            (StatusCode::BAD_REQUEST, &json!("if-match")),
            "{odd}"
        );
    }
    assert_eq!(rig.get("/admin/api-keys/one", &shown).await.data()["enabled"], json!(true));
    let missing = put(&rig, "/admin/owners/nobody", &shown, "\"1\"", json!({})).await;
    assert_eq!(
        missing.status,
        StatusCode::NOT_FOUND,
        "nothing is made where a version is named: {}",
        missing.json
    );
}

/// Whoever may not change a record does not learn of it by a version that does not fit.
#[tokio::test]
async fn who_may_not_is_told_nothing_of_the_record() {
    let rig = Rig::new().await;
    let writer = rig.token("w", &[Area::Keys.write()]).await;
    rig.send(&Method::POST, "/admin/api-keys", &writer, Some(json!({ "name": "one" }))).await;
    let reader = rig.token("r", &[Area::Keys.read()]).await;
    let refused = put(&rig, "/admin/api-keys/one", &reader, "\"9\"", json!({ "enabled": false })).await;
    assert_eq!((refused.status, &refused.json["version"]), (StatusCode::FORBIDDEN, &Value::Null));
}
