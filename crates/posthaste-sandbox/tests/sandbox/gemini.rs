//! Google's Gemini, and Code Assist's envelope.

mod answers;
mod around;
mod refusals;

use posthaste_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::asking::{ask_at, post, text};

const OLDER: &str = "gemini-2.5-flash";
const SIGNING: &str = "gemini-3.1-pro-preview";

fn path(model: &str, method: &str) -> String {
    format!("/v1beta/models/{model}:{method}")
}

/// A request of one user turn.
fn request(text: &str) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": text}]}]})
}

/// Two functions: the weather somewhere, and the time.
fn tools() -> Value {
    let parameters =
        json!({"type": "OBJECT", "properties": {"location": {"type": "STRING"}}, "required": ["location"]});
    json!([{"functionDeclarations": [{"name": "get_weather", "parameters": parameters}, {"name": "get_time"}]}])
}

async fn ask(model: &str, request: &Value) -> (u16, Value) {
    ask_at(&Sandbox::default(), &path(model, "generateContent"), request).await
}

/// The parts of the one candidate of a good answer.
async fn parts(model: &str, request: &Value) -> Vec<Value> {
    let (status, answer) = ask(model, request).await;
    assert_eq!(status, 200, "{answer}");
    answer["candidates"][0]["content"]["parts"].as_array().expect("parts").clone()
}

/// The chunks of a stream of events.
async fn chunks(model: &str, request: &Value) -> Vec<Value> {
    let path = path(model, "streamGenerateContent?alt=sse");
    let response = post(&Sandbox::default(), &path, request).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let stream = text(response).await;
    let blocks = stream.split_terminator("\r\n\r\n");
    blocks
        .map(|block| serde_json::from_str(block.strip_prefix("data: ").expect("data")).expect("JSON"))
        .collect()
}

/// The answer that chunks tell, their texts joined as a client joins them.
fn assembled(chunks: &[Value]) -> Value {
    let mut answer = chunks.last().expect("a chunk").clone();
    let mut parts: Vec<Value> = Vec::new();
    for (number, chunk) in chunks.iter().enumerate() {
        let candidate = &chunk["candidates"][0];
        assert_eq!(candidate["finishReason"].is_string(), number + 1 == chunks.len(), "the end comes last");
        for part in candidate["content"]["parts"].as_array().expect("parts") {
            match parts.last_mut() {
                Some(last)
                    if last["text"].is_string()
                        && part["text"].is_string()
                        && last["thought"] == part["thought"] =>
                {
                    let joined = last["text"].as_str().unwrap_or_default().to_owned()
                        + part["text"].as_str().unwrap_or_default();
                    last["text"] = json!(joined);
                    if !part["thoughtSignature"].is_null() {
                        last["thoughtSignature"] = part["thoughtSignature"].clone();
                    }
                }
                _ if part["text"] == "" && part["thoughtSignature"].is_null() => {}
                _ => parts.push(part.clone()),
            }
        }
    }
    if parts.is_empty() {
        answer["candidates"][0]["content"].as_object_mut().expect("a content").remove("parts");
    } else {
        answer["candidates"][0]["content"]["parts"] = parts.into();
    }
    answer
}
