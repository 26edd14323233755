//! Access tokens at the API.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use posthaste_core::Payload;
use posthaste_sandbox::SANDBOX_BASE_URL;
use serde_json::{Value, json};

use super::{Server, read};
use crate::asking::request;

fn token(tokens: &Value) -> &str {
    tokens["access_token"].as_str().expect("an access token")
}

async fn call(server: &Server, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
    let mut asked = Request::post([SANDBOX_BASE_URL, path].concat());
    for (name, value) in headers {
        asked = asked.header(*name, *value);
    }
    let body = Payload::from(Bytes::from(request("hello").to_string()));
    read(server.send(asked.body(body).expect("a request")).await).await
}

#[tokio::test]
async fn a_token_opens_until_it_ends() {
    let server = Server::start();
    let tokens = server.login("short-lived").await;
    assert_eq!(tokens["expires_in"], 2);
    assert_eq!(server.call("/v1/messages", token(&tokens)).await.0, 200);
    server.clock.advance(Duration::from_secs(2));
    let (status, answer) = server.call("/v1/messages", token(&tokens)).await;
    assert_eq!((status, &answer["error"]["type"]), (401, &json!("authentication_error")));
    assert_eq!(answer["error"]["message"], "the access token has expired");
}

#[tokio::test]
async fn every_dialect_refuses_in_its_own_words() {
    let server = Server::start();
    for (path, status, pointer, expected) in [
        ("/v1/messages", 401, "/error/type", "authentication_error"),
        ("/v1/chat/completions", 401, "/error/code", "invalid_api_key"),
        ("/openai/v1/responses", 401, "/error/code", "401"),
        ("/v1beta/models/sandbox-echo:generateContent", 401, "/error/status", "UNAUTHENTICATED"),
        ("/model/sandbox-echo/converse", 403, "/message", "the access token is not known"),
    ] {
        let (got, answer) = server.call(path, "sandbox-access-x.x").await;
        assert_eq!((got, answer.pointer(pointer)), (status, Some(&json!(expected))), "{path}: {answer}");
    }
}

#[tokio::test]
async fn keys_go_on_being_keys() {
    let server = Server::start();
    for headers in [&[][..], &[("x-api-key", "dummy")], &[("authorization", "Bearer dummy")]] {
        assert_eq!(call(&server, "/v1/messages", headers).await.0, 200, "{headers:?}");
    }
}

#[tokio::test]
async fn tokens_are_taken_in_their_place_alone() {
    let server = Server::start();
    let tokens = server.login("inference").await;
    let refresh = format!("Bearer {}", tokens["refresh_token"].as_str().unwrap());
    for headers in [[("x-api-key", token(&tokens))], [("authorization", &refresh)]] {
        let (status, answer) = call(&server, "/v1/messages", &headers).await;
        assert_eq!(status, 401, "{answer}");
    }
}

#[tokio::test]
async fn an_address_may_want_tokens() {
    let server = Server::start();
    let tokens = server.login("inference").await;
    assert_eq!(server.call("/signed-in/v1/messages", token(&tokens)).await.0, 200);
    for headers in [&[][..], &[("x-api-key", "dummy")], &[("authorization", "Bearer dummy")]] {
        let (status, answer) = call(&server, "/signed-in/v1/messages", headers).await;
        assert_eq!(status, 401, "{answer}");
    }
}

#[tokio::test]
async fn a_new_token_finds_what_the_one_before_it_left() {
    let server = Server::start();
    let first = server.login("inference").await;
    let (_, second) = server.refresh(&first).await;
    let ask = async |token: &str, body: &Value| {
        let request = Request::post([SANDBOX_BASE_URL, "/v1/responses"].concat());
        let request = request.header("authorization", format!("Bearer {token}"));
        read(server.send(request.body(Payload::from(Bytes::from(body.to_string()))).unwrap()).await).await
    };
    let (_, stored) = ask(token(&first), &json!({"model": "gpt-4o", "input": "hello"})).await;
    let going_on = json!({"model": "gpt-4o", "input": "go on", "previous_response_id": stored["id"]});
    assert_eq!(ask(token(&second), &going_on).await.0, 200);
    let page = super::authorize(&[("approve", "1"), ("login_hint", "another")]);
    let code = super::redirected(&server.get(&page).await).0.unwrap();
    let (_, others) = server.token(&super::exchange(&code)).await;
    assert_ne!(ask(token(&others), &going_on).await.0, 200);
}

#[tokio::test]
async fn a_token_tells_whose_it_is() {
    let server = Server::start();
    let tokens = server.login("inference").await;
    let ask = async |bearer: String| {
        let request = Request::get([SANDBOX_BASE_URL, "/oauth/userinfo"].concat());
        let request = request.header("authorization", bearer).body(Payload::default()).unwrap();
        read(server.send(request).await).await
    };
    let (status, told) = ask(format!("Bearer {}", token(&tokens))).await;
    assert_eq!((status, &told["email"]), (200, &json!("someone@sandbox.example")));
    assert_eq!(told["sub"], tokens["account"]["uuid"]);
    server.clock.advance(Duration::from_secs(3_600));
    let (status, told) = ask(format!("Bearer {}", token(&tokens))).await;
    assert_eq!((status, &told["error"]), (401, &json!("invalid_token")));
}
