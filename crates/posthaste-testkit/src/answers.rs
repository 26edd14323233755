//! Ready-made answers of Anthropic's Messages API.
//!
//! Shapes: <https://docs.anthropic.com/en/api/messages> and `…/messages-streaming`.

use bytes::Bytes;
use posthaste_core::Usage;
use serde_json::{Value, json};

/// A whole answer of one text block.
pub fn anthropic_json(text: &str, usage: Usage) -> Value {
    let mut message = message(&usage, usage.output);
    message["content"] = json!([{ "type": "text", "text": text }]);
    message["stop_reason"] = json!("end_turn");
    message
}

/// A streamed answer of one text block, one event an element, the pieces as one delta each.
pub fn anthropic_sse(pieces: &[&str], usage: Usage) -> Vec<Bytes> {
    let delta = |piece: &&str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}});
    let opening = [
        json!({"type": "message_start", "message": message(&usage, 1)}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "ping"}),
    ];
    let closing = [
        json!({"type": "content_block_stop", "index": 0}),
        json!({
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": usage_json(&usage, usage.output),
        }),
        json!({"type": "message_stop"}),
    ];
    opening.into_iter().chain(pieces.iter().map(delta)).chain(closing).map(|event| frame(&event)).collect()
}

/// An error body, which is also the data of an `error` event.
pub fn anthropic_error(kind: &str, message: &str) -> Value {
    json!({
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": "req_testkit",
    })
}

/// One event as it goes over the wire; `event:` repeats the data's `type`.
pub(crate) fn frame(event: &Value) -> Bytes {
    let name = event["type"].as_str().expect("every event of this dialect has a type");
    Bytes::from(format!("event: {name}\ndata: {event}\n\n"))
}

fn message(usage: &Usage, output_tokens: u64) -> Value {
    json!({
        "id": "msg_testkit",
        "type": "message",
        "role": "assistant",
        "model": "claude-testkit",
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": usage_json(usage, output_tokens),
    })
}

fn usage_json(usage: &Usage, output_tokens: u64) -> Value {
    json!({
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": output_tokens,
        "service_tier": "standard",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USAGE: Usage = Usage {
        input: 10,
        output: 5,
        cache_read: 3,
        cache_write_5m: 2,
        cache_write_1h: 1,
        reasoning: 0,
        web_searches: 0,
        ..Usage::NONE
    };

    #[test]
    fn a_whole_answer_carries_text_and_usage() {
        let answer = anthropic_json("hi", USAGE);
        assert_eq!(answer["content"][0]["text"], "hi");
        assert_eq!(answer["usage"]["output_tokens"], 5);
        assert_eq!(answer["usage"]["cache_creation_input_tokens"], 3);
    }

    #[test]
    fn a_stream_has_one_event_an_element_and_ends_with_message_stop() {
        let frames = anthropic_sse(&["a", "b"], USAGE);
        assert_eq!(frames.len(), 8);
        assert!(frames[0].starts_with(b"event: message_start\ndata: {"));
        assert!(frames.iter().all(|frame| frame.ends_with(b"}\n\n")));
        assert_eq!(frames[7], "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    }
}
