//! Accounts.

use posthaste_admin::{AccountChange, AdminError, Health, ModelMapping, NewAccount, ParkedView};
use posthaste_core::{Account, AuthForm, Clock, CooldownReason, TimeoutGuard, TransportError, Usage};
use posthaste_storage::Repository;
use posthaste_testkit::{Reply, anthropic_error, anthropic_json};
use posthaste_vault::account_credential_place;
use serde_json::json;

use crate::support::{bench, compatible, key, quiet};

fn invalid_field<T: std::fmt::Debug>(result: Result<T, AdminError>) -> &'static str {
    match result {
        Err(AdminError::Invalid { field, .. }) => field,
        other => panic!("expected an invalid input, met {other:?}"),
    }
}

#[tokio::test]
async fn an_added_account_is_kept_with_its_credential_sealed_and_never_shown() {
    let bench = quiet().await;
    let saved = bench.admin.accounts().add(compatible("one")).await.unwrap();
    assert_eq!(saved.account.base_url, "https://api.example.com");
    assert_eq!((saved.account.priority, saved.account.enabled), (50, true));
    assert!(saved.account.has_credential && saved.notices.is_empty(), "{saved:?}");
    let shown = serde_json::to_string(&saved).unwrap();
    assert!(!shown.contains("dummy"), "{shown}");

    let records = Repository::<Account>::new(bench.stores.config.clone());
    let record = records.account(saved.account.id).await.unwrap().unwrap().value;
    let sealed = record.credential.unwrap();
    assert!(!sealed.as_text().contains("dummy") && !shown.contains(sealed.as_text()));
    let opened = bench.vault.unseal(&account_credential_place(record.id), &sealed).unwrap();
    assert_eq!(opened.expose(), "sk-ant-dummy");
}

#[tokio::test]
async fn a_refused_input_names_its_field_and_keeps_nothing() {
    let bench = quiet().await;
    let accounts = bench.admin.accounts();
    let with = |change: fn(&mut NewAccount)| {
        let mut new = compatible("one");
        change(&mut new);
        new
    };
    let cases = [
        ("preset", with(|new| new.preset = "antropic".to_owned())),
        ("name", with(|new| new.name = String::new())),
        ("base_url", with(|new| new.base_url = None)),
        ("base_url", with(|new| new.base_url = Some("api.example.com".to_owned()))),
        ("base_url", with(|new| new.base_url = Some("http://192.168.0.9:8000".to_owned()))),
        ("api_key", with(|new| new.api_key = None)),
        ("api_key", with(|new| new.api_key = key(" \n"))),
        ("api_key", with(|new| new.auth = Some(AuthForm::None))),
        ("priority", with(|new| new.priority = Some(101))),
        ("allow", with(|new| new.allow = vec![String::new()])),
        ("model_map", with(|new| new.model_map = vec![ModelMapping { from: "*".into(), to: "a\nb".into() }])),
    ];
    for (field, new) in cases {
        assert_eq!(invalid_field(accounts.add(new).await), field);
    }
    assert_eq!(accounts.list().await.unwrap(), []);
}

#[tokio::test]
async fn consent_to_a_private_address_is_recorded_told_and_bound_to_the_address() {
    let bench = quiet().await;
    let accounts = bench.admin.accounts();
    let local = NewAccount { base_url: Some("http://127.0.0.1:8080".to_owned()), ..compatible("local") };
    let saved = accounts.add(local).await.unwrap();
    assert_eq!(saved.account.private_address.as_ref().unwrap().given_at, bench.clock.now());
    assert!(saved.notices[0].contains("private"), "{:?}", saved.notices);

    let moved =
        AccountChange { base_url: Some("https://api.example.com".to_owned()), ..AccountChange::default() };
    let saved = accounts.update("local", moved).await.unwrap();
    assert_eq!(saved.account.private_address, None);
    let inward = AccountChange { base_url: Some("http://10.0.0.1".to_owned()), ..AccountChange::default() };
    assert_eq!(invalid_field(accounts.update("local", inward.clone()).await), "base_url");
    let allowed = AccountChange { allow_private: Some(true), ..inward };
    assert!(accounts.update("local", allowed).await.unwrap().account.private_address.is_some());
}

#[tokio::test]
async fn a_key_that_would_travel_unencrypted_is_told() {
    let bench = quiet().await;
    let new = NewAccount { base_url: Some("http://api.example.com".to_owned()), ..compatible("plain") };
    let saved = bench.admin.accounts().add(new).await.unwrap();
    assert!(saved.notices[0].contains("unencrypted"), "{:?}", saved.notices);
}

