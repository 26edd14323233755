//! Device authorization.

use std::time::Duration;

use posthaste_sandbox::SANDBOX_CLIENT_ID;
use serde_json::{Value, json};

use super::{CHALLENGE, Server, VERIFIER, form, with_client};
use crate::asking::text;

async fn begin(server: &Server, scope: &str) -> Value {
    let (status, begun) = server.form("/oauth/device", &with_client(&[("scope", scope)])).await;
    assert_eq!(status, 200, "{begun}");
    begun
}

async fn poll(server: &Server, begun: &Value) -> (u16, Value) {
    let device_code = begun["device_code"].as_str().expect("a device code");
    server.token(&[("grant_type", GRANT), ("device_code", device_code)]).await
}

async fn error(server: &Server, begun: &Value) -> String {
    let (status, answer) = poll(server, begun).await;
    assert_eq!(status, 400, "{answer}");
    answer["error"].as_str().expect("a user code").to_owned()
}

async fn answer(server: &Server, begun: &Value, approve: &str) -> (u16, String) {
    let user_code = begun["user_code"].as_str().expect("a user code");
    let response =
        server.send(form("/oauth/activate", &[("user_code", user_code), ("approve", approve)])).await;
    (response.status().as_u16(), text(response).await)
}

#[tokio::test]
async fn a_device_waits_until_a_person_allows_it() {
    let server = Server::start();
    let begun = begin(&server, "inference").await;
    assert_eq!((&begun["interval"], &begun["expires_in"]), (&json!(1), &json!(600)));
    let user_code = begun["user_code"].as_str().unwrap();
    assert!(user_code.len() == 9 && user_code.as_bytes()[4] == b'-', "{user_code}");
    assert_eq!(error(&server, &begun).await, "authorization_pending");

    let page = text(server.get(begun["verification_uri_complete"].as_str().unwrap()).await).await;
    assert!(page.contains(user_code), "{page}");
    let typed = user_code.to_lowercase().replace('-', " ");
    let typed = [("user_code", &*typed), ("approve", "1"), ("login_hint", "ada")];
    assert_eq!(server.send(form("/oauth/activate", &typed)).await.status(), 200);
    server.clock.advance(SECOND);
    let (status, tokens) = poll(&server, &begun).await;
    assert_eq!((status, &tokens["account"]["email_address"]), (200, &json!("ada")));
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(server.call("/v1/messages", token).await.0, 200);
    // It is good once, and nobody can answer a second time.
    assert_eq!(error(&server, &begun).await, "invalid_grant");
    assert_eq!(answer(&server, &begun, "0").await.0, 400);
}

#[tokio::test]
async fn a_person_may_refuse() {
    let server = Server::start();
    let begun = begin(&server, "inference").await;
    assert!(answer(&server, &begun, "0").await.1.contains("was refused"));
    assert_eq!(error(&server, &begun).await, "access_denied");
}

#[tokio::test]
async fn a_device_may_be_slowed_down_at_its_first_question() {
    let server = Server::start();
    let begun = begin(&server, "slow-down-once interval-0").await;
    assert_eq!(error(&server, &begun).await, "slow_down");
    server.clock.advance(SECOND * 6);
    assert_eq!(error(&server, &begun).await, "authorization_pending");
}

#[tokio::test]
async fn who_asks_too_often_is_slowed_down() {
    let server = Server::start();
    let begun = begin(&server, "inference").await;
    answer(&server, &begun, "1").await;
    assert_eq!(poll(&server, &begun).await.0, 200);

    let begun = begin(&server, "interval-2").await;
    assert_eq!(begun["interval"], 2);
    assert_eq!(error(&server, &begun).await, "authorization_pending");
    server.clock.advance(SECOND);
    assert_eq!(error(&server, &begun).await, "slow_down");
    // Five seconds more from now on.
    server.clock.advance(SECOND * 6);
    assert_eq!(error(&server, &begun).await, "slow_down");
    server.clock.advance(SECOND * 12);
    assert_eq!(error(&server, &begun).await, "authorization_pending");
}

#[tokio::test]
async fn a_device_code_ends() {
    let server = Server::start();
    let begun = begin(&server, "device-expires-3").await;
    server.clock.advance(SECOND * 3);
    assert_eq!(error(&server, &begun).await, "expired_token");
    let (status, page) = answer(&server, &begun, "1").await;
    assert!(status == 400 && page.contains("no device waits"), "{page}");
}

#[tokio::test]
async fn some_devices_need_no_person() {
    let server = Server::start();
    let allowed = begin(&server, "auto-approve").await;
    let refused = begin(&server, "auto-deny").await;
    assert_ne!(allowed["user_code"], refused["user_code"]);
    for begun in [&allowed, &refused] {
        assert_eq!(error(&server, begun).await, "authorization_pending");
    }
    server.clock.advance(SECOND);
    assert_eq!(poll(&server, &allowed).await.0, 200);
    assert_eq!(error(&server, &refused).await, "access_denied");
}

#[tokio::test]
async fn a_challenge_is_asked_for_again() {
    let server = Server::start();
    let params = [
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("scope", "auto-approve interval-0"),
    ];
    let (_, begun) = server.form("/oauth/device", &with_client(&params)).await;
    let device_code = begun["device_code"].as_str().unwrap();
    assert_eq!(error(&server, &begun).await, "authorization_pending");
    assert_eq!(error(&server, &begun).await, "invalid_request");
    for (verifier, status) in [("wrong", 400), (VERIFIER, 200)] {
        let params = [("grant_type", GRANT), ("device_code", device_code), ("code_verifier", verifier)];
        assert_eq!(server.token(&params).await.0, status);
    }
}

#[tokio::test]
async fn strangers_begin_nothing() {
    let server = Server::start();
    let (status, answer) = server.form("/oauth/device", &[("client_id", "somebody")]).await;
    assert_eq!((status, &answer["error"]), (401, &json!("invalid_client")));
    let params = [("client_id", SANDBOX_CLIENT_ID), ("scope", "interval-x")];
    assert_eq!(server.form("/oauth/device", &params).await.1["error"], "invalid_scope");
    let params = [("grant_type", GRANT), ("device_code", "x")];
    assert_eq!(server.token(&params).await.1["error"], "invalid_grant");
}

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const SECOND: Duration = Duration::from_secs(1);
