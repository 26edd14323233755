//! An upstream that answers the same to everything, at once.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Request, Response, header};
use http_body::Frame;
use http_body_util::StreamBody;
use posthaste_core::{Egress, Payload, RelayBody, Transport, TransportError, boxed_body, full_body};
use serde_json::{Value, json};

pub(crate) struct Upstream {
    kind: &'static str,
    /// An answer in one piece, or as events.
    pieces: Vec<Bytes>,
}

impl Upstream {
    pub(crate) fn new(streamed: bool) -> Self {
        if streamed {
            return Self { kind: "text/event-stream", pieces: frames() };
        }
        let mut whole = message(20);
        whole["content"] = json!([{"type": "text", "text": "Hello, hello!"}]);
        whole["stop_reason"] = json!("end_turn");
        Self { kind: "application/json", pieces: vec![whole.to_string().into()] }
    }
}

#[async_trait]
impl Transport for Upstream {
    async fn send(&self, _: Request<Payload>, _: &Egress) -> Result<Response<RelayBody>, TransportError> {
        let body = match &self.pieces[..] {
            [whole] => full_body(whole.clone()),
            pieces => {
                let frames: Vec<_> = pieces.iter().map(|piece| Ok(Frame::data(piece.clone()))).collect();
                boxed_body(StreamBody::new(stream::iter(frames)))
            }
        };
        let mut response = Response::new(body);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        Ok(response)
    }
}

fn frames() -> Vec<Bytes> {
    let event = |value: Value| frame(value["type"].as_str().unwrap_or_default(), &value.to_string());
    let mut frames = vec![
        event(json!({"type": "message_start", "message": message(1)})),
        event(
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        ),
    ];
    frames.extend(std::iter::repeat_n(frame("content_block_delta", DELTA), EVENTS));
    frames.extend([
        event(json!({"type": "content_block_stop", "index": 0})),
        event(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": usage(150)})),
        event(json!({"type": "message_stop"})),
    ]);
    frames
}

/// Its members in the order in which the vendor writes them.
const DELTA: &str =
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello, hello "}}"#;

fn frame(name: &str, data: &str) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

fn message(output_tokens: u64) -> Value {
    json!({
        "id": "msg_000000000000000000000000",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": usage(output_tokens),
    })
}

fn usage(output_tokens: u64) -> Value {
    json!({
        "input_tokens": 200,
        "output_tokens": output_tokens,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 10,
    })
}

const EVENTS: usize = 50;
