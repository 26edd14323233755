//! Who comes in, and how, and for how long.

use std::time::Duration;

use http::StatusCode;
use posthaste_admin::{Actor, KeyChange, UserChange};
use posthaste_core::{Area, Role};
use posthaste_http::{AdminOptions, SocketOptions};
use serde_json::json;

use super::bench::{PATIENCE, bearer, cookie, origin, quick, served, setup};
use crate::support::{Setup, good, secret};

#[tokio::test]
async fn a_client_key_is_taken_from_a_header_a_sub_protocol_or_the_first_message() {
    let served = served(setup()).await;
    for header in [bearer(&good()), ("x-api-key", good()), ("x-goog-api-key", good()), ("api-key", good())] {
        let mut socket = served.try_open(std::slice::from_ref(&header)).await.unwrap();
        let state = socket.message().await["content"].clone();
        assert_eq!(
            (&state["connected"], &state["readyState"], &state["stateDescription"]),
            (&json!(true), &json!(1), &json!("open")),
            "{header:?}"
        );
        assert_eq!((&state["role"], &state["name"]), (&json!("client"), &json!("good")));
    }
    for address in [served.address, served.own] {
        let offered = format!("posthaste.v1, posthaste.auth.{}", good());
        let protocols = [("sec-websocket-protocol", offered)];
        let (mut socket, answer) = served.try_at(address, "/ws", &protocols).await.unwrap();
        assert_eq!(answer["sec-websocket-protocol"], "posthaste.v1", "the secret does not come back");
        assert_eq!(socket.message().await["content"]["role"], "client");
    }
    for path in ["/", "/ws"] {
        let (mut socket, _) = served.try_at(served.own, path, &[]).await.unwrap();
        let state = socket.message().await["content"].clone();
        assert_eq!((&state["connected"], &state["authenticated"]), (&json!(true), &json!(false)));
        socket.say(&json!({"type": "auth", "content": {"token": good()}})).await;
        let state = socket.message().await;
        assert_eq!((&state["type"], &state["content"]["role"]), (&json!("state"), &json!("client")));
    }
}

#[tokio::test]
async fn operators_come_by_cookie_session_and_token() {
    let served = served(setup()).await;
    served.add("vera", Role::Viewer).await;
    let session = served.log_in("vera").await;
    let own = origin(format!("http://{}", served.address));
    let mut by_cookie = served.try_open(&[cookie(&session), own]).await.unwrap();
    let state = by_cookie.message().await["content"].clone();
    assert_eq!((&state["role"], &state["name"]), (&json!("operator"), &json!("vera")));
    assert_eq!(state["topics"], json!(["totals", "requests", "accounts", "notices", "logs"]));
    served.open(&session).await;
    let token = served.token("board", &[Area::Usage.read()]).await;
    let mut by_token = served.try_open(&[bearer(&token)]).await.unwrap();
    assert_eq!(by_token.message().await["content"]["topics"], json!(["totals"]));
    let mut by_message = served.try_open(&[]).await.unwrap();
    by_message.message().await;
    by_message.say(&json!({"type": "auth", "content": {"token": token}})).await;
    assert_eq!(by_message.message().await["content"]["name"], "board");
}

#[tokio::test]
async fn whoever_is_wrong_is_refused_before_the_connection_changes() {
    let served = served(setup()).await;
    served.add("uwe", Role::User).await;
    let user = served.log_in("uwe").await;
    let of_nothing = served.token("keys", &[Area::Bodies.read()]).await;
    let here = || origin(format!("http://{}", served.address));
    for (headers, status) in [
        (vec![bearer("cr_stranger")], StatusCode::UNAUTHORIZED),
        (vec![bearer("pht_stranger")], StatusCode::UNAUTHORIZED),
        (
            vec![("sec-websocket-protocol", "posthaste.v1, posthaste.auth.cr_x".to_owned())],
            StatusCode::UNAUTHORIZED,
        ),
        (vec![bearer(&secret("disabled"))], StatusCode::FORBIDDEN),
        (vec![bearer(&secret("revoked"))], StatusCode::FORBIDDEN),
        (vec![bearer(&secret("expired"))], StatusCode::FORBIDDEN),
        (vec![bearer(&secret("office"))], StatusCode::FORBIDDEN),
        (vec![bearer(&user)], StatusCode::FORBIDDEN),
        (vec![bearer(&of_nothing)], StatusCode::FORBIDDEN),
        (vec![cookie(&user), here()], StatusCode::FORBIDDEN),
        (vec![("sec-websocket-protocol", format!("posthaste.auth.{}", good()))], StatusCode::BAD_REQUEST),
        // Of a page elsewhere neither a cookie counts nor a secret.
        (vec![bearer(&good()), origin("https://evil.example")], StatusCode::FORBIDDEN),
        (vec![origin("null")], StatusCode::FORBIDDEN),
        (vec![origin(format!("http://localhost:{}", served.address.port()))], StatusCode::FORBIDDEN),
    ] {
        assert_eq!(served.refused(&headers).await, status, "{headers:?}");
    }
}

