//! Upstreams that serve, whatever dialect they are asked in.

use bytes::Bytes;
use http::{HeaderValue, header};
use posthaste_core::full_body;
use posthaste_testkit::{Reply, Sent};
use serde_json::{Value, json};

/// An answer in the dialect of the path that was asked.
pub(crate) fn every_answer(sent: &Sent) -> Reply {
    let end = sent.uri.path().rsplit(['/', ':']).next().unwrap();
    let streamed = || sent.json()["stream"] == true;
    match end {
        "responses" if streamed() => Reply::sse(responses_sse("resp_1", &["hel", "lo"])),
        "responses" => Reply::json(200, &response("resp_1", "completed", &["hello"])),
        "compact" => {
            Reply::json(200, &json!({"id": "resp_2", "object": "response.compaction", "output": []}))
        }
        "input_tokens" => Reply::json(200, &json!({"object": "response.input_tokens", "input_tokens": 12})),
        "embeddings" => Reply::json(
            200,
            &json!({
                "object": "list", "model": "gpt-dummy", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
                "usage": {"prompt_tokens": 12, "total_tokens": 12},
            }),
        ),
        "generations" => Reply::json(200, &json!({"created": 1, "data": [{"b64_json": "AA=="}]})),
        "completions" if sent.uri.path().ends_with("/chat/completions") && streamed() => {
            Reply::sse(chat_sse(&["hel", "lo"]))
        }
        "completions" if sent.uri.path().ends_with("/chat/completions") => Reply::json(200, &chat()),
        "completions" => Reply::json(
            200,
            &json!({
                "id": "cmpl-1", "object": "text_completion", "created": 1, "model": "gpt-dummy",
                "choices": [{"index": 0, "text": "upon a time", "finish_reason": "stop", "logprobs": null}],
                "usage": {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46},
            }),
        ),
        "generateContent" => Reply::json(200, &generated()),
        "streamGenerateContent" if sent.uri.query() == Some("alt=sse") => {
            Reply::sse([Bytes::from(format!("data: {}\r\n\r\n", generated()))])
        }
        "streamGenerateContent" => array(&generated()),
        "countTokens" => Reply::json(200, &json!({"totalTokens": 12})),
        "embedContent" => Reply::json(200, &json!({"embedding": {"values": [0.5]}})),
        "batchEmbedContents" => Reply::json(200, &json!({"embeddings": [{"values": [0.5]}]})),
        _ => super::answer(sent),
    }
}

/// A stream of Responses that says these pieces.
pub(crate) fn responses_sse(id: &str, pieces: &[&str]) -> Vec<Bytes> {
    let item = json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []});
    let place = json!({"item_id": "msg_1", "output_index": 0, "content_index": 0});
    let mut events = vec![
        json!({"type": "response.created", "response": response(id, "in_progress", &[])}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": item}),
        with(&place, json!({"type": "response.content_part.added", "part": text("")})),
    ];
    for piece in pieces {
        events.push(with(&place, json!({"type": "response.output_text.delta", "delta": piece})));
    }
    let done = message(&pieces.concat());
    events.push(json!({"type": "response.output_item.done", "output_index": 0, "item": done}));
    events.push(
        json!({"type": "response.completed", "response": response(id, "completed", &[&pieces.concat()])}),
    );
    let numbered = events.into_iter().enumerate();
    numbered
        .map(|(number, event)| {
            let event = with(&event, json!({"sequence_number": number}));
            Bytes::from(format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()))
        })
        .collect()
}

/// A stream of Chat Completions that says these pieces, and what they cost.
pub(crate) fn chat_sse(pieces: &[&str]) -> Vec<Bytes> {
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-dummy",
            "choices": choices, "usage": usage,
        });
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let said = |delta: Value, finish: Value| {
        chunk(json!([{"index": 0, "delta": delta, "finish_reason": finish}]), Value::Null)
    };
    let usage = json!({"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46});
    let mut frames = vec![said(json!({"role": "assistant", "content": ""}), Value::Null)];
    frames.extend(pieces.iter().map(|piece| said(json!({"content": piece}), Value::Null)));
    frames.push(said(json!({}), json!("stop")));
    frames.push(chunk(json!([]), usage));
    frames.push(Bytes::from_static(b"data: [DONE]\n\n"));
    frames
}

fn response(id: &str, status: &str, texts: &[&str]) -> Value {
    json!({
        "id": id, "object": "response", "created_at": 1, "status": status, "model": "gpt-dummy",
        "output": texts.iter().map(|text| message(text)).collect::<Vec<_>>(),
        "usage": {
            "input_tokens": 12, "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 34, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 46,
        },
    })
}

fn message(said: &str) -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [text(said)]})
}

fn text(said: &str) -> Value {
    json!({"type": "output_text", "text": said, "annotations": []})
}

fn with(value: &Value, more: Value) -> Value {
    let mut value = value.clone();
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    value
}

fn chat() -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-dummy",
        "choices": [{
            "index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop", "logprobs": null,
        }],
        "usage": {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46},
    })
}

fn generated() -> Value {
    json!({
        "candidates": [{"content": {"role": "model", "parts": [{"text": "hello"}]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": 34, "totalTokenCount": 46},
        "modelVersion": "gemini-dummy", "responseId": "r1",
    })
}

/// Gemini's stream as one array.
fn array(element: &Value) -> Reply {
    let mut response = http::Response::new(full_body(format!("[{element}\r\n]\r\n")));
    let json = HeaderValue::from_static("application/json; charset=UTF-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response.into()
}
