//! What goes wrong at an account is remembered for operators: when, what, and the rest that came of it.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use std::time::Duration;

use posthaste_core::{AccountError, CooldownReason, FaultKind, Timestamp};
use posthaste_gateway::RelayOptions;
use posthaste_storage::ErrorBounds;
use posthaste_testkit::{Script, ScriptedUpstream, account, anthropic_error, anthropic_json};
use support::{MODEL, Rig, USAGE, at, whole};

async fn saying(status: u16, kind: &'static str, message: &'static str) -> ScriptedUpstream {
    ScriptedUpstream::start(move |_| Script::json(status, &anthropic_error(kind, message))).await
}

async fn good() -> ScriptedUpstream {
    ScriptedUpstream::start(|_| Script::json(200, &anthropic_json("Hello", USAGE))).await
}

async fn errors_of(rig: &Rig, name: &str) -> Vec<AccountError> {
    rig.relay.flush_records().await;
    let since = Timestamp::from_secs(0);
    rig.stores.account_errors.latest(account(name).id, since, 99).await.unwrap()
}

#[tokio::test]
async fn a_failure_is_remembered_with_its_words_and_its_rest() {
    let (bad, good) = (saying(429, "rate_limit_error", "slow down").await, good().await);
    let rig = Rig::new(vec![at("bad", bad.base_url(), 1), at("good", good.base_url(), 2)]).await;
    let answer = rig.read(&whole()).await.unwrap();
    assert_eq!(answer.status, 200);
    let errors = errors_of(&rig, "bad").await;
    let [error] = errors.as_slice() else { panic!("{errors:?}") };
    assert_eq!((error.kind, error.status), (FaultKind::RateLimited, Some(429)));
    assert!(error.message.contains("slow down"), "{}", error.message);
    assert_eq!(error.model.as_ref().unwrap().as_str(), MODEL);
    assert_eq!(error.request.unwrap().to_string(), answer.header("x-posthaste-request-id"));
    let rest = error.rest.unwrap();
    assert!(rest.reason == CooldownReason::RateLimited && rest.until > error.at, "{rest:?}");
    assert!(errors_of(&rig, "good").await.is_empty());
}

#[tokio::test]
async fn what_the_upstream_says_of_secrets_is_masked() {
    let leaky = "the key sk-ant-api03-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa is not valid";
    let (bad, good) = (saying(529, "overloaded_error", leaky).await, good().await);
    let rig = Rig::new(vec![at("bad", bad.base_url(), 1), at("good", good.base_url(), 2)]).await;
    rig.read(&whole()).await.unwrap();
    let errors = errors_of(&rig, "bad").await;
    assert!(errors[0].message.contains("[masked]"), "{errors:?}");
    assert!(!errors[0].message.contains("aaaaaaaa"), "{errors:?}");
}

#[tokio::test]
async fn a_clients_own_fault_is_not_the_accounts() {
    let refusing = saying(400, "invalid_request_error", "max_tokens is missing").await;
    let rig = Rig::new(vec![at("only", refusing.base_url(), 1)]).await;
    rig.read(&whole()).await.unwrap();
    assert!(errors_of(&rig, "only").await.is_empty());
}

#[tokio::test]
async fn who_wants_none_remembered_has_none() {
    for (bounds, kept) in [(None, 0), (Some(ErrorBounds { most: 1, keep: Duration::from_secs(86_400) }), 1)] {
        let bad = saying(500, "api_error", "boom").await;
        let options = RelayOptions { account_errors: bounds, ..RelayOptions::default() };
        let rig = Rig::with(vec![at("bad", bad.base_url(), 1)], options).await;
        for _ in 0..3 {
            drop(rig.read(&whole()).await);
            rig.clock.advance(Duration::from_secs(3_600));
        }
        assert_eq!(errors_of(&rig, "bad").await.len(), kept);
    }
}
