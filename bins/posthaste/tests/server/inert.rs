//! Words of others that would be markup, script or lines elsewhere: data in JSON, and nothing that steers a terminal.

use bytes::Bytes;
use http::Method;
use posthaste_core::Payload;
use posthaste_testkit::{Script, ScriptedUpstream};
use serde_json::{Value, json};

use crate::support::{Bench, Server, UPSTREAM_KEY};

const MARKUP: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>";
const PASSWORD: &str = "correct-horse-battery";

/// Asks as a browser that calls itself so; checks how the answer is labelled.
async fn ask(server: &Server, method: Method, path: &str, token: &str, body: Value) -> Value {
    let request = http::Request::builder()
        .method(method)
        .uri(format!("{}{path}", server.base))
        .header("authorization", format!("Bearer {token}"))
        .header("user-agent", MARKUP)
        .header("accept", "text/html")
        .header("content-type", "application/json");
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let answer = server.client().send(request.body(Payload::from(body)).unwrap()).await.unwrap();
    assert_eq!(answer.header("content-type"), "application/json", "{path}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    let text = answer.text().await.unwrap();
    assert!(!text.contains('\u{1b}') && !text.contains('\r'), "{path}: {text}");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_others_do_nothing_where_they_are_shown() {
    let bench = Bench::new();
    let refusal = format!("{MARKUP}\r\nset-cookie: a=b\r\n\r\n\u{1b}[31m=1+1");
    let error = json!({ "type": "error", "error": { "type": "invalid_request_error", "message": refusal } });
    let upstream = ScriptedUpstream::start(move |_| Script::json(400, &error)).await;
    bench.cli("init");
    bench.cli(&format!("admin create ada --password {PASSWORD}"));
    bench.cli(&format!("admin create bob --password {PASSWORD}"));
    let server = bench.serve();
    let login = json!({ "username": "ada", "password": PASSWORD });
    let token = ask(&server, Method::POST, "/web/auth/login", "-", login).await["data"]["token"].clone();
    let token = token.as_str().unwrap();
    let account = json!({ "preset": "anthropic-compatible", "name": MARKUP, "base_url": upstream.base_url(),
        "api_key": UPSTREAM_KEY, "allow_private": true, "scheduling": { "notes": MARKUP } });
    let channel = json!({ "name": MARKUP, "service": { "kind": "telegram", "chat": MARKUP },
        "with": { "target": "1:dummy", "enabled": false } });
    for (path, body) in [
        ("/admin/accounts", account),
        ("/admin/pools", json!({ "name": MARKUP })),
        ("/admin/channels", channel),
        ("/admin/routes", json!({ "model": MARKUP.replace(' ', ""), "targets": [{ "to": "m" }] })),
    ] {
        ask(&server, Method::POST, path, token, body).await;
    }
    let made = ask(&server, Method::POST, "/admin/api-keys", token, json!({ "name": MARKUP })).await;
    let key = made["data"]["key"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    ask(&server, Method::PUT, "/admin/users/bob", token, json!({ "display_name": MARKUP })).await;
    // What cannot be a name is refused, and the refusal is no line of its own.
    for name in ["a\r\nx: y", "a\u{1b}[2J", "a\u{0}"] {
        let told = ask(&server, Method::POST, "/admin/pools", token, json!({ "name": name })).await;
        assert_eq!((&told["success"], &told["error"]), (&json!(false), &json!("invalid")), "{told}");
    }
    let body =
        json!({ "model": MARKUP, "max_tokens": 9, "messages": [{ "role": "user", "content": MARKUP }] });
    let answer = server.post(&key, &body).await.unwrap();
    assert_eq!(answer.header("set-cookie"), "");
    assert!(answer.header("content-type").starts_with("application/json"), "{:?}", answer.headers);
    answer.text().await.unwrap();

    let requests = ask(&server, Method::GET, "/admin/requests", token, Value::Null).await;
    let request = requests["data"][0]["id"].as_str().unwrap_or_else(|| panic!("{requests}")).to_owned();
    let mut held = 0;
    for path in [
        "/admin/accounts",
        "/admin/pools",
        "/admin/channels",
        "/admin/routes",
        "/admin/api-keys",
        "/admin/users",
        "/admin/users/ada/sessions",
        "/admin/audit",
        "/admin/requests",
        "/admin/usage?by=model",
        "/admin/status",
        "/admin/accounts/%3Cscript%3E",
        "/admin/nowhere/%3Cscript%3E",
        &format!("/admin/requests/{request}"),
    ] {
        let told = ask(&server, Method::GET, path, token, Value::Null).await;
        held += usize::from(told.to_string().contains("<script>"));
    }
    assert!(held >= 10, "the words were there to be told: {held}");
    for path in ["/apiStats/overview", "/api/v1/key-info"] {
        let told = ask(&server, Method::GET, path, &key, Value::Null).await;
        assert!(told.to_string().contains("<script>"), "{told}");
    }
    server.stop().await;

    for line in [
        "accounts list".to_owned(),
        "pools list".to_owned(),
        "channels list".to_owned(),
        "keys list".to_owned(),
        "users list".to_owned(),
        "users sessions ada".to_owned(),
        "requests list".to_owned(),
        "audit list".to_owned(),
        "stats --by model".to_owned(),
        format!("explain {request}"),
    ] {
        let output = bench.command(&line).output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        let steering = |byte: &&u8| byte.is_ascii_control() && **byte != b'\n';
        assert_eq!(output.stdout.iter().find(steering), None, "{line}");
        assert_eq!(output.stderr.iter().find(steering), None, "{line}");
    }
}
