//! AWS Bedrock: Converse, InvokeModel and CountTokens.

mod answers;
mod framing;
mod invoke;
mod refusals;

use bytes::Bytes;
use http_body_util::BodyExt;
use posthaste_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::asking::{ask_at, post};

const MODEL: &str = "us.anthropic.claude-haiku-4-5-20251001-v1%3A0";

fn path(operation: &str) -> String {
    format!("/model/{MODEL}/{operation}")
}

/// A request of one user turn.
fn request(text: &str) -> Value {
    json!({"messages": [{"role": "user", "content": [{"text": text}]}]})
}

/// Two tools: the weather somewhere, and the time.
fn tools() -> Value {
    let location = json!({"type": "object", "properties": {"location": {"type": "string"}}});
    json!({"tools": [
        {"toolSpec": {"name": "get_weather", "inputSchema": {"json": location}}},
        {"toolSpec": {"name": "get_time", "inputSchema": {"json": {"type": "object", "properties": {}}}}},
    ]})
}

async fn ask(request: &Value) -> (u16, Value) {
    ask_at(&Sandbox::default(), &path("converse"), request).await
}

/// The blocks of a good answer.
async fn content(request: &Value) -> Value {
    let (status, answer) = ask(request).await;
    assert_eq!(status, 200, "{answer}");
    answer["output"]["message"]["content"].clone()
}

async fn bytes(path: &str, request: &Value) -> Bytes {
    let response = post(&Sandbox::default(), path, request).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/vnd.amazon.eventstream");
    response.into_body().collect().await.expect("a whole body").to_bytes()
}
