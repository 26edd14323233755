//! Whole error responses, as clients meet them.

use std::time::Duration;

use http::{Request, StatusCode};
use posthaste_testkit::{AccountSetters, Reply, account, anthropic_error};
use serde_json::json;

use crate::support::{MODEL, Read, Rig, Setup, post, secret, streamed, whole};

/// The two dialects' main paths with the name of each in snapshots.
const PATHS: [(&str, &str); 2] =
    [("anthropic", "/api/v1/messages"), ("openai", "/openai/v1/chat/completions")];

fn snapshot(name: &str, dialect: &str, read: &Read) {
    insta::assert_snapshot!(format!("{name}_{dialect}"), read.shown());
}

async fn in_both_dialects(rig: &Rig, name: &str, request: impl Fn(&str) -> Request<axum::body::Body>) {
    for (dialect, path) in PATHS {
        snapshot(name, dialect, &rig.send(request(path)).await);
    }
}

#[tokio::test]
async fn an_unknown_key() {
    in_both_dialects(&Rig::new().await, "unknown_key", |path| {
        Request::post(path).header("x-api-key", secret("stranger")).body(whole().into()).unwrap()
    })
    .await;
}

#[tokio::test]
async fn no_key() {
    in_both_dialects(&Rig::new().await, "no_key", |path| Request::post(path).body(whole().into()).unwrap())
        .await;
}

#[tokio::test]
async fn a_revoked_key() {
    in_both_dialects(&Rig::new().await, "revoked_key", |path| {
        Request::post(path).header("x-api-key", secret("revoked")).body(whole().into()).unwrap()
    })
    .await;
}

#[tokio::test]
async fn malformed_json() {
    in_both_dialects(&Rig::new().await, "malformed_json", |path| {
        post(path).body("{\"model\": \"claude\",\n  oops}".into()).unwrap()
    })
    .await;
}

#[tokio::test]
async fn a_missing_model() {
    in_both_dialects(&Rig::new().await, "missing_model", |path| {
        post(path).body(json!({"messages": []}).to_string().into()).unwrap()
    })
    .await;
}

