//! Authorization code with PKCE.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::header;
use posthaste_sandbox::{SANDBOX_CONFIDENTIAL_CLIENT_ID, SANDBOX_CONFIDENTIAL_CLIENT_SECRET};
use serde_json::json;

use super::{REDIRECT, Server, VERIFIER, authorize, exchange, form, read, redirected};
use crate::asking::text;

#[tokio::test]
async fn a_login_gives_tokens_that_say_whose_they_are() {
    let server = Server::start();
    let path = authorize(&[("approve", "1"), ("login_hint", "ada@sandbox.example")]);
    let (code, error, state) = redirected(&server.get(&path).await);
    assert_eq!((error, state.as_deref()), (None, Some("a state & more")));
    let (status, tokens) = server.token(&exchange(&code.unwrap())).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(tokens["scope"], "inference");
    assert_eq!(tokens["account"]["email_address"], "ada@sandbox.example");
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(server.call("/v1/messages", token).await.0, 200);
    for absent in ["id_token", "resource_url"] {
        assert!(tokens.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn the_page_asks_and_its_form_answers() {
    let server = Server::start();
    let page = text(server.get(&authorize(&[("scope", "a<b")])).await).await;
    assert!(page.contains("a&lt;b") && page.contains("method=\"post\""), "{page}");
    assert!(page.contains("name=\"state\" value=\"a state &amp; more\""), "{page}");
    let asked = authorize(&[("approve", "0")]);
    let query = asked.split_once('?').unwrap().1;
    let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
    let refused = server.send(form("/oauth/authorize", &pairs)).await;
    let (code, error, state) = redirected(&refused);
    assert_eq!((code, error.as_deref()), (None, Some("access_denied")));
    assert_eq!(state.as_deref(), Some("a state & more"));
}

#[tokio::test]
async fn consent_may_be_given_before() {
    let server = Server::start();
    let (code, ..) = redirected(&server.get(&authorize(&[("scope", "auto-approve")])).await);
    assert_eq!(server.token(&exchange(&code.unwrap())).await.0, 200);
}

#[tokio::test]
async fn nobody_is_sent_where_the_client_did_not_say() {
    let server = Server::start();
    for params in [
        [("redirect_uri", "https://evil.example/callback")],
        [("redirect_uri", "http://127.0.0.1:1455/callback/")],
        [("redirect_uri", "")],
        [("client_id", "somebody")],
        [("client_id", "")],
    ] {
        let response = server.get(&authorize(&[params[0], ("approve", "1")])).await;
        assert_eq!(response.status(), 400, "{params:?}");
        assert!(!response.headers().contains_key("location"));
    }
    let twice = [&authorize(&[("approve", "1")]), "&state=x"].concat();
    assert_eq!(server.get(&twice).await.status(), 400);
}

#[tokio::test]
async fn other_faults_of_the_request_go_back_with_the_browser() {
    let server = Server::start();
    for (params, expected) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("scope", "a  b"), "invalid_scope"),
        (("approve", "yes"), "invalid_request"),
    ] {
        let approve = if params.0 == "approve" { params } else { ("approve", "1") };
        let params: Vec<_> = [approve].into_iter().chain((params != approve).then_some(params)).collect();
        let (code, error, state) = redirected(&server.get(&authorize(&params)).await);
        assert_eq!((code, error.as_deref()), (None, Some(expected)), "{params:?}");
        assert_eq!(state.as_deref(), Some("a state & more"));
    }
}

#[tokio::test]
async fn a_code_is_good_for_who_asked_as_it_was_asked() {
    let server = Server::start();
    let code = server.code("inference").await;
    let good = exchange(&code);
    for (at, wrong, error) in [
        (1, "other", "invalid_grant"),
        (2, "http://127.0.0.1:1456/callback", "invalid_grant"),
        (3, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl", "invalid_grant"),
        (3, "", "invalid_request"),
        (0, "password", "unsupported_grant_type"),
    ] {
        let mut params = good;
        params[at].1 = wrong;
        let (status, answer) = server.token(&params).await;
        assert_eq!((status, &answer["error"]), (400, &json!(error)), "{wrong}");
    }
    let other = [
        ("client_id", SANDBOX_CONFIDENTIAL_CLIENT_ID),
        ("client_secret", SANDBOX_CONFIDENTIAL_CLIENT_SECRET),
    ];
    let (_, answer) = server.form("/oauth/token", &[&other[..], &good].concat()).await;
    assert_eq!(answer["error"], "invalid_grant");
    // None of that used it up.
    assert_eq!(server.token(&good).await.0, 200);
}

#[tokio::test]
async fn a_code_ends() {
    let server = Server::start();
    let code = server.code("inference").await;
    server.clock.advance(Duration::from_secs(600));
    let (status, answer) = server.token(&exchange(&code)).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
}

#[tokio::test]
async fn a_code_that_is_used_again_ends_what_came_of_it() {
    let server = Server::start();
    let code = server.code("inference").await;
    let (_, tokens) = server.token(&exchange(&code)).await;
    let (_, answer) = server.token(&exchange(&code)).await;
    assert_eq!(answer["error"], "invalid_grant");
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(server.call("/v1/messages", token).await.0, 401);
    assert_eq!(server.refresh(&tokens).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn a_client_with_a_secret_proves_itself() {
    let server = Server::start();
    let path = authorize(&[("client_id", SANDBOX_CONFIDENTIAL_CLIENT_ID), ("approve", "1")]);
    let code = redirected(&server.get(&path).await).0.unwrap();
    let id = ("client_id", SANDBOX_CONFIDENTIAL_CLIENT_ID);
    for secret in [None, Some(("client_secret", "wrong"))] {
        let params: Vec<_> = [id].into_iter().chain(secret).chain(exchange(&code)).collect();
        let response = server.send(form("/oauth/token", &params)).await;
        assert!(response.headers().contains_key("www-authenticate"));
        let (status, answer) = read(response).await;
        assert_eq!((status, &answer["error"]), (401, &json!("invalid_client")));
    }
    let (status, answer) = server.form("/oauth/token", &exchange(&code)).await;
    assert_eq!((status, &answer["error"]), (401, &json!("invalid_client")));
    // By HTTP Basic, as RFC 6749 prefers it.
    let basic = format!("{SANDBOX_CONFIDENTIAL_CLIENT_ID}:{SANDBOX_CONFIDENTIAL_CLIENT_SECRET}");
    let mut request = form("/oauth/token", &exchange(&code));
    let basic = format!("Basic {}", STANDARD.encode(basic));
    request.headers_mut().insert(header::AUTHORIZATION, basic.parse().unwrap());
    assert_eq!(server.send(request).await.status(), 200);
}

#[tokio::test]
async fn a_code_may_be_shown_for_pasting() {
    let server = Server::start();
    let page = "http://sandbox.posthaste.internal/oauth/code";
    let response = server.get(&authorize(&[("redirect_uri", page), ("approve", "1"), ("state", "s7")])).await;
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let shown = text(server.get(&location).await).await;
    let code = shown.split_once("<pre>").unwrap().1.split_once("#s7</pre>").unwrap().0;
    let params = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", page),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(server.token(&params).await.0, 200);
    let refused = text(server.get(&format!("{page}?error=access_denied")).await).await;
    assert!(refused.contains("access_denied"), "{refused}");
}

#[tokio::test]
async fn words_of_the_scope_add_facts() {
    let server = Server::start();
    let tokens = server.login("openid resource-url no-expiry no-refresh").await;
    assert_eq!(tokens["resource_url"], "http://sandbox.posthaste.internal/signed-in");
    assert!(tokens.get("expires_in").is_none() && tokens.get("refresh_token").is_none());
    let parts: Vec<_> = tokens["id_token"].as_str().unwrap().split('.').collect();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(
        (&claims["aud"], &claims["email"]),
        (&json!("posthaste-sandbox"), &json!("someone@sandbox.example"))
    );
    assert_eq!(claims["sub"], tokens["account"]["uuid"]);
    assert_eq!(parts[2], "");
}

#[tokio::test]
async fn the_same_questions_get_the_same_tokens() {
    let [one, same, other] = [Server::start(), Server::start(), Server::seeded(1)];
    let tokens = one.login("inference").await;
    assert_eq!(tokens, same.login("inference").await);
    assert_ne!(tokens, other.login("inference").await);
    // And a second login gets others.
    assert_ne!(tokens, one.login("inference").await);
}

#[tokio::test]
async fn a_method_that_is_not_for_the_address_is_refused() {
    let server = Server::start();
    assert_eq!(server.get("/oauth/token").await.status(), 405);
    assert_eq!(server.send(form("/oauth/userinfo", &[])).await.status(), 405);
    assert_eq!(server.get(&[REDIRECT, "?"].concat()).await.status(), 404);
}
