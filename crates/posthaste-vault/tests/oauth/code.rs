//! The flow with a code.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use posthaste_core::Clock;
use posthaste_testkit::Reply;
use posthaste_vault::oauth::{LoginTicket, OAuthError};
use rstest::rstest;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::{bench, direct, failure, form, query, tokens};

#[tokio::test]
async fn a_code_becomes_tokens() {
    let bench = bench(|_| Reply::json(200, &tokens("at-1", "rt-1"))).await;
    let start = bench.flows.start_code("openai", None).unwrap();
    let asked = query(&start.url);
    assert_eq!(start.url.host_str(), Some("auth.openai.com"));
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["client_id"], "dummy-client");
    assert_eq!(asked["redirect_uri"], "http://localhost:1455/auth/callback");
    assert_eq!(asked["scope"], "openid profile email offline_access");
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!(asked["id_token_add_organizations"], "true");
    assert_eq!(asked["state"], start.state);

    let back = format!("http://localhost:1455/auth/callback?code=c-1&state={}", start.state);
    let token = bench.flows.finish_code(&start.ticket, &back, &direct()).await.unwrap();
    assert_eq!(token.provider, "openai");
    assert_eq!(token.access_token.expose(), "at-1");
    assert_eq!(token.refresh_token.unwrap().expose(), "rt-1");
    assert_eq!(token.expires_at, Some(bench.clock.now().plus(Duration::from_secs(3600))));

    let sent = &bench.transport.sent()[0];
    assert_eq!(sent.uri, "https://auth.openai.com/oauth/token");
    assert_eq!(sent.headers["content-type"], "application/x-www-form-urlencoded");
    let exchanged = form(sent);
    assert_eq!(exchanged["grant_type"], "authorization_code");
    assert_eq!(exchanged["code"], "c-1");
    assert_eq!(exchanged["client_id"], "dummy-client");
    assert_eq!(exchanged["redirect_uri"], "http://localhost:1455/auth/callback");
    assert!(!exchanged.contains_key("state"));
    let digest = Sha256::digest(exchanged["code_verifier"].as_bytes());
    assert_eq!(URL_SAFE_NO_PAD.encode(digest), asked["code_challenge"]);
}

#[tokio::test]
async fn claude_is_asked_in_json_with_the_state() {
    let answer = json!({"access_token": "at", "refresh_token": "rt", "expires_in": 28_800, "token_type": "Bearer",
        "account": {"uuid": "u", "email_address": "me@example.org"}});
    let bench = bench(move |_| Reply::json(200, &answer)).await;
    let start = bench.flows.start_code("claude", None).unwrap();
    let pasted = format!("c-1#{}", start.state);
    let token = bench.flows.finish_code(&start.ticket, &pasted, &direct()).await.unwrap();
    assert_eq!(token.facts.identity.as_deref(), Some("me@example.org"));
    let sent = &bench.transport.sent()[0];
    assert_eq!(sent.headers["content-type"], "application/json");
    let asked = sent.json();
    assert_eq!(asked["grant_type"], "authorization_code");
    assert_eq!(asked["code"], "c-1");
    assert_eq!(asked["state"], start.state.as_str());
    assert_eq!(asked["client_id"], "dummy-client");
    assert!(asked["code_verifier"].is_string());
}

#[tokio::test]
async fn google_is_asked_with_the_clients_secret() {
    let bench = bench(|_| Reply::json(200, &tokens("at", "rt"))).await;
    let start = bench.flows.start_code("google", None).unwrap();
    assert_eq!(query(&start.url)["access_type"], "offline");
    bench.flows.finish_code(&start.ticket, "4/0Abc", &direct()).await.unwrap();
    assert_eq!(form(&bench.transport.sent()[0])["client_secret"], "dummy-secret");
}

#[tokio::test]
async fn the_answer_of_another_login_is_refused() {
    let bench = bench(|_| Reply::json(200, &tokens("at", "rt"))).await;
    let start = bench.flows.start_code("claude", None).unwrap();
    for pasted in
        ["c#wrong", "http://x.example/cb?code=c&state=wrong", "http://x.example/cb?error=a&state=wrong"]
    {
        let error = bench.flows.finish_code(&start.ticket, pasted, &direct()).await.unwrap_err();
        assert_eq!(error, OAuthError::StateMismatch, "{pasted}");
    }
    assert!(bench.transport.sent().is_empty());
}

#[tokio::test]
async fn what_cannot_be_exchanged_is_told_apart() {
    let bench = bench(|_| Reply::json(200, &tokens("at", "rt"))).await;
    let start = bench.flows.start_code("claude", None).unwrap();
    let finish =
        async |pasted: &str| bench.flows.finish_code(&start.ticket, pasted, &direct()).await.unwrap_err();
    assert_eq!(finish("  ").await, OAuthError::NoCode);
    assert_eq!(finish("?error=access_denied").await, OAuthError::Denied { provider: "claude" });
    assert!(matches!(finish("?error=invalid_scope").await, OAuthError::Refused { .. }));
    bench.clock.advance(Duration::from_secs(600));
    assert_eq!(finish("c").await, OAuthError::ExpiredCode { provider: "claude" });

    let device = bench.flows.start_code("qwen", None).unwrap_err();
    assert!(matches!(device, OAuthError::NotOffered { .. }), "{device:?}");
    let forged = LoginTicket::from_text("AAAA");
    let error = bench.flows.finish_code(&forged, "c", &direct()).await.unwrap_err();
    assert_eq!(error, OAuthError::BadTicket);
    assert!(bench.transport.sent().is_empty());
}

#[rstest]
#[case::used(Reply::json(400, &json!({"error": "invalid_grant"})), "log the account in again")]
#[case::client(failure(401, "invalid_client"), "check `client_id`")]
#[case::scope(failure(400, "invalid_scope"), "check `scopes`")]
#[case::html(Reply::json(404, &json!("nothing here")), "is that of an OAuth token endpoint")]
#[case::empty(Reply::json(200, &json!({})), "is that of an OAuth token endpoint")]
#[case::busy(Reply::json(503, &json!({})), "asked again")]
#[tokio::test]
async fn what_the_server_says_has_its_advice(#[case] reply: Reply, #[case] advice: &str) {
    let reply = std::sync::Mutex::new(Some(reply));
    let bench =
        bench_once(move || reply.lock().unwrap().take().unwrap_or_else(|| Reply::json(503, &json!({}))))
            .await;
    let start = bench.flows.start_code("claude", None).unwrap();
    let error = bench.flows.finish_code(&start.ticket, "c", &direct()).await.unwrap_err();
    assert!(error.advice().contains(advice), "{error:?}: {}", error.advice());
}

async fn bench_once(answer: impl Fn() -> Reply + Send + Sync + 'static) -> crate::support::Bench {
    bench(move |_| answer()).await
}
