//! Logging in and out, as pages and programs do.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use posthaste_core::Role;
use posthaste_http::AdminOptions;
use serde_json::json;

use crate::support::{PASSWORD, Rig, Shown};

fn nobody() -> Shown {
    Shown::default()
}

#[tokio::test]
async fn the_first_owner_is_made_with_the_token_and_is_logged_in() {
    let rig = Rig::new().await;
    assert_eq!(rig.get("/web/auth/state", &nobody()).await.data()["needs_owner"], json!(true));
    let first = |token: &str| json!({ "token": token, "name": "Ada", "password": PASSWORD });
    let refused = rig.send(&Method::POST, "/web/auth/setup", &nobody(), Some(first("guess"))).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let token = rig.setup_token.expose();
    let made = rig.send(&Method::POST, "/web/auth/setup", &nobody(), Some(first(token))).await;
    assert_eq!(made.data()["user"]["role"], "owner");
    let shown = Shown { cookie: made.cookie(), ..nobody() };
    assert_eq!(rig.get("/web/auth/user", &shown).await.data()["name"], "ada");
    let again = rig.send(&Method::POST, "/web/auth/setup", &nobody(), Some(first(token))).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(rig.get("/web/auth/state", &nobody()).await.data()["needs_owner"], json!(false));
}

