//! A relay that is set up and run over its admin API alone, and what its client keys' holders see.

use bytes::Bytes;
use http::Method;
use posthaste_core::Payload;
use posthaste_testkit::{Script, ScriptedUpstream};
use serde_json::{Value, json};

use crate::support::{Bench, Server, UPSTREAM_KEY, eventually, serving, whole};

const PASSWORD: &str = "correct horse battery";

/// Asks and gives what was answered; `Ok` for the data of what was done.
async fn ask(
    server: &Server,
    method: Method,
    path: &str,
    token: &str,
    body: Value,
) -> Result<Value, (u16, Value)> {
    let request = http::Request::builder()
        .method(method)
        .uri(format!("{}{path}", server.base))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let answer = server.client().send(request.body(Payload::from(body)).unwrap()).await.unwrap();
    let status = answer.status;
    let json: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    if status == 200 { Ok(json["data"].clone()) } else { Err((status, json)) }
}

/// The token that the program showed the person who started it.
async fn shown(server: &Server) -> String {
    let found = || {
        let log = server.log();
        let line = log.lines().find(|line| line.contains("set-up token"))?;
        Some(line.rsplit(' ').next()?.to_owned())
    };
    eventually("a token is shown", found).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_is_set_up_over_http_and_its_holders_see_their_use() {
    let bench = Bench::new();
    let upstream = ScriptedUpstream::start(serving).await;
    let server = bench.serve();
    let first = json!({ "token": shown(&server).await, "name": "ada", "password": PASSWORD });
    ask(&server, Method::POST, "/web/auth/setup", "-", first).await.unwrap();
    let login = json!({ "username": "ada", "password": PASSWORD });
    let session = ask(&server, Method::POST, "/web/auth/login", "-", login).await.unwrap();
    let token = session["token"].as_str().unwrap();

    let nowhere = ask(&server, Method::GET, "/admin/nothing", token, Value::Null).await.unwrap_err();
    assert_eq!((nowhere.0, &nowhere.1["error"]), (404, &json!("not_found")));

    let account = json!({ "preset": "anthropic-compatible", "name": "one", "base_url": upstream.base_url(),
        "api_key": UPSTREAM_KEY, "allow_private": true });
    ask(&server, Method::POST, "/admin/accounts", token, account).await.unwrap();
    let limit = |name: &str, unit: &str, amount: u64| json!({ "name": name, "unit": unit, "amount": amount, "window": { "window": "total" } });
    let owner = json!({ "limits": [limit("together", "requests", 10)] });
    ask(&server, Method::PUT, "/admin/owners/people", token, owner).await.unwrap();
    let key = json!({ "name": "team", "policy": { "owner": "people" },
        "limits": [limit("requests", "requests", 3), limit("tokens", "tokens", 100_000)] });
    let made = ask(&server, Method::POST, "/admin/api-keys", token, key).await.unwrap();
    let key = made["key"].as_str().unwrap();

    for _ in 0..2 {
        let answer = server.post(key, &whole()).await.unwrap();
        assert_eq!(answer.status, 200);
        answer.text().await.unwrap();
    }
    let overview = loop {
        let overview = ask(&server, Method::GET, "/apiStats/overview", key, Value::Null).await.unwrap();
        // Rows are written a moment after their answers.
        if overview["usage"]["totals"]["attempts"] == 2 {
            break overview;
        }
    };
    let limits = overview["key"]["limits"].as_array().unwrap();
    let stands = |name: &str| limits.iter().find(|limit| limit["name"] == name).unwrap()["used"].clone();
    assert_eq!((stands("requests"), stands("together")), (json!(2), json!(2)), "{overview}");
    assert_eq!(stands("tokens"), json!(2 * (12 + 34)), "{overview}");
    let usage = ask(&server, Method::GET, "/admin/usage?by=key,model", token, Value::Null).await.unwrap();
    assert_eq!(usage["rows"].as_array().map(Vec::len), Some(1), "{usage}");

    let refused = ask(&server, Method::GET, "/admin/api-keys", key, Value::Null).await.unwrap_err();
    assert_eq!(refused.0, 401, "a client key is no operator's: {}", refused.1);
    let entries = ask(&server, Method::GET, "/admin/audit", token, Value::Null).await.unwrap();
    assert!(entries["entries"].as_array().unwrap().len() >= 4, "{entries}");
    assert!(!entries.to_string().contains(UPSTREAM_KEY) && !entries.to_string().contains(key));
    server.stop().await;
    let verified = bench.cli("audit verify");
    assert_eq!(verified["problems"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_outlive_the_relay_s_end_and_no_token_is_shown_when_there_is_an_owner() {
    let bench = Bench::new();
    bench.cli("init");
    let made = bench.cli(&format!("admin create ada --password {}", "correct-horse-battery"));
    assert_eq!(made["role"], "owner");
    let server = bench.serve();
    assert!(!server.log().contains("set-up token"), "{}", server.log());
    let login = json!({ "username": "ada", "password": "correct-horse-battery" });
    let session = ask(&server, Method::POST, "/web/auth/login", "-", login).await.unwrap();
    let token = session["token"].as_str().unwrap().to_owned();
    server.stop().await;
    let server = bench.serve();
    let profile = ask(&server, Method::GET, "/users/profile", &token, Value::Null).await.unwrap();
    assert_eq!(profile["name"], "ada");
    // The command line, through the running relay, ends what the browser began.
    bench.cli("users logout ada");
    assert_eq!(ask(&server, Method::GET, "/users/profile", &token, Value::Null).await.unwrap_err().0, 401);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_added_tested_and_told_what_became_of_it() {
    let bench = Bench::new();
    let receiver = ScriptedUpstream::start(|_| Script::json(200, &json!({}))).await;
    bench.cli("init");
    let token = bench.cli("tokens create t --scope settings:write --scope notifications:write");
    let token = token["token"].as_str().unwrap();
    let server = bench.serve();
    let channel = json!({ "name": "ops", "service": { "kind": "webhook" },
        "with": { "target": format!("{}/CANARY", receiver.base_url()), "allow_private": true } });
    let made = ask(&server, Method::POST, "/admin/channels", token, channel).await.unwrap();
    assert!(!made.to_string().contains("CANARY"), "{made}");
    let tested = ask(&server, Method::POST, "/admin/channels/ops/test", token, json!({})).await.unwrap();
    assert_eq!(tested["outcome"], "delivered", "{tested}");
    assert_eq!(receiver.received().len(), 1);
    let told = ask(&server, Method::GET, "/admin/channels/ops/deliveries", token, Value::Null).await.unwrap();
    assert_eq!(told.as_array().map(Vec::len), Some(1), "{told}");
    let unfit = json!({ "name": "chat", "service": { "kind": "telegram", "chat": "" } });
    let refused = ask(&server, Method::POST, "/admin/channels", token, unfit).await.unwrap_err();
    assert_eq!((refused.0, &refused.1["error"]), (400, &json!("invalid")));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_admin_api_is_off_there_is_none() {
    let bench = Bench::new().with("POSTHASTE_ADMIN__ENABLED", "false");
    bench.cli("init");
    let server = bench.serve();
    assert!(!server.log().contains("set-up token"));
    for path in ["/admin/openapi.json", "/web/auth/state", "/users/profile"] {
        assert_eq!(server.get(path, ("x-none", "x")).await.status, 404, "{path}");
    }
    server.stop().await;
}
