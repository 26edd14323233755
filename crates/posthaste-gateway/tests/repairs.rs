//! Conversations that are put right, for the keys that want it.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use std::sync::Arc;

use bytes::Bytes;
use posthaste_core::{ClientKey, Dialect, Operation};
use posthaste_gateway::RelayOptions;
use posthaste_storage::Repository;
use posthaste_testkit::{MemoryTransport, Reply, account, anthropic_json, client_key};
use serde_json::{Value, json};
use support::{MODEL, Read, Rig, USAGE};

async fn rig(repairs: bool) -> (MemoryTransport, Rig) {
    let transport = MemoryTransport::new(|_| Reply::json(200, &anthropic_json("hello", USAGE)));
    let rig = Rig::over(vec![account("one")], RelayOptions::default(), Arc::new(transport.clone())).await;
    let keys: Repository<ClientKey> = Repository::new(Arc::clone(&rig.stores.config));
    let found = keys.client_key(client_key("tester").id).await.unwrap().unwrap();
    let mut key = found.value;
    key.policy.repair_conversations = repairs;
    keys.replace(key, found.version).await.unwrap();
    (transport, rig)
}

/// A session that was interrupted while a tool ran.
fn interrupted() -> Value {
    json!({"messages": [
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "gone", "content": "done"},
            {"type": "text", "text": "run it"},
        ]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "run", "input": {}}]},
        {"role": "user", "content": "go on"},
    ], "max_tokens": 64, "model": MODEL})
}

#[tokio::test]
async fn a_call_gets_its_error_result_and_the_client_and_the_books_are_told() {
    let (transport, rig) = rig(true).await;
    let read = rig.read(&interrupted()).await.unwrap();
    assert_eq!((read.status, read.header("x-posthaste-repaired")), (200, "answered=1, dropped=1"));
    let sent: Value = serde_json::from_slice(&transport.sent()[0].body).unwrap();
    assert_eq!(sent["messages"][2]["content"][0]["tool_use_id"], "a");
    assert_eq!(sent["messages"][2]["content"][0]["is_error"], true);
    assert_eq!(sent["messages"][0]["content"], json!([{"type": "text", "text": "run it"}]));
    assert_eq!(sent["model"], MODEL);
    let row = rig.rows().await.pop().unwrap();
    assert!(row.request_losses.as_str().contains("tool results: left out"), "{:?}", row.request_losses);
}

#[tokio::test]
async fn a_conversation_that_needs_nothing_keeps_its_bytes() {
    let (transport, rig) = rig(true).await;
    let body = Bytes::from(format!(
        "{{ \"model\":\"{MODEL}\",\"max_tokens\" : 64, \"messages\":[ {{\"role\":\"user\", \"content\":\"h\\u0069\"}} ] }}"
    ));
    let answer = rig.ask_as(Dialect::AnthropicMessages, Operation::Chat, body.clone()).await.unwrap();
    assert_eq!(Read::from(answer).await.header("x-posthaste-repaired"), "");
    assert_eq!(transport.sent()[0].body, body);
}

#[tokio::test]
async fn a_key_that_does_not_want_it_sends_what_its_client_sent() {
    let (transport, rig) = rig(false).await;
    let body = Bytes::from(interrupted().to_string());
    rig.ask_as(Dialect::AnthropicMessages, Operation::Chat, body.clone()).await.unwrap();
    assert_eq!(transport.sent()[0].body, body);
}

#[tokio::test]
async fn a_conversation_is_put_right_before_it_is_translated() {
    let (transport, rig) = rig(true).await;
    let call = json!({"id": "a", "type": "function", "function": {"name": "run", "arguments": "{}"}});
    let body = json!({"model": MODEL, "messages": [
        {"role": "user", "content": "run it"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "user", "content": "go on"},
    ]});
    let body = Bytes::from(body.to_string());
    let answer = rig.ask_as(Dialect::OpenAiChat, Operation::Chat, body).await.unwrap();
    assert_eq!(Read::from(answer).await.header("x-posthaste-repaired"), "answered=1, dropped=0");
    let sent = transport.sent()[0].body.clone();
    assert!(str::from_utf8(&sent).unwrap().contains("interrupted, no result"), "{sent:?}");
}
