//! Putting a stream's chunks together as a client does.

use serde_json::{Value, json};

/// The completion that a stream tells.
pub(super) fn assembled(stream: &str) -> Value {
    let mut lines = stream.lines().filter_map(|line| line.strip_prefix("data: ")).collect::<Vec<_>>();
    assert_eq!(lines.pop(), Some("[DONE]"));
    let mut whole = Value::Null;
    let mut choices: Vec<Value> = Vec::new();
    for line in lines {
        let chunk: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(chunk["object"], "chat.completion.chunk");
        if whole.is_null() {
            whole = json!({
                "id": chunk["id"],
                "object": "chat.completion",
                "created": chunk["created"],
                "model": chunk["model"],
                "service_tier": chunk["service_tier"],
                "system_fingerprint": chunk["system_fingerprint"],
            });
        }
        for choice in chunk["choices"].as_array().expect("choices") {
            apply(&mut choices, choice);
        }
        if chunk["usage"].is_object() {
            whole["usage"] = chunk["usage"].clone();
        }
    }
    whole["choices"] = choices.into();
    whole
}

fn apply(choices: &mut Vec<Value>, choice: &Value) {
    let index = usize::try_from(choice["index"].as_u64().expect("an index")).expect("a small one");
    if index == choices.len() {
        let message =
            json!({"role": choice["delta"]["role"], "content": null, "refusal": null, "annotations": []});
        choices.push(json!({"index": index, "message": message, "logprobs": null, "finish_reason": null}));
    }
    let whole = &mut choices[index];
    for field in ["content", "reasoning_content", "refusal"] {
        if let Some(piece) = choice["delta"][field].as_str().filter(|piece| !piece.is_empty()) {
            let before = whole["message"][field].as_str().unwrap_or_default().to_owned();
            whole["message"][field] = json!(before + piece);
        }
    }
    for piece in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
        apply_call(&mut whole["message"], piece);
    }
    if choice["finish_reason"].is_string() {
        assert!(whole["finish_reason"].is_null(), "an answer ends once");
        whole["finish_reason"] = choice["finish_reason"].clone();
    }
}

fn apply_call(message: &mut Value, piece: &Value) {
    if message["tool_calls"].is_null() {
        message["tool_calls"] = json!([]);
    }
    let calls = message["tool_calls"].as_array_mut().expect("calls");
    let index = usize::try_from(piece["index"].as_u64().expect("an index")).expect("a small one");
    if index == calls.len() {
        let mut call = piece.clone();
        call.as_object_mut().expect("an object").remove("index");
        return calls.push(call);
    }
    assert!(piece["id"].as_str().unwrap_or_default().is_empty(), "a call is named once");
    for (kind, field) in [("function", "arguments"), ("custom", "input")] {
        if let Some(more) = piece[kind][field].as_str() {
            let before = calls[index][kind][field].as_str().expect("begun").to_owned();
            calls[index][kind][field] = json!(before + more);
        }
    }
}
