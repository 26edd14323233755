//! A request that fits a route.

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};

use super::{GEMINI, GPT, MODEL, PROFILE, whole};

/// A request for a row of the route table.
pub(crate) fn fitting(method: &Method, path: &str) -> (http::request::Builder, Body) {
    let posted = *method == Method::POST;
    let model = if path.starts_with("/bedrock/model/") {
        PROFILE.replace(':', "%3A")
    } else if posted && path.contains("models/{*model}:") || path.starts_with("/openai/gemini/") {
        GEMINI.to_owned()
    } else {
        MODEL.to_owned()
    };
    let uri = path.replace("{*model}", &model).replace("{deployment}", GPT);
    let builder = Request::builder().method(method.clone()).uri(uri);
    if posted {
        (builder.header("content-type", "application/json"), Body::from(body(path)))
    } else {
        (builder, Body::empty())
    }
}

fn body(path: &str) -> String {
    let path = path.split('?').next().unwrap();
    let gemini = json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]});
    let part = json!({"parts": [{"text": "hello"}]});
    let converse = json!({"messages": [{"role": "user", "content": [{"text": "hello"}]}]});
    let end = path.rsplit(['/', ':']).next().unwrap();
    let body: Value = match end {
        "responses" | "compact" | "input_tokens" | "embeddings" => json!({"model": GPT, "input": "hello"}),
        "generations" => json!({"model": GPT, "prompt": "a cat"}),
        "completions" if path.starts_with("/openai/gemini/") => {
            json!({"model": GEMINI, "messages": [{"role": "user", "content": "hello"}]})
        }
        "completions" if !path.ends_with("/chat/completions") => json!({"model": GPT, "prompt": "once"}),
        _ if path.contains("/v1internal:") => json!({"model": GEMINI, "request": gemini}),
        "generateContent" | "streamGenerateContent" | "countTokens" => gemini,
        "embedContent" => json!({"content": part}),
        "batchEmbedContents" => {
            json!({"requests": [{"model": format!("models/{GEMINI}"), "content": part}]})
        }
        "invoke" | "invoke-with-response-stream" => json!({
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 64,
            "messages": [{"role": "user", "content": "hello"}],
        }),
        "converse" | "converse-stream" => converse,
        "count-tokens" => json!({"input": {"converse": converse}}),
        _ => return whole(),
    };
    body.to_string()
}