#[tokio::test]
async fn a_program_logs_in_and_presents_the_token() {
    let rig = Rig::new().await;
    rig.add("ada", Role::Owner).await;
    let body = json!({ "username": "ada", "password": PASSWORD });
    let read = rig.send(&Method::POST, "/users/login", &nobody(), Some(body)).await;
    assert!(read.cookie().is_none());
    let token = read.data()["token"].as_str().unwrap().to_owned();
    let shown = Shown { bearer: Some(token), ..nobody() };
    assert_eq!(rig.get("/admin/api-keys", &shown).await.data()["total"], 0);
    let made = rig.send(&Method::POST, "/admin/api-keys", &shown, Some(json!({ "name": "team" }))).await;
    assert!(made.data()["key"].as_str().unwrap().starts_with("cr_"), "{}", made.json);
    assert_eq!(rig.send(&Method::POST, "/users/logout", &shown, None).await.status, StatusCode::OK);
    assert_eq!(rig.get("/users/profile", &shown).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_page_s_token_is_in_the_cookie_alone_and_logging_out_ends_it_at_the_relay() {
    let rig = Rig::new().await;
    rig.add("ada", Role::Owner).await;
    let body = json!({ "username": "ada", "password": PASSWORD, "cookie": true });
    let read = rig.send(&Method::POST, "/web/auth/login", &nobody(), Some(body)).await;
    let cookie = read.cookie().unwrap();
    let token = cookie.split_once('=').unwrap().1;
    assert!(!read.json.to_string().contains(token));
    let set = read.headers["set-cookie"].to_str().unwrap();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax") && !set.contains("Secure"), "{set}");
    let shown = rig.log_in("ada").await;
    let profile = rig.get("/web/auth/user", &shown).await;
    assert_eq!(profile.data()["csrf_token"].as_str(), shown.csrf.as_deref());
    let out = rig.send(&Method::POST, "/web/auth/logout", &shown, None).await;
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(rig.get("/web/auth/user", &shown).await.status, StatusCode::UNAUTHORIZED);
}

/// Whoever brings a session along is given another one: nobody can make somebody else use a known one.
#[tokio::test]
async fn a_session_cannot_be_fixed_before_log_in() {
    let rig = Rig::new().await;
    rig.add("ada", Role::Owner).await;
    let planted = Shown { cookie: Some("posthaste_session=planted".to_owned()), ..nobody() };
    let body = json!({ "username": "ada", "password": PASSWORD, "cookie": true });
    let read = rig.send(&Method::POST, "/web/auth/login", &planted, Some(body)).await;
    assert_ne!(read.cookie(), planted.cookie);
    assert_eq!(rig.get("/web/auth/user", &planted).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn whoever_fails_too_often_is_told_when_to_come_again() {
    let rig = Rig::new().await;
    rig.add("ada", Role::Owner).await;
    let body = |password: &str| Some(json!({ "username": "ada", "password": password }));
    for _ in 0..5 {
        let read = rig.send(&Method::POST, "/web/auth/login", &nobody(), body("wrong")).await;
        assert_eq!(read.status, StatusCode::UNAUTHORIZED);
    }
    let read = rig.send(&Method::POST, "/web/auth/login", &nobody(), body(PASSWORD)).await;
    assert_eq!((read.status, &read.json["error"]), (StatusCode::TOO_MANY_REQUESTS, &json!("too_many")));
    assert_eq!(read.headers["retry-after"], "2");
}

#[tokio::test]
async fn a_second_factor_is_set_up_and_asked_for() {
    let rig = Rig::new().await;
    rig.add("ada", Role::Owner).await;
    let shown = rig.log_in("ada").await;
    let factor = rig.send(&Method::POST, "/users/me/second-factor", &shown, None).await;
    let secret = factor.data()["secret"].as_str().unwrap().to_owned();
    let device = posthaste_vault::CodeSecret::from_base32(posthaste_core::Secret::new(secret.clone()));
    let code = || device.code(posthaste_core::Clock::now(&*rig.clock)).unwrap().expose().to_owned();
    let body = json!({ "secret": secret, "code": code() });
    let confirmed = rig.send(&Method::POST, "/users/me/second-factor/confirm", &shown, Some(body)).await;
    assert_eq!(confirmed.data()["recovery_codes"].as_array().unwrap().len(), 10);
    let body = json!({ "username": "ada", "password": PASSWORD });
    let asked = rig.send(&Method::POST, "/web/auth/login", &nobody(), Some(body)).await;
    assert_eq!((asked.status, &asked.json["field"]), (StatusCode::UNAUTHORIZED, &json!("code")));
    rig.clock.advance(std::time::Duration::from_secs(30));
    let body = json!({ "username": "ada", "password": PASSWORD, "code": code() });
    assert_eq!(
        rig.send(&Method::POST, "/web/auth/login", &nobody(), Some(body)).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn odd_hosts_are_refused_and_foreign_ones_where_the_own_are_told() {
    let rig = Rig::new().await;
    let ask = async |rig: &Rig, hosts: &[&str]| {
        let mut request = Request::builder().uri("/web/auth/state");
        for host in hosts {
            request = request.header("host", *host);
        }
        rig.raw(request.body(Body::empty()).unwrap()).await.status
    };
    for hosts in [&[][..], &["a", "b"], &[""], &["a b"], &["user@relay.example"]] {
        assert_eq!(ask(&rig, hosts).await, StatusCode::BAD_REQUEST, "{hosts:?}");
    }
    let named =
        Rig::with(AdminOptions { hosts: vec!["relay.example".to_owned()], ..AdminOptions::default() }).await;
    for (host, status) in [
        ("relay.example", StatusCode::OK),
        ("RELAY.example:3001", StatusCode::OK),
        ("evil.example", StatusCode::FORBIDDEN),
        ("relay.example.evil.example", StatusCode::FORBIDDEN),
    ] {
        assert_eq!(ask(&named, &[host]).await, status, "{host}");
    }
}

#[tokio::test]
async fn what_is_not_json_is_refused_with_its_place() {
    let rig = Rig::new().await;
    rig.add("ada", Role::Owner).await;
    let shown = rig.log_in("ada").await;
    let post = |body: &str, kind: Option<&str>| {
        let mut request = Request::post("/admin/api-keys")
            .header("host", "relay.example")
            .header("cookie", shown.cookie.clone().unwrap())
            .header("x-csrf-token", shown.csrf.clone().unwrap());
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        request.body(Body::from(body.to_owned())).unwrap()
    };
    let json = Some("application/json; charset=utf-8");
    for (body, kind, word) in [
        (r#"{"name":"team"}"#, None, "Content-Type"),
        ("name=team", Some("application/x-www-form-urlencoded"), "Content-Type"),
        (r#"{"name":"team","#, json, "EOF"),
        (r#"{"name":"team"} x"#, json, "trailing"),
        (r#"{"nmae":"team"}"#, json, "nmae"),
        (r#"{"name":"team","policy":{"tags":7}}"#, json, "policy.tags"),
        (r#"{"name":""}"#, json, "empty"),
    ] {
        let read = rig.raw(post(body, kind)).await;
        assert_eq!(read.status, StatusCode::BAD_REQUEST, "{body}: {}", read.json);
        assert!(read.json["message"].as_str().unwrap().contains(word), "{body}: {}", read.json);
    }
    let huge = format!(r#"{{"name":"{}"}}"#, "x".repeat(1024 * 1024));
    assert_eq!(rig.raw(post(&huge, json)).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(rig.raw(post(r#"{"name":"team"}"#, json)).await.status, StatusCode::OK);
}
