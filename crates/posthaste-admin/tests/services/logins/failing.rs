//! Logins that fail: each has a state and a word on what to do.

use std::time::Duration;

use posthaste_admin::{AdminError, FailureKind, LoginFlow, LoginFor, NewAccount};
use posthaste_core::{ProxyProblem, TransportError};
use posthaste_provider::presets;
use posthaste_vault::oauth::{OAuthSettings, oauth_provider};

use super::{Fault, code, desk, desk_with, failure, new};

#[test]
fn every_sign_in_of_a_preset_is_known() {
    for name in presets().filter_map(|preset| preset.oauth) {
        assert!(oauth_provider(name).is_some(), "{name}");
    }
}

#[tokio::test]
async fn a_client_that_is_not_configured() {
    let desk = desk("inference").await;
    let anthropic = NewAccount { preset: "anthropic".into(), name: "claude".into(), ..NewAccount::default() };
    let whose = LoginFor::NewAccount(Box::new(anthropic));
    let (kind, state, advice) = failure(desk.bench.admin.accounts().plan_login(&whose).await);
    assert_eq!((kind, state.as_str()), (FailureKind::Invalid, "not_configured"));
    assert!(advice.contains("POSTHASTE_OAUTH__CLAUDE__CLIENT_ID"), "{advice}");
}

#[tokio::test]
async fn a_client_that_the_vendor_does_not_know() {
    let client_id = Some("somebody".to_owned());
    let desk = desk_with(OAuthSettings { client_id, ..OAuthSettings::default() }).await;
    let (kind, state, advice) = failure(desk.start(&new("ada"), &LoginFlow::Device).await);
    assert_eq!((kind, state.as_str()), (FailureKind::Upstream, "invalid_client"));
    assert!(advice.contains("`client_id`"), "{advice}");
}

#[tokio::test]
async fn a_scope_that_the_vendor_does_not_grant() {
    let desk = desk("lifetime-x").await;
    let login = desk.start_code().await;
    let back = desk.answer(&login, "approve=1").await;
    let (_, state, advice) = failure(desk.finish(&login, back.as_str()).await);
    assert_eq!(state, "refused");
    assert!(advice.contains("`scopes`"), "{advice}");
}

#[tokio::test]
async fn a_person_who_refuses() {
    let desk = desk("inference").await;
    let login = desk.start_code().await;
    let back = desk.answer(&login, "approve=0").await;
    let (kind, state, advice) = failure(desk.finish(&login, back.as_str()).await);
    assert_eq!((kind, state.as_str()), (FailureKind::Upstream, "denied"));
    assert!(advice.contains("allow it"), "{advice}");
    assert!(matches!(desk.finish(&login, back.as_str()).await, Err(AdminError::NotFound { .. })));
}

#[tokio::test]
async fn a_person_who_comes_late() {
    let desk = desk("inference").await;
    let login = desk.start_code().await;
    let back = desk.answer(&login, "approve=1").await;
    desk.bench.clock.advance(Duration::from_secs(600));
    let (_, state, _) = failure(desk.finish(&login, back.as_str()).await);
    assert_eq!(state, "expired_code");
}

#[tokio::test]
async fn a_code_that_the_vendor_does_not_take() {
    let desk = desk("token-invalid-grant").await;
    let login = desk.start_code().await;
    let back = desk.answer(&login, "approve=1").await;
    let (_, state, advice) = failure(desk.finish(&login, back.as_str()).await);
    assert_eq!(state, "invalid_grant");
    assert!(advice.contains("again"), "{advice}");
}

#[tokio::test]
async fn a_vendor_that_has_no_time_or_talks_nonsense() {
    for (scope, expected) in [("token-500", "busy"), ("token-429", "busy"), ("token-garbage", "bad_answer")] {
        let desk = desk(scope).await;
        let login = desk.start_code().await;
        let back = desk.answer(&login, "approve=1").await;
        let (kind, state, advice) = failure(desk.finish(&login, back.as_str()).await);
        assert_eq!((kind, state.as_str()), (FailureKind::Upstream, expected), "{scope}");
        assert!(!advice.is_empty());
    }
}

#[tokio::test]
async fn a_way_that_is_broken_may_be_mended() {
    let cases: [(Fault, &str, &str); 2] = [
        (
            || TransportError::Proxy {
                proxy: "proxy.example:1080".into(),
                problem: ProxyProblem::Unreachable,
                source: "refused".into(),
            },
            "proxy_down",
            "proxy",
        ),
        (
            || TransportError::Connect {
                host: "sandbox.posthaste.internal".into(),
                source: "refused".into(),
            },
            "unreachable",
            "network",
        ),
    ];
    for (error, expected, word) in cases {
        let desk = desk("inference").await;
        let login = desk.start_code().await;
        let back = desk.answer(&login, "approve=1").await;
        desk.break_with(error);
        let (kind, state, advice) = failure(desk.finish(&login, back.as_str()).await);
        assert_eq!((kind, state.as_str()), (FailureKind::Upstream, expected));
        assert!(advice.contains(word), "{advice}");
        let (_, state, _) = failure(desk.start(&new("bob"), &LoginFlow::Device).await);
        assert_eq!(state, expected);
        desk.mend();
        assert_eq!(desk.finish(&login, back.as_str()).await.unwrap().account.name, "ada");
    }
}

#[tokio::test]
async fn a_flow_that_the_vendor_does_not_have() {
    let desk = desk("inference").await;
    let qwen = NewAccount { preset: "qwen".into(), name: "qwen".into(), ..NewAccount::default() };
    let whose = LoginFor::NewAccount(Box::new(qwen));
    // Without a client there is nothing to ask for a flow.
    assert_eq!(failure(desk.start(&whose, &code()).await).1, "not_configured");
}