#[tokio::test]
async fn names_are_unique_and_work_like_ids() {
    let bench = quiet().await;
    let accounts = bench.admin.accounts();
    let one = accounts.add(compatible("one")).await.unwrap().account;
    accounts.add(compatible("two")).await.unwrap();
    assert!(matches!(accounts.add(compatible("one")).await, Err(AdminError::Conflict { .. })));
    let rename = AccountChange { name: Some("one".to_owned()), ..AccountChange::default() };
    let error = accounts.update("two", rename).await.unwrap_err();
    assert!(error.to_string().contains("`one`"), "{error}");
    assert_eq!(accounts.show(&one.id.to_string()).await.unwrap(), accounts.show("one").await.unwrap());
    assert!(matches!(accounts.show("three").await, Err(AdminError::NotFound { .. })));
    let names: Vec<_> = accounts.list().await.unwrap().into_iter().map(|account| account.name).collect();
    assert_eq!(names, ["one", "two"]);
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_nothing_else() {
    let bench = quiet().await;
    let accounts = bench.admin.accounts();
    let before = accounts.add(compatible("one")).await.unwrap().account;
    let change = AccountChange {
        priority: Some(3),
        deny: Some(vec!["claude-opus-*".to_owned()]),
        model_map: Some(vec![ModelMapping { from: "claude-*".into(), to: "small".into() }]),
        auth: Some(AuthForm::Bearer),
        ..AccountChange::default()
    };
    let after = accounts.update("one", change).await.unwrap().account;
    assert_eq!((after.priority, after.auth, after.has_credential), (3, AuthForm::Bearer, true));
    assert_eq!(after.model_map[0].to, "small");
    assert_eq!((after.id, after.name, after.base_url), (before.id, before.name, before.base_url));

    let open = AccountChange { auth: Some(AuthForm::None), ..AccountChange::default() };
    assert!(!accounts.update("one", open).await.unwrap().account.has_credential);
    let keyless = AccountChange { auth: Some(AuthForm::Bearer), ..AccountChange::default() };
    assert_eq!(invalid_field(accounts.update("one", keyless).await), "api_key");
}

#[tokio::test]
async fn health_is_shown_and_a_cure_ends_the_rest() {
    let bench = quiet().await;
    let accounts = bench.admin.accounts();
    let id = accounts.add(compatible("one")).await.unwrap().account.id;
    let parked =
        ParkedView { reason: CooldownReason::Unauthorised, until: bench.clock.now(), why: "401".to_owned() };
    bench.runtime.parked.lock().insert(id, parked.clone());
    assert_eq!(accounts.show("one").await.unwrap().health, Some(Health::Parked(parked)));
    let renamed = AccountChange { name: Some("uno".to_owned()), ..AccountChange::default() };
    let still = accounts.update("one", renamed).await.unwrap().account;
    assert!(matches!(still.health, Some(Health::Parked(_))));
    let cured = AccountChange { api_key: key("sk-ant-dummy-2"), ..AccountChange::default() };
    assert_eq!(accounts.update("uno", cured).await.unwrap().account.health, Some(Health::Ready));
    let off = accounts.set_enabled("uno", false).await.unwrap().account;
    assert_eq!(off.health, Some(Health::Disabled));
}

#[tokio::test]
async fn a_reset_ends_the_rest() {
    let bench = quiet().await;
    let accounts = bench.admin.accounts();
    let id = accounts.add(compatible("one")).await.unwrap().account.id;
    let parked =
        ParkedView { reason: CooldownReason::Failing, until: bench.clock.now(), why: "down".to_owned() };
    bench.runtime.parked.lock().insert(id, parked);
    assert_eq!(accounts.reset("one").await.unwrap().health, Some(Health::Ready));
    assert!(accounts.reset("nobody").await.is_err());
}

#[tokio::test]
async fn a_deleted_account_is_gone_and_its_name_free() {
    let bench = quiet().await;
    let accounts = bench.admin.accounts();
    accounts.add(compatible("one")).await.unwrap();
    assert_eq!(accounts.delete("one").await.unwrap().name, "one");
    assert!(matches!(accounts.delete("one").await, Err(AdminError::NotFound { .. })));
    accounts.add(compatible("one")).await.unwrap();
}

#[tokio::test]
async fn a_test_sends_one_tiny_real_request_as_the_account() {
    let usage = Usage { input: 5, output: 1, ..Usage::default() };
    let bench = bench(move |_| Reply::json(200, &anthropic_json("ok", usage))).await;
    let accounts = bench.admin.accounts();
    let new = NewAccount {
        base_url: Some("http://127.0.0.1:1".to_owned()),
        model_map: vec![ModelMapping { from: "claude-*".into(), to: "small".into() }],
        ..compatible("one")
    };
    accounts.add(new).await.unwrap();
    let report = accounts.test("one", Some("claude-opus-4-8")).await.unwrap();
    assert!(report.ok && report.problem.is_none() && report.advice.is_none(), "{report:?}");
    assert_eq!((report.status, report.upstream_model.as_str()), (Some(200), "small"));
    let sent = bench.transport.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].uri, "http://127.0.0.1:1/v1/messages");
    assert_eq!(sent[0].headers["x-api-key"], "sk-ant-dummy");
    assert_eq!(sent[0].json()["model"], "small");
    assert!(sent[0].egress.allow_private);
}

