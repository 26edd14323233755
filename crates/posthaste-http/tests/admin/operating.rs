//! What runs at this moment, what it calls itself, what models cost, and what went wrong.

use std::time::Duration;

use http::{Method, StatusCode};
use posthaste_core::{AccountError, AccountId, Area, Clock, FaultKind, OnLoss};
use posthaste_storage::{Claim, Counter, CounterWindow, ErrorBounds, Half, LeaseId, LimitCheck, Unit};
use serde_json::json;
use uuid::Uuid;

use crate::support::{Rig, Shown};

#[tokio::test]
async fn places_that_are_held_are_told_and_can_be_given_back() {
    let rig = Rig::new().await;
    let reader = rig.token("reader", &[Area::System.read()]).await;
    let writer = rig.token("writer", &[Area::System.read(), Area::Keys.write()]).await;
    let limit =
        json!({ "name": "at-once", "unit": "concurrency", "amount": 2, "window": { "window": "now" } });
    let new = json!({ "name": "team", "limits": [limit] });
    let made = rig.send(&Method::POST, "/admin/api-keys", &writer, Some(new)).await;
    let owner = made.data()["id"].as_str().unwrap().parse::<Uuid>().unwrap();
    let counter =
        Counter { name: "at-once".to_owned(), unit: Unit::Concurrency, window: CounterWindow::Held };
    let check = LimitCheck { counter, amount: 1, limit: 2, shadow: false, on_loss: OnLoss::default() };
    let (half, lease, ttl) = (Half::Caller, LeaseId::generate(), Duration::from_secs(60));
    let claim = Claim { half, owner, lease, ttl, checks: vec![check] };
    assert!(rig.stores.admission.reserve(&claim, rig.clock.now()).await.unwrap().is_granted());

    let held = async || {
        let read = rig.get("/admin/concurrency/team", &reader).await;
        read.data().as_array().unwrap().iter().map(|at| at["held"].as_array().unwrap().len()).sum::<usize>()
    };
    assert_eq!(held().await, 1);
    let refused = rig.send(&Method::DELETE, "/admin/concurrency/team", &reader, None).await;
    assert_eq!((refused.status, held().await), (StatusCode::FORBIDDEN, 1));
    let released = rig.send(&Method::DELETE, "/admin/concurrency/team", &writer, None).await;
    assert_eq!((released.status, held().await), (StatusCode::OK, 0));
    assert!(!rig.stores.admission.renew(claim.lease_ref(), claim.ttl, rig.clock.now()).await.unwrap());
    let nobody = rig.get("/admin/concurrency/nobody", &reader).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    for method in [Method::DELETE, Method::POST] {
        let action = if method == Method::POST { "/release" } else { "" };
        let path = format!("/admin/concurrency/nobody{action}");
        assert_eq!(
            rig.send(&method, &path, &writer, Some(json!({}))).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

/// A place of a key or an account that is held since now.
async fn hold(rig: &Rig, half: Half, owner: &str, name: &str) {
    let counter = Counter { name: name.to_owned(), unit: Unit::Concurrency, window: CounterWindow::Held };
    let check = LimitCheck { counter, amount: 1, limit: 9, shadow: false, on_loss: OnLoss::default() };
    let made = rig.clock.now().as_micros().cast_unsigned() / 1_000_000;
    let lease = LeaseId(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, made, 0)));
    let (owner, ttl) = (owner.parse().unwrap(), Duration::from_secs(3_600));
    let claim = Claim { half, owner, lease, ttl, checks: vec![check] };
    assert!(rig.stores.admission.reserve(&claim, rig.clock.now()).await.unwrap().is_granted());
}

#[tokio::test]
async fn all_that_is_held_is_told_at_a_glance_and_old_places_are_given_back() {
    let rig = Rig::new().await;
    let shown =
        rig.token("operator", &[Area::System.read(), Area::Keys.write(), Area::Accounts.write()]).await;
    let limit =
        json!({ "name": "at-once", "unit": "concurrency", "amount": 9, "window": { "window": "now" } });
    let key = json!({ "name": "team", "limits": [limit] });
    let key = rig.send(&Method::POST, "/admin/api-keys", &shown, Some(key)).await;
    let account =
        json!({ "preset": "anthropic", "name": "one", "api_key": "sk-ant-dummy", "limits": [limit] });
    let account = rig.send(&Method::POST, "/admin/accounts", &shown, Some(account)).await;
    let pool = json!({ "name": "idle", "limits": [limit] });
    let pools = rig.token("pools", &[Area::Pools.write()]).await;
    let made = rig.send(&Method::POST, "/admin/pools", &pools, Some(pool));
    assert_eq!(made.await.status, StatusCode::OK);
    hold(&rig, Half::Caller, key.data()["id"].as_str().unwrap(), "at-once").await;
    hold(&rig, Half::Seat, account.data()["id"].as_str().unwrap(), "at-once").await;
    rig.clock.advance(Duration::from_secs(600));
    hold(&rig, Half::Caller, key.data()["id"].as_str().unwrap(), "at-once").await;

    let told = async |query: &str| rig.get(&format!("/admin/concurrency{query}"), &shown).await;
    let view = told("").await;
    let places = view.data()["places"].as_array().unwrap();
    let held = |kind: &str| {
        let of = places.iter().find(|place| place["owner"]["kind"] == kind)?;
        assert_eq!((&of["limit"], &of["most"]), (&json!("at-once"), &json!(9)), "{of}");
        Some((of["owner"]["name"].as_str()?.to_owned(), of["held"].as_array()?.len()))
    };
    assert_eq!(held("client_key"), Some(("team".to_owned(), 2)), "{}", view.json);
    assert_eq!(held("account"), Some(("one".to_owned(), 1)), "{}", view.json);
    assert_eq!(held("pool"), None, "who holds nothing is not told");
    assert_eq!((&view.data()["rests"], &view.data()["in_flight_here"]), (&json!([]), &json!(null)));
    assert_eq!(told("?idle=true").await.data()["places"].as_array().map(Vec::len), Some(3));
    let one = told("?limit=1").await;
    assert_eq!(
        (&one.data()["not_looked_at"], one.data()["places"].as_array().map(Vec::len)),
        (&json!(2), Some(1))
    );
    for wrong in ["?limit=0", "?limit=5001", "?limit=x", "?unknown=1"] {
        assert_eq!(told(wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }

    let path = "/admin/concurrency/team/release";
    let reader = rig.token("reader", &[Area::System.write(), Area::Keys.read()]).await;
    let old = json!({ "older_than_seconds": 300 });
    let refused = rig.send(&Method::POST, path, &reader, Some(old.clone())).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    for (input, released) in [(old.clone(), 1), (old, 0), (json!({}), 1), (json!({}), 0)] {
        let answer = rig.send(&Method::POST, path, &shown, Some(input)).await;
        assert_eq!(answer.data()["released"], released);
    }
    let wrong = rig.send(&Method::POST, path, &shown, Some(json!({ "older_than": 1 }))).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let left = told("").await;
    assert_eq!(left.data()["places"].as_array().map(Vec::len), Some(1), "the account's is another's");
}

#[tokio::test]
async fn an_input_that_cannot_be_taken_is_called_as_it_came() {
    let rig = Rig::new().await;
    let shown = rig.token("operator", &[Area::Accounts.write(), Area::Keys.write()]).await;
    for (query, field) in [("status=odd", "status"), ("state=odd", "state"), ("pageSize=0", "pageSize")] {
        let refused = rig.get(&format!("/admin/accounts?{query}"), &shown).await;
        assert_eq!((refused.status, &refused.json["field"]), (StatusCode::BAD_REQUEST, &json!(field)));
    }
    let key = json!({ "name": "team", "policy": { "networks": ["nowhere"] } });
    let refused = rig.send(&Method::POST, "/admin/api-keys", &shown, Some(key)).await;
    assert_eq!(
        (refused.status, &refused.json["field"]),
        (StatusCode::BAD_REQUEST, &json!("policy.networks"))
    );
}

#[tokio::test]
async fn what_the_relay_calls_itself_is_changed_by_those_who_saw_it() {
    let rig = Rig::new().await;
    let path = "/admin/oem-settings";
    let shown = rig.token("admin", &[Area::Settings.write(), Area::Audit.read()]).await;
    let open = rig.get(path, &Shown::default()).await;
    assert_eq!((&open.data()["site_name"], &open.data()["version"]), (&json!("Posthaste"), &json!(0)));
    let nobody = rig.send(&Method::PUT, path, &Shown::default(), Some(json!({ "siteName": "x" }))).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);

    let changed =
        rig.send(&Method::PUT, path, &shown, Some(json!({ "siteName": "Ours", "version": 0 }))).await;
    assert_eq!(changed.data()["site_name"], "Ours");
    let late = rig.send(&Method::PUT, path, &shown, Some(json!({ "notice": "x", "version": 0 }))).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.json);
    assert_eq!(rig.get(path, &Shown::default()).await.data()["notice"], "");

    for (field, body) in [
        ("siteName", json!({ "siteName": "" })),
        ("site_name", json!({ "site_name": "" })),
        ("notice", json!({ "notice": "x".repeat(100_000) })),
        ("siteIcon", json!({ "siteIcon": "javascript:alert(1)" })),
    ] {
        let refused = rig.send(&Method::PUT, path, &shown, Some(body)).await;
        assert_eq!((refused.status, &refused.json["field"]), (StatusCode::BAD_REQUEST, &json!(field)));
    }
    let log = rig.get("/admin/audit", &shown).await;
    let actions: Vec<_> =
        log.data()["entries"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    assert!(actions.iter().any(|action| action.as_str().unwrap().contains("branding")), "{actions:?}");
}

#[tokio::test]
async fn prices_are_searched_and_the_whole_is_told() {
    let rig = Rig::new().await;
    let shown = rig.token("viewer", &[Area::Usage.read(), Area::System.read(), Area::Settings.read()]).await;
    let found = rig.get("/admin/prices?search=claude-sonnet-4-5&pageSize=5", &shown).await;
    let items = found.data()["items"].as_array().unwrap();
    assert!(
        !items.is_empty() && items.iter().all(|item| item["model"].as_str().unwrap().contains("sonnet-4-5"))
    );
    assert!(items.iter().all(|item| item["input"].as_u64().unwrap() > 0));
    assert_eq!(rig.get("/admin/prices/unknown", &shown).await.data()["total"], 0);
    let system = rig.get("/admin/system", &shown).await;
    assert_eq!(system.data()["store"], "memory");
    assert!(rig.get("/admin/settings", &shown).await.data()["configuration"].is_array());
    let other = rig.token("other", &[Area::Keys.read()]).await;
    for path in ["/admin/prices", "/admin/system", "/admin/settings", "/admin/concurrency"] {
        assert_eq!(rig.get(path, &other).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn an_accounts_failures_are_told_and_forgotten() {
    let rig = Rig::new().await;
    let shown = rig.token("operator", &[Area::Accounts.write()]).await;
    let account = json!({ "preset": "anthropic", "name": "one", "api_key": "sk-ant-dummy" });
    let made = rig.send(&Method::POST, "/admin/accounts", &shown, Some(account)).await;
    let id = made.data()["id"].as_str().unwrap().parse::<Uuid>().unwrap();
    let error = AccountError {
        account: AccountId::from_uuid(id),
        at: rig.clock.now(),
        kind: FaultKind::RateLimited,
        status: Some(429),
        model: None,
        message: "slow down".to_owned(),
        request: None,
        rest: None,
    };
    let bounds = ErrorBounds { most: 10, keep: Duration::from_secs(3_600) };
    rig.stores.account_errors.note(&[error], bounds).await.unwrap();
    let path = "/admin/accounts/one/error-history";
    let told = rig.get(path, &shown).await;
    assert_eq!((&told.data()[0]["status"], &told.data()[0]["message"]), (&json!(429), &json!("slow down")));
    let reader = rig.token("reader", &[Area::Accounts.read()]).await;
    assert_eq!(rig.send(&Method::DELETE, path, &reader, None).await.status, StatusCode::FORBIDDEN);
    assert_eq!(rig.send(&Method::DELETE, path, &shown, None).await.status, StatusCode::OK);
    assert_eq!(rig.get(path, &shown).await.data(), &json!([]));
    for (path, method) in [
        ("/admin/accounts/none/error-history", Method::GET),
        ("/admin/accounts/none/error-history", Method::DELETE),
        // There is an account of that name, of another kind.
        ("/admin/gemini-accounts/one/error-history", Method::GET),
        ("/admin/gemini-accounts/one/error-history", Method::DELETE),
    ] {
        let missing = rig.send(&method, path, &shown, None).await;
        assert_eq!(
            (missing.status, &missing.json["error"]),
            (StatusCode::NOT_FOUND, &json!("not_found")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_client_key_is_tried_out_where_a_relay_runs_only() {
    let rig = Rig::new().await;
    let key = rig.client_key("team", &[]).await;
    let path = "/apiStats/api-key/test";
    let refused = rig.send(&Method::POST, path, &Shown::default(), Some(json!({ "apiKey": key }))).await;
    assert_eq!((refused.status, &refused.json["error"]), (StatusCode::CONFLICT, &json!("conflict")));
    for (field, body) in [
        ("body", json!({})),
        ("model", json!({ "apiKey": key, "model": "../x" })),
        ("prompt", json!({ "apiKey": key, "prompt": "" })),
        ("maxTokens", json!({ "apiKey": key, "maxTokens": 0 })),
    ] {
        let wrong = rig.send(&Method::POST, path, &Shown::default(), Some(body)).await;
        assert_eq!((wrong.status, &wrong.json["field"]), (StatusCode::BAD_REQUEST, &json!(field)));
    }
}
