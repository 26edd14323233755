//! Lists, and the account paths of the predecessor.

use http::{Method, StatusCode};
use posthaste_core::{Area, Role};
use serde_json::{Value, json};

use crate::support::Rig;

#[tokio::test]
async fn keys_are_listed_in_pages_searched_and_sorted() {
    let rig = Rig::new().await;
    let shown = rig.token("t", &[Area::Keys.write()]).await;
    for n in 0..12 {
        let body = json!({ "name": format!("team {n:02}"), "policy": { "tags": [if n % 2 == 0 { "even" } else { "odd" }] } });
        assert_eq!(
            rig.send(&Method::POST, "/admin/api-keys", &shown, Some(body)).await.status,
            StatusCode::OK
        );
    }
    let names = async |query: &str| {
        let read = rig.get(&format!("/admin/api-keys?{query}"), &shown).await;
        let items = read.data()["items"].as_array().unwrap().clone();
        let names: Vec<String> = items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect();
        (names, read.data()["total"].as_u64().unwrap())
    };
    assert_eq!(names("pageSize=2&page=3").await, (vec!["team 04".into(), "team 05".into()], 12));
    assert_eq!(names("search=ODD&pageSize=1&sortBy=name&sortOrder=desc").await, (vec!["team 11".into()], 6));
    let refused = rig.get("/admin/api-keys?sortBy=hash", &shown).await;
    assert_eq!((refused.status, &refused.json["field"]), (StatusCode::BAD_REQUEST, &json!("sortBy")));
    let refused = rig.get("/admin/api-keys?limit=5", &shown).await;
    assert_eq!((refused.status, &refused.json["field"]), (StatusCode::BAD_REQUEST, &json!("query")));
}

#[tokio::test]
async fn accounts_are_kept_under_the_paths_of_their_kinds() {
    let rig = Rig::new().await;
    let shown = rig.token("t", &[Area::Accounts.write()]).await;
    let body = json!({ "name": "one", "api_key": "sk-ant-dummy" });
    let added = rig.send(&Method::POST, "/admin/claude-accounts", &shown, Some(body)).await;
    let id = added.data()["id"].as_str().unwrap().to_owned();
    let total = async |path: &str| rig.get(path, &shown).await.data()["total"].clone();
    assert_eq!(total("/admin/claude-accounts").await, 1);
    assert_eq!(total("/admin/openai-accounts").await, 0);
    let body = json!({ "preset": "openai", "name": "two", "api_key": "sk-dummy" });
    let refused = rig.send(&Method::POST, "/admin/claude-accounts", &shown, Some(body)).await;
    assert_eq!((refused.status, &refused.json["field"]), (StatusCode::BAD_REQUEST, &json!("preset")));
    let elsewhere = format!("/admin/openai-accounts/{id}");
    assert_eq!(rig.send(&Method::DELETE, &elsewhere, &shown, None).await.status, StatusCode::NOT_FOUND);
    let toggled = rig.send(&Method::PUT, &format!("/admin/claude-accounts/{id}/toggle"), &shown, None).await;
    assert_eq!(toggled.data()["enabled"], json!(false));
    let text = rig.get("/admin/accounts", &shown).await.json.to_string();
    assert!(!text.contains("sk-ant-dummy"), "{text}");
    let path = format!("/admin/claude-accounts/{id}");
    assert_eq!(rig.send(&Method::DELETE, &path, &shown, None).await.status, StatusCode::OK);
    assert_eq!(total("/admin/accounts").await, 0);
}

/// Consent to an address within the relay's network is an admin's to give.
#[tokio::test]
async fn an_operator_lets_nobody_into_the_relay_s_own_network() {
    let rig = Rig::new().await;
    rig.add("operator", Role::Operator).await;
    rig.add("admin", Role::Admin).await;
    let body = || {
        Some(json!({ "preset": "openai-compatible", "name": "local", "base_url": "http://127.0.0.1:9/v1",
            "api_key": "sk-dummy", "allow_private": true }))
    };
    let operator = rig.log_in("operator").await;
    let refused = rig.send(&Method::POST, "/admin/accounts", &operator, body()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.json);
    let admin = rig.log_in("admin").await;
    let added = rig.send(&Method::POST, "/admin/accounts", &admin, body()).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.json);

    // This machine's own address needs no word of consent, but the same right; so does a login that an account comes of.
    let account = |name: &str, more: Value| {
        let mut account = json!({ "preset": "glm-coding-plan", "name": name, "api_key": "sk-dummy" });
        account.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        account
    };
    let elsewhere = json!([{ "dialect": "anthropic-messages", "url": "http://0x7f.1:9/a" }]);
    let opening = [
        json!({ "base_url": "http://127.0.0.1:9" }),
        json!({ "base_url": "http://[::1]:9" }),
        json!({ "base_url": "http://localhost:9" }),
        json!({ "base_url": "http://2130706433:9" }),
        json!({ "base_url": "https://api.example.com", "base_urls": elsewhere }),
    ];
    let added =
        rig.send(&Method::POST, "/admin/accounts", &operator, Some(account("plain", json!({})))).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.json);
    for (number, more) in opening.into_iter().enumerate() {
        let new = account(&format!("open-{number}"), more.clone());
        let whose = json!({ "whose": { "new_account": new.clone() }, "flow": "device" });
        for (method, path, body) in [
            (Method::POST, "/admin/accounts", new),
            (Method::PUT, "/admin/accounts/plain", more),
            (Method::POST, "/admin/logins", whose),
        ] {
            let refused = rig.send(&method, path, &operator, Some(body)).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{method} {path} {number}: {}", refused.json);
        }
    }
}

#[tokio::test]
async fn what_was_done_over_http_is_in_the_audit_log_with_its_person() {
    let rig = Rig::new().await;
    rig.add("ada", Role::Owner).await;
    let shown = rig.log_in("ada").await;
    rig.send(&Method::POST, "/admin/api-keys", &shown, Some(json!({ "name": "team" }))).await;
    let read = rig.get("/admin/audit?action=key.&limit=5", &shown).await;
    let entry = &read.data()["entries"][0];
    assert_eq!((&entry["who"]["name"], &entry["action"]), (&json!("ada"), &json!("key.create")));
    let verified = rig.get("/admin/audit/verify", &shown).await;
    assert_eq!(verified.data()["problems"], json!([]));
}