#[tokio::test]
async fn a_cookie_counts_only_with_the_word_of_which_page_it_came_from() {
    let served = served(setup()).await;
    served.add("vera", Role::Viewer).await;
    let session = served.log_in("vera").await;
    let mut socket = served.try_open(&[cookie(&session)]).await.unwrap();
    assert_eq!(socket.message().await["content"]["authenticated"], false);
}

#[tokio::test]
async fn pages_that_are_listed_may_come_too() {
    let admin = AdminOptions {
        hosts: vec!["127.0.0.1".to_owned(), "relay.example".to_owned()],
        ..AdminOptions::default()
    };
    let listed = Setup { origins: vec!["https://chat.example".to_owned()], admin: Some(admin), ..setup() };
    let served = served(listed).await;
    for page in ["https://chat.example", "https://relay.example"] {
        served.try_open(&[bearer(&good()), origin(page)]).await.unwrap();
    }
    assert_eq!(
        served.refused(&[bearer(&good()), origin("https://other.example")]).await,
        StatusCode::FORBIDDEN
    );
    let token = served.token("board", &[Area::Usage.read()]).await;
    let elsewhere = ("host", "other.example".to_owned());
    assert_eq!(served.refused(&[bearer(&token), elsewhere]).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_first_message_has_to_log_in_and_only_once() {
    let served = served(setup()).await;
    for (first, code) in [
        (json!({"type": "auth", "content": {"token": "cr_stranger"}}), "unauthenticated"),
        (json!({"type": "auth", "content": {"token": secret("disabled")}}), "permission_denied"),
        (json!({"type": "text", "content": "hello"}), "unauthenticated"),
        (json!({"type": "auth"}), "invalid_request"),
        (json!("auth"), "invalid_request"),
    ] {
        let mut socket = served.try_open(&[]).await.unwrap();
        socket.message().await;
        socket.say(&first).await;
        let error = socket.error().await;
        assert_eq!(error["code"], code, "{first}");
        assert!(!error.to_string().contains("cr_"), "{error}");
        assert_eq!(socket.close_code().await, 1008, "{first}");
    }
    let mut socket = served.asking().await;
    socket.say(&json!({"type": "auth", "content": {"token": good()}})).await;
    assert_eq!(socket.error().await["code"], "invalid_request");
}

#[tokio::test]
async fn whoever_does_not_log_in_in_time_is_shown_out() {
    let sockets = SocketOptions { log_in: Duration::from_millis(50), ..quick() };
    let served = served(Setup { sockets, ..setup() }).await;
    let mut socket = served.try_open(&[]).await.unwrap();
    socket.message().await;
    assert_eq!(socket.close_code().await, 1008);
    // Whoever did stays.
    let mut socket = served.asking().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    socket.ask(json!({})).await;
    assert_eq!(socket.answer().await.last().unwrap()["type"], "done");
}

#[tokio::test]
async fn a_client_key_that_ends_or_is_switched_off_ends_its_connections() {
    let served = served(setup()).await;
    let admin = served.rig.admin.clone().unwrap();
    let mut disabled = served.asking().await;
    admin.keys().update("good", KeyChange { enabled: Some(false), ..KeyChange::default() }).await.unwrap();
    assert_eq!(disabled.close_code().await, 1008);
    let mut revoked = served.open(&secret("narrow")).await;
    admin.keys().revoke("narrow").await.unwrap();
    assert_eq!(revoked.close_code().await, 1008);
    let mut passing = served.open(&secret("passing")).await;
    served.rig.clock.advance(Duration::from_secs(7_200));
    assert_eq!(passing.close_code().await, 1008);
}

#[tokio::test]
async fn an_operator_whose_session_token_or_role_ends_is_shown_out() {
    let served = served(setup()).await;
    let admin = served.rig.admin.clone().unwrap();
    for name in ["vera", "otto"] {
        served.add(name, Role::Viewer).await;
    }
    let (vera, otto) = (served.log_in("vera").await, served.log_in("otto").await);
    let mut logged_out = served.open(&vera).await;
    let person = admin.sign_in().person(&vera).await.unwrap().unwrap();
    admin.sign_in().end(&person, None).await.unwrap();
    assert_eq!(logged_out.close_code().await, 1008);
    let mut lowered = served.open(&otto).await;
    lowered.say(&json!({"type": "subscribe", "content": {"topics": ["requests"]}})).await;
    assert_eq!(lowered.message().await["type"], "subscribed");
    let change = UserChange { role: Some(Role::User), ..UserChange::default() };
    admin.people().update(&Actor::machine(), "otto", change).await.unwrap();
    assert_eq!(lowered.close_code().await, 1008);
    let token = served.token("board", &[Area::Usage.read()]).await;
    let mut ended = served.open(&token).await;
    admin.tokens().delete("board").await.unwrap();
    assert_eq!(tokio::time::timeout(PATIENCE, ended.close_code()).await, Ok(1008));
}

#[tokio::test]
async fn a_relay_without_operators_work_serves_client_keys_alone() {
    let served = served(Setup { admin: None, ..setup() }).await;
    served.asking().await;
    assert_eq!(served.refused(&[bearer("pht_stranger")]).await, StatusCode::UNAUTHORIZED);
}
