//! An account that has not what was asked for: another may, and otherwise the client is told.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use std::sync::Arc;

use posthaste_core::{Account, AuthForm, Dialect, FaultKind, Operation, PresetName, ProviderKind};
use posthaste_gateway::RelayOptions;
use posthaste_testkit::{AccountSetters, MemoryTransport, Reply, account};
use serde_json::{Value, json};
use support::{Read, Rig};

fn openai(name: &str, priority: u8) -> Account {
    Account {
        preset: PresetName("openai".to_owned()),
        provider: ProviderKind::OpenAi,
        auth: AuthForm::None,
        ..account(name).with_base_url(format!("https://{name}.example/v1")).with_priority(priority)
    }
}

/// Upstreams by the names of their accounts, which are their hosts' too.
async fn rig(
    names: &[&str],
    answer: impl Fn(&str) -> Reply + Send + Sync + 'static,
) -> (Rig, MemoryTransport) {
    let transport = MemoryTransport::new(move |sent| answer(sent.uri.host().unwrap()));
    let accounts = names.iter().zip(1..).map(|(name, priority)| openai(name, priority)).collect();
    let rig = Rig::over(accounts, RelayOptions::default(), Arc::new(transport.clone())).await;
    (rig, transport)
}

fn unknown_model() -> Reply {
    let error = json!({"error": {"message": "The model `gpt-9` does not exist or you do not have access to it.",
        "type": "invalid_request_error", "param": null, "code": "model_not_found"}});
    Reply::json(404, &error)
}

fn served() -> Reply {
    let answer = json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-9",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}});
    Reply::json(200, &answer)
}

async fn ask(rig: &Rig, dialect: Dialect, body: Value) -> Result<Read, posthaste_core::Fault> {
    let answer = rig.ask_as(dialect, Operation::Chat, body.to_string().into()).await?;
    Ok(Read::from(answer).await)
}

fn question() -> Value {
    json!({"model": "gpt-9", "messages": [{"role": "user", "content": "Hi"}]})
}

#[tokio::test]
async fn another_account_may_have_the_model() {
    let (rig, transport) =
        rig(&["small", "large"], |host| if host == "small.example" { unknown_model() } else { served() })
            .await;
    let answer = ask(&rig, Dialect::OpenAiChat, question()).await.unwrap();
    assert_eq!((answer.status, answer.header("x-posthaste-attempts")), (200, "2"));
    // Nobody rests for it: the first is asked again.
    ask(&rig, Dialect::OpenAiChat, question()).await.unwrap();
    assert_eq!(transport.sent().len(), 4);
}

#[tokio::test]
async fn when_nobody_has_it_the_client_reads_what_the_first_one_said() {
    let (rig, transport) = rig(&["one", "two"], |_| unknown_model()).await;
    let answer = ask(&rig, Dialect::OpenAiChat, question()).await.unwrap();
    assert_eq!((answer.status, answer.header("x-posthaste-attempts")), (404, "2"));
    assert!(answer.text().contains("model_not_found"));
    assert_eq!(transport.sent().len(), 2);

    let body = json!({"model": "gpt-9", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]});
    let fault = ask(&rig, Dialect::AnthropicMessages, body).await.unwrap_err();
    assert_eq!((fault.kind, fault.attempts), (FaultKind::NotFound, 2));
    assert!(fault.message.contains("gpt-9"));
}

#[tokio::test]
async fn where_another_failed_the_client_may_ask_again() {
    let (rig, _) = rig(&["one", "two"], |host| {
        if host == "one.example" {
            unknown_model()
        } else {
            Reply::json(500, &json!({"error": {"message": "oops", "type": "server_error"}}))
        }
    })
    .await;
    let fault = ask(&rig, Dialect::OpenAiChat, question()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Overloaded);
}
