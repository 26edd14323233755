//! What words of the scope make the token endpoint do.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use posthaste_core::{Payload, TransportError};
use posthaste_sandbox::{SANDBOX_BASE_URL, SANDBOX_CLIENT_ID};
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::{REDIRECT, Server, VERIFIER, broken, exchange, form, read, with_client};
use crate::asking::text;

fn refresh(token: &serde_json::Value) -> Request<Payload> {
    let token = token["refresh_token"].as_str().expect("a refresh token");
    form("/oauth/token", &with_client(&[("grant_type", "refresh_token"), ("refresh_token", token)]))
}

#[tokio::test]
async fn trouble_leaves_the_refresh_token_good() {
    let server = Server::start();
    for (scope, status) in
        [("refresh-500-first-2", 500), ("refresh-429-first-2", 429), ("refresh-garbage-first-2", 200)]
    {
        let tokens = server.login(scope).await;
        for _ in 0..2 {
            let response = server.send(refresh(&tokens)).await;
            assert_eq!(response.status().as_u16(), status, "{scope}");
            assert_eq!(response.headers().contains_key("retry-after"), status == 429);
            let said = text(response).await;
            assert!(!said.contains("access_token"), "{said}");
        }
        assert_eq!(server.refresh(&tokens).await.0, 200, "{scope}");
    }
    let tokens = server.login("refresh-invalid-grant").await;
    let (status, answer) = server.refresh(&tokens).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
}

#[tokio::test]
async fn the_exchange_has_trouble_of_its_own() {
    let server = Server::start();
    for (scope, status) in [("token-500", 500), ("token-429", 429), ("token-invalid-grant", 400)] {
        let code = server.code(scope).await;
        let response = server.send(form("/oauth/token", &with_client(&exchange(&code)))).await;
        assert_eq!(response.status().as_u16(), status, "{scope}");
    }
}

#[tokio::test(start_paused = true)]
async fn answers_may_be_late_or_never_come() {
    let server = Server::start();
    let tokens = server.login("refresh-hang-first-1").await;
    assert!(timeout(Duration::from_secs(3_600), server.send(refresh(&tokens))).await.is_err());
    assert_eq!(server.refresh(&tokens).await.0, 200);

    let code = server.code("token-slow").await;
    let began = Instant::now();
    assert_eq!(server.token(&exchange(&code)).await.0, 200);
    assert_eq!(began.elapsed().as_secs(), 2);
}

#[tokio::test]
async fn an_answer_that_is_lost_has_rotated_all_the_same() {
    let server = Server::start();
    let tokens = server.login("refresh-lost-first-1").await;
    let response = server.send(refresh(&tokens)).await;
    assert_eq!(response.status(), 200);
    assert!(matches!(broken(response).await, TransportError::Broken(_)));
    assert_eq!(server.refresh(&tokens).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn some_vendors_take_json_alone_and_want_the_state_again() {
    let server = Server::start();
    let code = server.code("json-only").await;
    assert_eq!(server.token(&exchange(&code)).await.1["error"], "invalid_request");
    let ask = async |body: serde_json::Value| {
        let request = Request::post(format!("{SANDBOX_BASE_URL}/oauth/token"));
        let request = request.header("content-type", "application/json");
        read(server.send(request.body(Payload::from(Bytes::from(body.to_string()))).unwrap()).await).await
    };
    let mut body = json!({
        "grant_type": "authorization_code", "client_id": SANDBOX_CLIENT_ID, "code": code,
        "redirect_uri": REDIRECT, "code_verifier": VERIFIER,
    });
    assert_eq!(ask(body.clone()).await.1["error"], "invalid_request");
    body["state"] = json!("a state & more");
    let (status, tokens) = ask(body).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(server.refresh(&tokens).await.1["error"], "invalid_request");
    let body = json!({
        "grant_type": "refresh_token", "client_id": SANDBOX_CLIENT_ID, "refresh_token": tokens["refresh_token"],
    });
    assert_eq!(ask(body).await.0, 200);
}
