//! Trying out accounts that were logged in.

use std::sync::Arc;

use bytes::Bytes;
use posthaste_core::{Account, AuthForm, Clock, PresetName, Secret, TokenFacts};
use posthaste_provider::preset;
use posthaste_storage::Repository;
use posthaste_testkit::{Reply, Sent, account};
use posthaste_vault::{StoredCredential, StoredToken};
use serde_json::json;

use crate::support::{Bench, bench};

/// A bench with one account of a preset, logged in.
async fn signed_in(
    name: &str,
    provider: &str,
    facts: TokenFacts,
    answer: impl Fn(&Sent) -> Reply + Send + Sync + 'static,
) -> Bench {
    let bench = bench(answer).await;
    let preset = preset(name).expect("a preset");
    let token = StoredToken {
        provider: provider.to_owned(),
        access_token: Secret::new("dummy-token"),
        refresh_token: Some(Secret::new("dummy-refresh-token")),
        issued_at: Some(bench.clock.now()),
        expires_at: None,
        facts,
        generation: 1,
        refreshing: None,
        refused: None,
    };
    let account = account("one");
    let record = Account {
        preset: PresetName(name.to_owned()),
        provider: preset.provider,
        base_url: preset.base_url().expect("a base URL").to_owned(),
        auth: AuthForm::OAuth,
        credential: Some(token.seal(&bench.vault, account.id).expect("random bytes")),
        ..account
    };
    Repository::new(Arc::clone(&bench.stores.config)).create(record).await.expect("a new account");
    bench
}

#[tokio::test]
async fn a_plan_is_asked_as_it_wants_to_be() {
    let facts = TokenFacts { account: Some("acc-1".to_owned()), ..TokenFacts::default() };
    let bench = signed_in("openai", "openai", facts, |_| {
        let events = [
            json!({"type": "response.output_text.delta", "output_index": 0, "delta": "ok"}),
            json!({"type": "response.completed", "response": {"id": "r", "status": "completed", "output": []}}),
        ];
        Reply::sse(events.map(|event| Bytes::from(format!("data: {event}\n\n"))))
    })
    .await;
    let report = bench.admin.accounts().test("one", Some("gpt-5")).await.unwrap();
    assert!(report.ok, "{report:?}");
    let sent = bench.transport.sent().remove(0);
    assert_eq!(sent.uri, "https://chatgpt.com/backend-api/codex/responses");
    assert_eq!(sent.headers["chatgpt-account-id"], "acc-1");
    let body = sent.json();
    assert_eq!((&body["store"], &body["stream"]), (&json!(false), &json!(true)));
    assert!(body["instructions"].is_string() && body.get("max_output_tokens").is_none(), "{body}");
}

#[tokio::test]
async fn code_assist_is_asked_for_the_project_first() {
    let bench = signed_in("gemini", "google", TokenFacts::default(), |sent| match sent.uri.path() {
        "/v1internal:loadCodeAssist" => {
            Reply::json(200, &json!({"currentTier": {"id": "free-tier"}, "cloudaicompanionProject": "p-1"}))
        }
        _ => {
            let answer = json!({"response": {"candidates": [{"index": 0, "finishReason": "STOP",
                "content": {"role": "model", "parts": [{"text": "ok"}]}}]}, "traceId": "t"});
            Reply::sse([Bytes::from(format!("data: {answer}\n\n"))])
        }
    })
    .await;
    let report = bench.admin.accounts().test("one", Some("gemini-2.5-flash")).await.unwrap();
    assert!(report.ok, "{report:?}");
    let sent = bench.transport.sent();
    assert_eq!(sent[1].uri, "https://cloudcode-pa.googleapis.com/v1internal:streamGenerateContent?alt=sse");
    assert_eq!(sent[1].json()["project"], "p-1");
}

#[tokio::test]
async fn a_refused_project_says_what_to_do() {
    let bench = signed_in("gemini", "google", TokenFacts::default(), |_| {
        Reply::json(200, &json!({"currentTier": {"id": "standard-tier"}}))
    })
    .await;
    let report = bench.admin.accounts().test("one", Some("gemini-2.5-flash")).await.unwrap();
    assert_eq!(report.state.as_deref(), Some("forbidden"), "{report:?}");
    assert!(report.problem.is_some_and(|problem| problem.contains("project of its own")));
    assert!(report.advice.is_some_and(|advice| advice.contains("--project")));
}
