//! U21: a vendor refuses thoughts that another one sealed.

use std::sync::Arc;

use bytes::Bytes;
use posthaste_core::{
    Account, AttemptOutcome, Dialect, ModelPattern, ModelRules, Operation, PresetName, ProviderKind,
};
use posthaste_gateway::RelayOptions;
use posthaste_testkit::{
    AccountSetters, MemoryTransport, Reply, Sent, account, anthropic_error, anthropic_json,
};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{MODEL, Read, Rig, USAGE};

const REFUSAL: &str = "messages.1.content.0: Invalid `signature` in `thinking` block";

/// Refuses whatever holds a seal, in the words of its vendor.
fn strict(sent: &Sent, seal: &str, refusal: Value, answer: Value) -> Reply {
    let body = str::from_utf8(&sent.body).unwrap();
    if body.contains(seal) { Reply::json(400, &refusal) } else { Reply::json(200, &answer) }
}

fn anthropic(sent: &Sent) -> Reply {
    let refusal = anthropic_error("invalid_request_error", REFUSAL);
    strict(sent, "foreign-seal", refusal, anthropic_json("Hello", USAGE))
}

async fn rig(
    only: Account,
    answer: impl Fn(&Sent) -> Reply + Send + Sync + 'static,
) -> (Rig, MemoryTransport) {
    let transport = MemoryTransport::new(answer);
    let rig = Rig::over(vec![only], RelayOptions::default(), Arc::new(transport.clone())).await;
    (rig, transport)
}

fn thoughtful() -> Value {
    json!({"model": MODEL, "max_tokens": 4_000, "thinking": {"type": "adaptive"}, "messages": [
        {"role": "user", "content": "list the files"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "ls will do", "signature": "foreign-seal"},
            {"type": "tool_use", "id": "t", "name": "bash", "input": {"command": "ls"}},
        ]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "a b"}]},
    ]})
}

#[rstest]
#[tokio::test]
async fn u21_a_refused_thought_is_left_out_once(#[values(false, true)] stream: bool) {
    let sse = posthaste_testkit::anthropic_sse(&["Hello"], USAGE);
    let (rig, transport) = rig(account("only"), move |sent| {
        if sent.json()["stream"] == true && !str::from_utf8(&sent.body).unwrap().contains("foreign-seal") {
            return Reply::sse(sse.clone());
        }
        anthropic(sent)
    })
    .await;
    let mut question = thoughtful();
    question["stream"] = stream.into();
    let read = rig.read(&question).await.unwrap();
    assert_eq!((read.status, read.header("x-posthaste-attempts")), (200, "2"), "{}", read.text());
    assert!(read.header("x-posthaste-dropped").contains("reasoning"), "{:?}", read.headers);
    let sent = transport.sent();
    assert!(str::from_utf8(&sent[0].body).unwrap().contains("foreign-seal"), "first as the client sent it");
    let again = sent[1].json();
    assert_eq!(again["messages"][1]["content"][0]["type"], "tool_use");
    assert_eq!(again["thinking"], json!({"type": "disabled"}), "no thought stands before the call");
    let rows = rig.rows().await;
    let outcomes: Vec<_> = rows.iter().map(|row| row.outcome).collect();
    assert_eq!(outcomes, [AttemptOutcome::ClientFault, AttemptOutcome::Complete]);
    assert!(rows[1].request_losses.as_str().contains("reasoning"), "{:?}", rows[1].request_losses);
    assert!(rig.scheduler.parked(account("only").id, rig.relay_now()).is_none(), "it is not to blame");
}

#[tokio::test]
async fn u21_an_upstream_that_refuses_even_so_is_not_asked_for_ever() {
    let (rig, transport) =
        rig(account("only"), |_| Reply::json(400, &anthropic_error("invalid_request_error", REFUSAL))).await;
    let read = rig.read(&thoughtful()).await.unwrap();
    assert_eq!((read.status, transport.sent().len()), (400, 2));
    assert!(read.text().contains("signature"));
}

#[tokio::test]
async fn u21_a_request_without_seals_is_refused_at_once() {
    let (rig, transport) =
        rig(account("only"), |_| Reply::json(400, &anthropic_error("invalid_request_error", REFUSAL))).await;
    let read = rig.read(&crate::support::whole()).await.unwrap();
    assert_eq!((read.status, transport.sent().len()), (400, 1));
}

fn of_openai() -> Account {
    Account {
        preset: PresetName("openai".to_owned()),
        provider: ProviderKind::OpenAi,
        models: ModelRules { allow: vec![ModelPattern::new("*")], ..ModelRules::default() },
        ..account("only").with_base_url("http://openai.example/v1")
    }
}

#[tokio::test]
async fn u21_encrypted_reasoning_of_another_organisation_is_left_out() {
    let (rig, transport) = rig(of_openai(), |sent| {
        let refusal = json!({"error": {"message": "The encrypted content gAAA could not be verified.",
            "type": "invalid_request_error", "code": "invalid_encrypted_content", "param": null}});
        let answer = json!({"id": "resp_1", "object": "response", "status": "completed", "model": "gpt-5",
            "output": [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "Hello", "annotations": []}]}],
            "usage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}});
        strict(sent, "foreign-seal", refusal, answer)
    })
    .await;
    let body = json!({"model": "gpt-5", "store": false, "include": ["reasoning.encrypted_content"], "input": [
        {"type": "message", "role": "user", "content": "a"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "foreign-seal"},
        {"type": "message", "id": "msg_0", "role": "assistant", "content": [{"type": "output_text", "text": "b"}]},
        {"type": "message", "role": "user", "content": "c"},
    ]});
    let body = Bytes::from(body.to_string());
    let answer = rig.ask_as(Dialect::OpenAiResponses, Operation::Chat, body).await.unwrap();
    let read = Read::from(answer).await;
    assert_eq!((read.status, read.header("x-posthaste-attempts")), (200, "2"), "{}", read.text());
    let again = transport.sent()[1].json();
    assert_eq!(again["input"].as_array().unwrap().len(), 3);
    assert!(again["input"][1].get("id").is_none());
}
