//! OpenAI's Responses.

mod answers;
mod assembling;
mod memory;
mod refusals;

use posthaste_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::asking::{ask_at, post, text};

const PATH: &str = "/v1/responses";

/// A request of one user message.
fn request(text: &str) -> Value {
    json!({"model": "gpt-4.1", "input": text})
}

/// A request to a model that thinks, with all that it thought.
fn thinking(text: &str) -> Value {
    json!({
        "model": "gpt-5.4",
        "input": [{"role": "user", "content": text}],
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "store": false,
        "tools": tools(),
    })
}

/// Two tools: the weather somewhere, and the time.
fn tools() -> Value {
    let parameters = json!({"type": "object", "properties": {"location": {"type": "string"}}});
    json!([
        {"type": "function", "name": "get_weather", "parameters": parameters},
        {"type": "function", "name": "get_time"},
    ])
}

async fn ask(request: &Value) -> (u16, Value) {
    ask_at(&Sandbox::default(), PATH, request).await
}

async fn answer(sandbox: &Sandbox, request: &Value) -> Value {
    let (status, answer) = ask_at(sandbox, PATH, request).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// The text of the last message of an answer.
fn said(answer: &Value) -> &str {
    let items = answer["output"].as_array().expect("items");
    let message = items.iter().rfind(|item| item["type"] == "message").expect("a message");
    message["content"][0]["text"].as_str().expect("a text")
}

async fn stream(request: &Value) -> String {
    let mut request = request.clone();
    request["stream"] = json!(true);
    text(post(&Sandbox::default(), PATH, &request).await).await
}
