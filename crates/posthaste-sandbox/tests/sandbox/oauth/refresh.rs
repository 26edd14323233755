//! Refresh tokens and their rotation.

use serde_json::json;

use super::Server;
use posthaste_sandbox::{SANDBOX_CONFIDENTIAL_CLIENT_ID, SANDBOX_CONFIDENTIAL_CLIENT_SECRET};

#[tokio::test]
async fn each_refresh_gives_another_pair() {
    let server = Server::start();
    let first = server.login("inference").await;
    let (status, second) = server.refresh(&first).await;
    assert_eq!(status, 200, "{second}");
    let (status, third) = server.refresh(&second).await;
    assert_eq!(status, 200, "{third}");
    for name in ["access_token", "refresh_token"] {
        assert_ne!(first[name], second[name]);
        assert_ne!(second[name], third[name]);
    }
    assert_eq!(first["account"], third["account"]);
    // Access tokens live on until they end.
    let token = first["access_token"].as_str().unwrap();
    assert_eq!(server.call("/v1/messages", token).await.0, 200);
}

#[tokio::test]
async fn a_refresh_token_that_is_used_again_ends_its_family() {
    let server = Server::start();
    let bystander = server.login("inference").await;
    let first = server.login("inference").await;
    let (_, second) = server.refresh(&first).await;
    let (status, answer) = server.refresh(&first).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
    assert_eq!(server.refresh(&second).await.1["error"], "invalid_grant");
    for tokens in [&first, &second] {
        let token = tokens["access_token"].as_str().unwrap();
        assert_eq!(server.call("/v1/messages", token).await.0, 401);
    }
    assert_eq!(server.refresh(&bystander).await.0, 200);
}

#[tokio::test]
async fn some_vendors_do_not_rotate() {
    let server = Server::start();
    let first = server.login("no-rotation").await;
    for _ in 0..2 {
        let (status, next) = server.refresh(&first).await;
        assert_eq!(status, 200, "{next}");
        assert!(next.get("refresh_token").is_none());
        assert_ne!(next["access_token"], first["access_token"]);
    }
}

#[tokio::test]
async fn a_refresh_may_ask_for_less() {
    let server = Server::start();
    let tokens = server.login("a b").await;
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let params =
        |scope| [("grant_type", "refresh_token"), ("refresh_token", refresh_token), ("scope", scope)];
    assert_eq!(server.token(&params("a c")).await.1["error"], "invalid_scope");
    let (_, narrower) = server.token(&params("b")).await;
    assert_eq!(narrower["scope"], "b");
    let (_, whole) = server.refresh(&narrower).await;
    assert_eq!(whole["scope"], "a b");
}

#[tokio::test]
async fn a_refresh_token_is_good_for_its_client_alone() {
    let server = Server::start();
    let tokens = server.login("inference").await;
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let params = [
        ("client_id", SANDBOX_CONFIDENTIAL_CLIENT_ID),
        ("client_secret", SANDBOX_CONFIDENTIAL_CLIENT_SECRET),
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
    ];
    assert_eq!(server.form("/oauth/token", &params).await.1["error"], "invalid_grant");
    let forged =
        [("grant_type", "refresh_token"), ("refresh_token", &refresh_token[..refresh_token.len() - 1])];
    assert_eq!(server.token(&forged).await.1["error"], "invalid_grant");
    assert_eq!(server.refresh(&tokens).await.0, 200);
}

#[tokio::test]
async fn a_sandbox_in_another_process_goes_on() {
    let [one, other, stranger] = [Server::start(), Server::start(), Server::seeded(1)];
    let tokens = one.login("inference").await;
    assert_eq!(stranger.refresh(&tokens).await.1["error"], "invalid_grant");
    let (status, next) = other.refresh(&tokens).await;
    assert_eq!(status, 200, "{next}");
    assert_eq!(other.refresh(&tokens).await.1["error"], "invalid_grant");
}
