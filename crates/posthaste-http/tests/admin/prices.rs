//! Prices of the operator's own, and what is left on accounts.

use std::sync::{Arc, Mutex};

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

fn list_of(input: &str, model: &str) -> String {
    format!(
        r#"{{"{model}":{{"litellm_provider":"anthropic","mode":"chat","input_cost_per_token":{input},
        "output_cost_per_token":1e-05}},
        "bad":{{"litellm_provider":"openai","mode":"chat","input_cost_per_token":-1}},
        "other":{{"litellm_provider":"nobody","mode":"chat","input_cost_per_token":1}}}}"#
    )
}

#[tokio::test]
async fn a_list_is_fetched_shown_and_taken_and_only_the_one_that_was_shown() {
    let input = Arc::new(Mutex::new("2e-06"));
    let told = Arc::clone(&input);
    let rig = Rig::answering(move |_| {
        let list = list_of(*told.lock().unwrap(), "claude-next");
        Reply::json(200, &serde_json::from_str(&list).unwrap())
    })
    .await;
    let shown = rig.token("admin", &[Area::Usage.read(), Area::Settings.write(), Area::Audit.read()]).await;
    let path = "/admin/prices/update";
    let url = "https://prices.example.com/list.json";
    let look = json!({ "url": url, "dry_run": true });
    let seen = rig.send(&Method::POST, path, &shown, Some(look)).await;
    let seen = seen.data().clone();
    assert_eq!((&seen["taken"], &seen["added"][0]["model"]), (&json!(false), &json!("claude-next")));
    assert_eq!(seen["added"][0]["input"], 2_000_000_000_u64);
    assert_eq!((&seen["refused"][0]["name"], &seen["skipped"]), (&json!("bad"), &json!(1)));
    assert_eq!(price_of(&rig, &shown, "claude-next").await, Value::Null);

    // It became another one after it was shown.
    *input.lock().unwrap() = "3e-06";
    let stale = json!({ "url": url, "digest": seen["digest"] });
    assert_eq!(rig.send(&Method::POST, path, &shown, Some(stale)).await.status, StatusCode::CONFLICT);
    *input.lock().unwrap() = "2e-06";
    let take = json!({ "url": url, "digest": seen["digest"] });
    assert_eq!(rig.send(&Method::POST, path, &shown, Some(take)).await.data()["taken"], true);
    assert_eq!(price_of(&rig, &shown, "claude-next").await["input"], 2_000_000_000_u64);
    let status = rig.get("/admin/models/pricing/status", &shown).await;
    assert_eq!(status.data()["list"], json!({ "source": url, "models": 1 }));

    // A leap needs to be meant; what the next list lacks has no price any more.
    *input.lock().unwrap() = "2e-09";
    let refused = rig.send(&Method::POST, path, &shown, Some(json!({ "url": url }))).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.json.to_string().contains("anthropic/claude-next"), "{}", refused.json);
    let accepted = json!({ "url": url, "accept_leaps": true, "dry_run": true });
    let leap = rig.send(&Method::POST, path, &shown, Some(accepted)).await;
    assert_eq!(leap.data()["changed"][0]["leap"], true);
    let list: Value = serde_json::from_str(&list_of("1e-06", "claude-later")).unwrap();
    let other = json!({ "list": list, "source": "by hand" });
    let taken = rig.send(&Method::POST, path, &shown, Some(other)).await;
    assert_eq!(taken.data()["dropped"][0]["model"], "claude-next");
    assert_eq!(price_of(&rig, &shown, "claude-next").await, Value::Null);

    let log = rig.get("/admin/audit", &shown).await;
    let entries = log.data()["entries"].as_array().unwrap();
    let done: Vec<_> = entries.iter().filter(|entry| entry["action"] == "price.update").collect();
    assert_eq!(done.iter().filter(|entry| entry["outcome"] == "done").count(), 2);
    assert_eq!(done[0]["after"]["value"]["source"], "by hand", "{}", done[0]);
    assert!(!log.json.to_string().contains("claude-later\\"), "the list itself is too long for the log");
}

#[tokio::test]
async fn what_is_no_list_or_no_address_changes_nothing_and_says_why() {
    let rig = Rig::answering(|sent| match sent.uri.path() {
        "/absent" => Reply::json(404, &json!({})),
        "/moved" => Reply::json(302, &json!({})),
        _ => Reply::json(200, &json!(["no list"])),
    })
    .await;
    let shown = rig.token("admin", &[Area::Settings.write(), Area::Usage.read()]).await;
    for (why, body) in [
        ("either `list` or `url`", json!({})),
        ("either `list` or `url`", json!({ "url": "https://x.example", "list": {} })),
        ("no https address", json!({ "url": "http://prices.example.com/list" })),
        ("names no host", json!({ "url": "file:///etc/passwd" })),
        ("no https address", json!({ "url": "ftp://prices.example.com/list" })),
        ("answered 404", json!({ "url": "https://prices.example.com/absent" })),
        ("leads on to", json!({ "url": "https://prices.example.com/moved" })),
        ("cannot be read", json!({ "url": "https://prices.example.com/page" })),
        ("lists no model", json!({ "list": {} })),
        ("expected `1`", json!({ "list": { "schema": 2, "as_of": "2026-01-01", "unit": "x" } })),
    ] {
        let refused = rig.send(&Method::POST, "/admin/prices/update", &shown, Some(body)).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{why}: {}", refused.json);
        assert!(refused.json.to_string().contains(why), "{why}: {}", refused.json);
    }
    let status = rig.get("/admin/models/pricing/status", &shown).await;
    assert_eq!(status.data()["list"], Value::Null);
    let reader = rig.token("reader", &[Area::Usage.write()]).await;
    for path in ["/admin/prices/update", "/admin/prices/recompute"] {
        let refused = rig.send(&Method::POST, path, &reader, Some(json!({}))).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}: {}", refused.json);
    }
}
