//! OpenAI's Chat Completions and the endpoints around it.

mod answers;
mod around;
mod assembling;
mod refusals;

use posthaste_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::asking::{ask_at, post, text};

pub(crate) const PATH: &str = "/v1/chat/completions";

/// A request of one user message.
fn request(text: &str) -> Value {
    json!({"model": "gpt-4.1", "messages": [{"role": "user", "content": text}]})
}

/// Two tools: the weather somewhere, and the time.
fn tools() -> Value {
    let parameters = json!({
        "type": "object",
        "properties": {"location": {"type": "string"}},
        "required": ["location"],
        "additionalProperties": false,
    });
    json!([
        {"type": "function", "function": {"name": "get_weather", "parameters": parameters, "strict": true}},
        {"type": "function", "function": {"name": "get_time"}},
    ])
}

async fn ask(request: &Value) -> (u16, Value) {
    ask_at(&Sandbox::default(), PATH, request).await
}

/// The one message of a good answer.
async fn message(request: &Value) -> Value {
    let (status, answer) = ask(request).await;
    assert_eq!(status, 200, "{answer}");
    answer["choices"][0]["message"].clone()
}

async fn stream(request: &Value) -> String {
    let mut request = request.clone();
    request["stream"] = json!(true);
    let response = post(&Sandbox::default(), PATH, &request).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    text(response).await
}