#[tokio::test]
async fn bodies_made_to_hurt_are_the_clients_fault() {
    let rig = Rig::new().await;
    let deep = format!("{{\"model\":\"{MODEL}\",\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let open = format!("{{\"model\":\"{MODEL}\",\"x\":{}", "[".repeat(100_000));
    let twice = format!("{{\"model\":\"{MODEL}\",\"model\":\"other\"}}");
    for (_, path) in PATHS {
        for body in [&deep, &open, &twice, "", "null", "[]", "{}", "{\"model\":7}", "{\"model\":\"\"}"] {
            let read = rig.post(path, body.to_owned()).await;
            assert_eq!(read.status, StatusCode::BAD_REQUEST, "{path} {}", &body[..body.len().min(60)]);
        }
        let read = rig.post(path, b"{\"model\":\"\xff\"}".to_vec()).await;
        assert_eq!(read.status, StatusCode::BAD_REQUEST);
    }
    assert!(rig.transport.sent().is_empty());
}

#[tokio::test]
async fn a_wrong_path() {
    let rig = Rig::new().await;
    for (dialect, path) in [("anthropic", "/claude/v1/message"), ("openai", "/openai/v1/response")] {
        snapshot("wrong_path", dialect, &rig.post(path, whole()).await);
    }
}

#[tokio::test]
async fn a_tuned_model_is_refused_with_a_word_about_it() {
    let rig = Rig::new().await;
    for base in ["/gemini/v1beta", "/v1beta", "/gemini/v1"] {
        let path = format!("{base}/tunedModels/mine:generateContent");
        let read = rig.post(&path, json!({"contents": []}).to_string()).await;
        assert_eq!(read.status, 404, "{path}");
        assert_eq!(read.json()["error"]["status"], "NOT_FOUND", "{path}");
        let message = read.json()["error"]["message"].to_string();
        assert!(message.contains("tuned models are not served"), "{message}");
    }
}

#[tokio::test]
async fn a_wrong_method() {
    let rig = Rig::new().await;
    for (dialect, path) in PATHS {
        snapshot("wrong_method", dialect, &rig.get(path).await);
    }
}

#[tokio::test]
async fn a_body_that_is_too_large() {
    let rig = Rig::with(Setup { max_body_bytes: 1024 * 1024, ..Setup::default() }).await;
    in_both_dialects(&rig, "too_large", |path| post(path).body(" ".repeat(1024 * 1024 + 1).into()).unwrap())
        .await;
}

#[tokio::test]
async fn an_unsupported_encoding() {
    in_both_dialects(&Rig::new().await, "unsupported_encoding", |path| {
        post(path).header("content-encoding", "compress").body(whole().into()).unwrap()
    })
    .await;
}

#[tokio::test]
async fn no_accounts() {
    let rig = Rig::with(Setup { accounts: vec![], ..Setup::default() }).await;
    in_both_dialects(&rig, "no_accounts", |path| post(path).body(whole().into()).unwrap()).await;
}

#[tokio::test]
async fn a_model_that_nobody_serves() {
    let accounts = vec![account("one").with_models(&["other-*"])];
    let rig = Rig::with(Setup { accounts, ..Setup::default() }).await;
    in_both_dialects(&rig, "unserved_model", |path| post(path).body(whole().into()).unwrap()).await;
}

#[tokio::test]
async fn every_account_at_its_rate_limit() {
    let rig = Rig::with(Setup {
        accounts: vec![account("one"), account("two")],
        answer: Box::new(|sent| {
            let wait = if sent.headers.contains_key("x-app") { "40" } else { "30" };
            let error = anthropic_error("rate_limit_error", "secret upstream words");
            Reply::json(429, &error).header("retry-after", wait)
        }),
        ..Setup::default()
    })
    .await;
    in_both_dialects(&rig, "all_rate_limited", |path| post(path).body(streamed().into()).unwrap()).await;
    assert_eq!(rig.transport.sent().len(), 2, "who rests is not asked");
}

#[tokio::test]
async fn accounts_that_are_refused_or_failing_never_show_as_such() {
    // A used-up quota is told as a limit; all else as an overload. The same account is never asked twice in a row.
    for (status, kind, wanted) in [
        (401, "authentication_error", [529, 503]),
        (403, "permission_error", [529, 503]),
        (500, "api_error", [529, 503]),
        (529, "overloaded_error", [529, 503]),
        (402, "billing_error", [429, 429]),
    ] {
        let rig =
            Rig::answering(move |_| Reply::json(status, &anthropic_error(kind, "upstream words"))).await;
        for ((_, path), wanted) in PATHS.into_iter().zip(wanted) {
            let read = rig.post(path, whole()).await;
            assert_eq!(read.status.as_u16(), wanted, "{status} {path}: {}", read.text());
            assert!(read.header("retry-after").is_some(), "{status} {path}");
            assert!(!read.text().contains("upstream words"), "{}", read.text());
        }
        assert_eq!(rig.transport.sent().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn an_upstreams_complaint_about_the_request_is_passed_on() {
    let rig = Rig::answering(|_| {
        let error = anthropic_error("invalid_request_error", "max_tokens: must be at most 64000");
        Reply::json(400, &error)
            .header("request-id", "req_testkit")
            .header("anthropic-ratelimit-requests-remaining", "1")
    })
    .await;
    in_both_dialects(&rig, "upstream_400", |path| post(path).body(whole().into()).unwrap()).await;
    in_both_dialects(&rig, "upstream_400_stream", |path| post(path).body(streamed().into()).unwrap()).await;
    assert_eq!(rig.transport.sent().len(), 4, "nobody else is asked");
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_never_answers_ends_in_the_dialects_error() {
    for (_, path) in PATHS {
        let rig = Rig::answering(|_| Reply::never()).await;
        let read =
            tokio::time::timeout(Duration::from_secs(3_600), rig.post(path, streamed())).await.unwrap();
        // The head went out with the first keep-alive, so that the error is an event.
        assert_eq!(read.status, StatusCode::OK);
        let last = read.text().trim_end().rsplit("\n\n").next().unwrap();
        let data = last.rsplit("data: ").next().unwrap();
        let event: serde_json::Value = serde_json::from_str(data).unwrap();
        assert!(event["error"]["message"].is_string(), "{last}");
        assert!(!read.text().contains("message_stop") && !read.text().contains("[DONE]"), "{}", read.text());
    }
}
