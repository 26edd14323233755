//! Prices of the operator's own, and what is left on accounts.

use http::{Method, StatusCode};
use posthaste_core::Area;
use posthaste_testkit::Reply;
use serde_json::{Value, json};

use crate::support::{Rig, Shown};

async fn price_of(rig: &Rig, shown: &Shown, model: &str) -> Value {
    let found = rig.get(&format!("/admin/prices?search={model}"), shown).await;
    let items = found.data()["items"].as_array().unwrap().clone();
    items.into_iter().find(|item| item["model"] == model).unwrap_or(Value::Null)
}

#[tokio::test]
async fn a_price_of_ones_own_takes_the_place_of_the_books_until_it_is_removed() {
    let rig = Rig::new().await;
    let shown = rig.token("admin", &[Area::Usage.read(), Area::Settings.write(), Area::Audit.read()]).await;
    let book = price_of(&rig, &shown, "claude-haiku-4-5").await;
    assert_eq!(book["own"], false);
    let body = json!({
        "provider": "anthropic", "model": "claude-haiku-4-5", "note": "our contract",
        "rates": { "input": 500_000_000_u64, "output": 2_500_000_000_u64 },
    });
    let set = rig.send(&Method::PUT, "/admin/prices/own", &shown, Some(body.clone())).await;
    assert_eq!(set.data()["note"], "our contract");
    let own = price_of(&rig, &shown, "claude-haiku-4-5").await;
    assert_eq!((&own["own"], &own["input"]), (&json!(true), &json!(500_000_000)));
    assert_eq!(own["context_window"], book["context_window"]);

    // Said once more it is another price of the same, and the note stays.
    let again = json!({ "provider": "anthropic", "model": "claude-haiku-4-5", "rates": { "input": 7 } });
    let changed = rig.send(&Method::PUT, "/admin/prices/own", &shown, Some(again)).await;
    assert_eq!((&changed.data()["id"], &changed.data()["note"]), (&set.data()["id"], &json!("our contract")));
    assert_eq!(changed.data()["rates"]["output"], Value::Null);
    let listed = rig.get("/admin/prices/own", &shown).await;
    assert_eq!(listed.data()["total"], 1);
    assert_eq!(rig.get("/admin/models/pricing/status", &shown).await.data()["own"], 1);

    let path = format!("/admin/prices/own/{}", set.data()["id"].as_str().unwrap());
    assert_eq!(rig.get(&path, &shown).await.data()["model"], "claude-haiku-4-5");
    assert_eq!(rig.send(&Method::DELETE, &path, &shown, None).await.status, StatusCode::OK);
    assert_eq!(price_of(&rig, &shown, "claude-haiku-4-5").await, book);
    assert_eq!(rig.get(&path, &shown).await.status, StatusCode::NOT_FOUND);
    let log = rig.get("/admin/audit", &shown).await;
    let entries = log.data()["entries"].as_array().unwrap();
    let change = entries.iter().find(|entry| entry["action"] == "price.delete").unwrap();
    assert_eq!(change["target"]["name"], "anthropic/claude-haiku-4-5", "{change}");
    assert_eq!(change["before"]["rates"]["input"], 7, "{change}");
}

#[tokio::test]
async fn prices_that_cannot_be_are_refused_and_only_those_who_may_set_them() {
    let rig = Rig::new().await;
    let shown = rig.token("admin", &[Area::Settings.write()]).await;
    let body = |provider: &str, model: &str, rates: Value| json!({ "provider": provider, "model": model, "rates": rates });
    for (why, body) in [
        ("is no list of prices", body("nobody", "m", json!({ "input": 1 }))),
        ("neither an input nor an output price", body("anthropic", "m", json!({}))),
        ("beyond belief", body("anthropic", "m", json!({ "input": 10_000_000_000_000_u64 }))),
        ("stands for", body("anthropic", "claude-haiku-4.5", json!({ "input": 1 }))),
        ("model", body("anthropic", "", json!({ "input": 1 }))),
    ] {
        let refused = rig.send(&Method::PUT, "/admin/prices/own", &shown, Some(body)).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.json);
        assert!(refused.json.to_string().contains(why), "{why}: {}", refused.json);
    }
    let reader = rig.token("reader", &[Area::Usage.write()]).await;
    let good = body("anthropic", "m", json!({ "input": 1 }));
    let refused = rig.send(&Method::PUT, "/admin/prices/own", &reader, Some(good)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_is_left_is_told_as_the_vendor_told_a_short_while_ago() {
    let rig = Rig::answering(|sent| {
        assert_eq!(sent.uri.path(), "/user/balance");
        let amount = json!({ "currency": "USD", "total_balance": "12.34" });
        Reply::json(200, &json!({ "is_available": true, "balance_infos": [amount] }))
    })
    .await;
    let shown = rig.token("operator", &[Area::Accounts.write()]).await;
    for (preset, name) in [("deepseek", "one"), ("anthropic", "two")] {
        let account = json!({ "preset": preset, "name": name, "api_key": "sk-dummy" });
        rig.send(&Method::POST, "/admin/accounts", &shown, Some(account)).await.data();
    }
    let path = "/admin/accounts/one/balance";
    for asked in [1, 1] {
        let told = rig.get(path, &shown).await;
        assert_eq!(
            told.data()["amounts"],
            json!([{ "currency": "USD", "left": 12_340_000_000_i64, "limit": null, "used": null }])
        );
        assert_eq!(rig.transport.sent().len(), asked);
    }
    let refresh = "/admin/accounts/one/balance/refresh";
    rig.send(&Method::POST, refresh, &shown, None).await.data();
    assert_eq!(rig.transport.sent().len(), 2);
    let reader = rig.token("reader", &[Area::Accounts.read()]).await;
    assert_eq!(rig.send(&Method::POST, refresh, &reader, None).await.status, StatusCode::FORBIDDEN);
    rig.clock.advance(std::time::Duration::from_secs(301));
    rig.get(path, &reader).await.data();
    assert_eq!(rig.transport.sent().len(), 3);
    let silent = rig.get("/admin/accounts/two/balance", &shown).await;
    assert_eq!(silent.status, StatusCode::BAD_REQUEST);
    assert!(silent.json.to_string().contains("tells no balance"), "{}", silent.json);
}

#[tokio::test]
async fn a_vendor_that_does_not_tell_is_no_error_of_the_relay() {
    for (reply, why) in [(401, "the vendor answered 401"), (200, "is not what DeepSeek documents")] {
        let rig = Rig::answering(move |_| Reply::json(reply, &json!({ "secret": "sk-dummy" }))).await;
        let shown = rig.token("operator", &[Area::Accounts.write()]).await;
        let account = json!({ "preset": "deepseek", "name": "one", "api_key": "sk-dummy" });
        rig.send(&Method::POST, "/admin/accounts", &shown, Some(account)).await.data();
        let told = rig.get("/admin/accounts/one/balance", &shown).await;
        let problem = told.data()["problem"].as_str().unwrap().to_owned();
        assert!(problem.contains(why) && !problem.contains("sk-dummy"), "{problem}");
        assert_eq!(told.data()["amounts"], json!([]));
    }
}
