//! Whoever names the version that he has seen changes no other.

use axum::body::Body;
use http::{Request, StatusCode};
use posthaste_core::Area;
use serde_json::{Value, json};

use crate::support::{Read, Rig, Shown};

async fn change(rig: &Rig, shown: &Shown, tag: &str, body: Value) -> Read {
    let bearer = shown.bearer.as_deref().unwrap();
    let request = Request::put("/admin/api-keys/team")
        .header("host", "relay.example")
        .header("authorization", format!("Bearer {bearer}"))
        .header("content-type", "application/json")
        .header("if-match", tag);
    rig.raw(request.body(Body::from(body.to_string())).unwrap()).await
}

fn tag(read: &Read) -> String {
    read.headers["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn of_two_who_saw_the_same_version_the_second_is_told_the_next_one() {
    let rig = Rig::new().await;
    let shown = rig.token("editor", &[Area::Keys.write()]).await;
    rig.client_key("team", &[]).await;
    let seen = tag(&rig.get("/admin/api-keys/team", &shown).await);

    let (one, other) = tokio::join!(
        change(&rig, &shown, &seen, json!({ "policy": { "add_tags": ["one"] } })),
        change(&rig, &shown, &seen, json!({ "policy": { "add_tags": ["other"] } })),
    );
    let (won, lost) = if one.status == StatusCode::OK { (one, other) } else { (other, one) };
    assert_eq!(won.status, StatusCode::OK, "{}", won.json);
    assert_eq!((lost.status, &lost.json["error"]), (StatusCode::CONFLICT, &json!("conflict")));

    let now = rig.get("/admin/api-keys/team", &shown).await;
    assert_eq!(format!("\"{}\"", lost.json["version"]), tag(&now));
    assert_eq!(now.data()["policy"]["tags"].as_array().unwrap().len(), 1);
    let again = change(&rig, &shown, &tag(&now), json!({ "policy": { "add_tags": ["third"] } })).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.json);
}

#[tokio::test]
async fn without_a_version_each_changes_what_he_names() {
    let rig = Rig::new().await;
    let shown = rig.token("editor", &[Area::Keys.write()]).await;
    rig.client_key("team", &[]).await;
    let (one, other) = tokio::join!(
        change(&rig, &shown, "*", json!({ "enabled": false })),
        change(&rig, &shown, "*", json!({ "policy": { "tags": ["other"] } })),
    );
    assert_eq!((one.status, other.status), (StatusCode::OK, StatusCode::OK));
    let now = rig.get("/admin/api-keys/team", &shown).await;
    assert_eq!((&now.data()["enabled"], &now.data()["policy"]["tags"]), (&json!(false), &json!(["other"])));
}

#[tokio::test]
async fn what_is_no_version_is_refused() {
    let rig = Rig::new().await;
    let shown = rig.token("editor", &[Area::Keys.write()]).await;
    rig.client_key("team", &[]).await;
    for wrong in ["abc", "\"1\", \"2\"", "", "-1"] {
        let refused = change(&rig, &shown, wrong, json!({})).await;
        assert_eq!(
            (refused.status, &refused.json["field"]),
            (StatusCode::BAD_REQUEST, &json!("If-Match")),
            "{wrong}"
        );
    }
    // Whoever may not change the key does not learn its version either.
    let reader = rig.token("reader", &[Area::Keys.read()]).await;
    let refused = change(&rig, &reader, "\"99\"", json!({})).await;
    assert_eq!((refused.status, refused.json.get("version")), (StatusCode::FORBIDDEN, None));
}
