//! Requests that nobody should send: the sandbox answers each with something, and never breaks.

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use posthaste_core::{Egress, Payload, Transport};
use posthaste_sandbox::{SANDBOX_BASE_URL, Sandbox};
use serde_json::{Value, json};

use crate::asking::{self, with};

/// A path and a body with much in it, for each dialect.
fn requests() -> Vec<(&'static str, Value)> {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    let anthropic = json!({
        "max_tokens": 3000,
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "tools": asking::tools(),
        "tool_choice": {"type": "auto"},
        "thinking": {"type": "adaptive", "display": "summarized"},
        "stop_sequences": ["x"],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "go"}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "get_time", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "r"}]}]},
        ],
    });
    let chat = json!({
        "model": "sandbox-echo",
        "stream": true,
        "stream_options": {"include_usage": true},
        "n": 2,
        "stop": ["x"],
        "reasoning_effort": "low",
        "tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}},
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]},
            {"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "a", "content": "r"},
        ],
    });
    let responses = json!({
        "model": "sandbox-echo",
        "instructions": "i",
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "text": {"format": {"type": "json_schema", "name": "n", "schema": schema}},
        "tools": [{"type": "function", "name": "f", "parameters": schema}, {"type": "web_search"}],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "go"}]},
            {"type": "function_call", "id": "fc_1", "call_id": "a", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": [{"type": "input_text", "text": "r"}]},
        ],
    });
    let gemini = json!({
        "systemInstruction": {"parts": [{"text": "s"}]},
        "generationConfig": {
            "maxOutputTokens": 900,
            "candidateCount": 2,
            "stopSequences": ["x"],
            "thinkingConfig": {"includeThoughts": true, "thinkingBudget": 9},
        },
        "tools": [{"functionDeclarations": [{"name": "f", "parameters": schema}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "contents": [
            {"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "aa"}}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": "b"}}, "thoughtSignature": "skip_thought_signature_validator"}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "r"}}}]},
        ],
    });
    let converse = json!({
        "system": [{"text": "s"}, {"cachePoint": {"type": "default"}}],
        "inferenceConfig": {"maxTokens": 3000, "stopSequences": ["x"]},
        "additionalModelRequestFields": {"thinking": {"type": "adaptive"}},
        "toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": schema}}}], "toolChoice": {"auto": {}}},
        "messages": [
            {"role": "user", "content": [{"text": "go"}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "a", "name": "f", "input": {}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "a", "content": [{"json": {"r": 1}}]}}]},
        ],
    });
    let messages = with(anthropic.clone(), json!({"model": "sandbox-echo"}));
    let invoke = with(anthropic, json!({"anthropic_version": "bedrock-2023-05-31"}));
    vec![
        ("/v1/messages", messages),
        ("/v1/chat/completions", chat.clone()),
        ("/openai/deployments/sandbox-echo/chat/completions", chat),
        ("/v1/responses", responses.clone()),
        ("/v1/responses/compact", responses),
        ("/v1/embeddings", json!({"model": "sandbox-echo", "input": ["a", [1, 2]], "dimensions": 3})),
        ("/v1/completions", json!({"model": "sandbox-echo", "prompt": ["a"], "stop": "x", "stream": true})),
        ("/v1/images/generations", json!({"model": "sandbox-echo", "prompt": "a", "n": 2})),
        ("/v1beta/models/sandbox-gemini-3:generateContent", gemini.clone()),
        ("/v1beta/models/sandbox-echo:streamGenerateContent", gemini.clone()),
        (
            "/v1beta/models/sandbox-echo:batchEmbedContents",
            json!({"requests": [{"content": {"parts": [{"text": "a"}]}}]}),
        ),
        ("/v1internal:generateContent", json!({"model": "sandbox-echo", "request": gemini})),
        ("/model/sandbox-echo/converse", converse.clone()),
        ("/model/sandbox-echo/converse-stream", converse),
        ("/model/sandbox-echo/invoke", invoke),
    ]
}

/// The place of every value in a value.
fn pointers(value: &Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                pointers(value, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                pointers(value, &format!("{path}/{index}"), found);
            }
        }
        _ => {}
    }
}

async fn answered(path: &str, body: Vec<u8>) {
    let request = Request::post(format!("{SANDBOX_BASE_URL}{path}"));
    let request = request.body(Payload::from(Bytes::from(body))).expect("a request");
    let response = Sandbox::default().send(request, &Egress::default()).await.expect("an answer");
    let status = response.status().as_u16();
    assert!(matches!(status, 200 | 400 | 404), "{path}: {status}");
    assert!(!response.into_body().collect().await.expect("a whole body").to_bytes().is_empty());
}

#[tokio::test]
async fn a_wrong_value_at_any_place_is_answered() {
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(""),
        json!("ä\u{0}"),
        json!([]),
        json!({}),
        json!([{}]),
        json!({"type": []}),
    ];
    for (path, request) in requests() {
        let mut places = Vec::new();
        pointers(&request, "", &mut places);
        for place in places {
            for value in &odd {
                let mut request = request.clone();
                *request.pointer_mut(&place).expect("a place") = value.clone();
                answered(path, request.to_string().into_bytes()).await;
            }
        }
    }
}

#[tokio::test]
async fn a_body_that_ends_anywhere_is_answered() {
    for (path, request) in requests() {
        let body = request.to_string().into_bytes();
        for end in (0..body.len()).step_by(7) {
            answered(path, body[..end].to_vec()).await;
        }
        answered(path, vec![0xff, 0xfe]).await;
        answered(path, vec![b'['; 100_000]).await;
    }
}

#[tokio::test]
async fn the_requests_themselves_are_good() {
    for (path, request) in requests() {
        let response = asking::post(&Sandbox::default(), path, &request).await;
        let status = response.status();
        let body = response.into_body().collect().await.expect("a whole body").to_bytes();
        assert_eq!(status, 200, "{path}: {body:?}");
    }
}