#[tokio::test]
async fn a_test_asks_for_a_model_that_the_account_serves() {
    let usage = Usage::default();
    let bench = bench(move |_| Reply::json(200, &anthropic_json("ok", usage))).await;
    let accounts = bench.admin.accounts();
    let only = |name: &str, allow: &[&str]| NewAccount {
        allow: allow.iter().map(|pattern| (*pattern).to_owned()).collect(),
        ..compatible(name)
    };
    accounts.add(only("listed", &["claude-opus-*", "house-model"])).await.unwrap();
    assert_eq!(accounts.test("listed", None).await.unwrap().model.as_str(), "house-model");
    accounts.add(only("pattern", &["claude-opus-*"])).await.unwrap();
    assert!(accounts.test("pattern", None).await.unwrap().model.as_str().starts_with("claude-opus-"));
    accounts.add(only("strange", &["zz-*"])).await.unwrap();
    assert_eq!(invalid_field(accounts.test("strange", None).await), "model");
    assert_eq!(invalid_field(accounts.test("listed", Some("claude-haiku-4-5")).await), "model");
}

#[tokio::test]
async fn a_test_of_a_plan_asks_for_a_model_that_the_plan_has() {
    let bench = bench(move |_| Reply::json(500, &json!({}))).await;
    let accounts = bench.admin.accounts();
    let plan = |name: &str| NewAccount {
        preset: "kimi-coding-plan".to_owned(),
        base_url: None,
        auth: None,
        ..compatible(name)
    };
    accounts.add(plan("any")).await.unwrap();
    assert_eq!(accounts.test("any", None).await.unwrap().model.as_str(), "kimi-for-coding");
    accounts.add(NewAccount { allow: vec!["kimi-k2.6".to_owned()], ..plan("listed") }).await.unwrap();
    assert_eq!(accounts.test("listed", None).await.unwrap().model.as_str(), "kimi-k2.6");
    accounts.add(NewAccount { deny: vec!["kimi-for-*".to_owned()], ..plan("other") }).await.unwrap();
    assert_ne!(accounts.test("other", None).await.unwrap().model.as_str(), "kimi-for-coding");
}

#[tokio::test]
async fn a_failed_test_says_what_to_do() {
    let cases = [
        (Reply::json(401, &anthropic_error("authentication_error", "invalid x-api-key")), "not accepted"),
        (Reply::json(404, &anthropic_error("not_found_error", "model: x")), "does not know the model"),
        (Reply::json(404, &json!({"detail": "Not Found"})), "what stands before /v1/messages"),
        (Reply::json(200, &json!({"hello": "world"})), "what stands before /v1/messages"),
        (Reply::json(429, &anthropic_error("rate_limit_error", "slow down")), "rate-limited"),
        (Reply::json(529, &anthropic_error("overloaded_error", "busy")), "too much to do"),
        (
            Reply::json(400, &anthropic_error("invalid_request_error", "Your credit balance is too low")),
            "top it up",
        ),
        (Reply::json(301, &json!({})).header("location", "https://www.example.com/"), "www.example.com"),
        (
            Reply::failure(TransportError::Refused { host: "x".into(), reason: "private".into() }),
            "--allow-private",
        ),
        (
            Reply::failure(TransportError::Connect { host: "x".into(), source: "refused".into() }),
            "nothing answers at https://api.example.com",
        ),
        (
            Reply::failure(TransportError::Timeout {
                guard: TimeoutGuard::Connect,
                after: std::time::Duration::from_secs(2),
            }),
            "slow",
        ),
    ];
    for (reply, advice) in cases {
        let reply = parking_lot::Mutex::new(Some(reply));
        let bench = bench(move |_| reply.lock().take().expect("one request")).await;
        bench.admin.accounts().add(compatible("one")).await.unwrap();
        let report = bench.admin.accounts().test("one", None).await.unwrap();
        assert!(!report.ok && report.problem.is_some(), "{report:?}");
        assert!(report.advice.as_deref().is_some_and(|text| text.contains(advice)), "{report:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_test_of_a_silent_upstream_ends() {
    let bench = quiet().await;
    bench.admin.accounts().add(compatible("one")).await.unwrap();
    let report = bench.admin.accounts().test("one", None).await.unwrap();
    assert!(!report.ok && report.status.is_none() && report.latency_ms >= 60_000, "{report:?}");
}
