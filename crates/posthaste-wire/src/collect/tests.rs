use serde_json::{Value, json};

use super::*;

fn collect(dialect: Dialect, frames: &[&str]) -> Value {
    let stream: String = frames.iter().map(|frame| format!("data: {frame}\n\n")).collect();
    let mut collector = StreamCollector::new(Surface::plain(dialect)).unwrap();
    collector.push(stream.as_bytes()).unwrap();
    serde_json::from_slice(&collector.finish().unwrap()).unwrap()
}

#[test]
fn chunks_of_chat_become_a_completion() {
    let whole = collect(
        Dialect::OpenAiChat,
        &[
            r#"{"id":"c","object":"chat.completion.chunk","model":"m","obfuscation":"x","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"reasoning_content":"Hm"}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"},"logprobs":{"content":[{"token":"Hel"}]}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"content":"lo"},"logprobs":{"content":[{"token":"lo"}]}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\""}}]}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"","function":{"name":"f","arguments":":1}"}}]}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
            r#"{"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
            "[DONE]",
        ],
    );
    let expected = json!({"id": "c", "object": "chat.completion", "model": "m",
        "choices": [{"index": 0, "finish_reason": "tool_calls",
            "logprobs": {"content": [{"token": "Hel"}, {"token": "lo"}]},
            "message": {"role": "assistant", "content": "Hello", "refusal": null, "reasoning_content": "Hm",
                "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}},
                    {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}}]}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4}});
    assert_eq!(whole, expected);
}

#[test]
fn choices_are_kept_apart() {
    let whole = collect(
        Dialect::OpenAiChat,
        &[
            r#"{"choices":[{"index":1,"delta":{"content":"b"}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop","usage":{"prompt_tokens":1}}]}"#,
            r#"{"choices":[{"index":1,"delta":{"content":"B"},"finish_reason":"length"}]}"#,
        ],
    );
    let said = |index: usize| whole["choices"][index]["message"]["content"].clone();
    assert_eq!((said(0), said(1)), (json!("a"), json!("bB")));
    assert_eq!(whole["usage"], json!({"prompt_tokens": 1}));
    assert_eq!(whole["choices"][0].get("usage"), None);
}

/// As ChatGPT's backend answers (recorded).
#[test]
fn items_that_the_last_event_lacks_are_put_in() {
    let frames = [
        r#"{"type":"response.created","response":{"id":"r","output":[]}}"#,
        r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"message","n":1.50}}"#,
        r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning"}}"#,
        r#"{"type":"response.completed","response":{"id":"r","status":"completed","output":[]}}"#,
    ];
    let stream: String = frames.iter().map(|frame| format!("data: {frame}\n\n")).collect();
    let mut collector = StreamCollector::new(Surface::plain(Dialect::OpenAiResponses)).unwrap();
    collector.push(stream.as_bytes()).unwrap();
    let expected =
        r#"{"id":"r","status":"completed","output":[{"type":"reasoning"},{"type":"message","n":1.50}]}"#;
    assert_eq!(collector.finish().unwrap(), expected);
}

/// The text of a custom tool is no JSON.
#[test]
fn what_a_call_says_is_kept_where_its_item_does_not_repeat_it() {
    let whole = collect(
        Dialect::OpenAiResponses,
        &[
            r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"custom_tool_call","name":"patch","input":""}}"#,
            r#"{"type":"response.custom_tool_call_input.delta","output_index":0,"delta":"*** Begin\n"}"#,
            r#"{"type":"response.custom_tool_call_input.delta","output_index":0,"delta":"+ \"line\""}"#,
            r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"custom_tool_call","name":"patch"}}"#,
            r#"{"type":"response.function_call_arguments.delta","output_index":1,"delta":"{}"}"#,
            r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","arguments":"{\"a\":1}"}}"#,
            r#"{"type":"response.completed","response":{"id":"r","status":"completed"}}"#,
        ],
    );
    let expected = json!([
        {"type": "custom_tool_call", "name": "patch", "input": "*** Begin\n+ \"line\""},
        {"type": "function_call", "arguments": "{\"a\":1}"},
    ]);
    assert_eq!(whole["output"], expected);
}

#[test]
fn the_last_event_is_the_answer_where_it_is_whole() {
    let answer = r#"{"id":"r","status":"incomplete","output":[{"type":"message","n":1.50}]}"#;
    let whole = collect(
        Dialect::OpenAiResponses,
        &[
            r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"other"}}"#,
            &format!(r#"{{"type":"response.incomplete","response":{answer}}}"#),
        ],
    );
    assert_eq!(whole, serde_json::from_str::<Value>(answer).unwrap());
}

#[test]
fn events_of_messages_become_a_message() {
    let whole = collect(
        Dialect::AnthropicMessages,
        &[
            r#"{"type":"message_start","message":{"id":"m","content":[],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1}}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"sig"}}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hel"}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"lo"}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{"url":"u"}}}"#,
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#,
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"x\":"}}"#,
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"1.50}"}}"#,
            r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"u","name":"g","input":{}}}"#,
            r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"cut"}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"max_tokens","stop_sequence":null},"usage":{"output_tokens":9}}"#,
            r#"{"type":"message_stop"}"#,
        ],
    );
    let expected = json!({"id": "m", "stop_reason": "max_tokens", "stop_sequence": null,
        "usage": {"input_tokens": 3, "output_tokens": 9},
        "content": [
            {"type": "thinking", "thinking": "Hm", "signature": "sig"},
            {"type": "text", "text": "Hello", "citations": [{"url": "u"}]},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1.50}},
            {"type": "tool_use", "id": "u", "name": "g", "input": {}}]});
    assert_eq!(whole, expected);
}

const CHUNKS: [&str; 5] = [
    r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Hm","thought":true}]},"index":0}],"usageMetadata":{"promptTokenCount":3},"responseId":"r"}"#,
    r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Hel"}]},"index":0}]}"#,
    r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"lo"},{"text":"","thoughtSignature":"sig"}]},"index":0}]}"#,
    r#"{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"f","args":{"z":1,"a":2}}}]},"index":0}]}"#,
    r#"{"candidates":[{"content":{"role":"model","parts":[{"text":""}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4},"responseId":"r"}"#,
];

#[test]
fn chunks_of_gemini_become_an_answer() {
    let whole = collect(Dialect::GeminiGenerate, &CHUNKS);
    let expected = json!({"responseId": "r", "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4},
        "candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [
            {"text": "Hm", "thought": true}, {"text": "Hello"}, {"text": "", "thoughtSignature": "sig"},
            {"functionCall": {"name": "f", "args": {"z": 1, "a": 2}}}]}}]});
    assert_eq!(whole, expected);
}

#[test]
fn an_envelope_is_taken_off() {
    let surface = Surface { dialect: Dialect::GeminiGenerate, packing: Packing::CodeAssist };
    let mut collector = StreamCollector::new(surface).unwrap();
    for chunk in CHUNKS {
        let frame = format!("data: {{\"response\":{chunk},\"traceId\":\"t\"}}\r\n\r\n");
        collector.push(frame.as_bytes()).unwrap();
    }
    let whole: Value = serde_json::from_slice(&collector.finish().unwrap()).unwrap();
    assert_eq!(whole, collect(Dialect::GeminiGenerate, &CHUNKS));
}

#[test]
fn what_is_no_answer_is_none() {
    for dialect in [Dialect::OpenAiChat, Dialect::OpenAiResponses, Dialect::AnthropicMessages] {
        let collector = StreamCollector::new(Surface::plain(dialect)).unwrap();
        assert!(matches!(collector.finish(), Err(CollectError::Empty)), "{dialect}");
        let mut collector = StreamCollector::new(Surface::plain(dialect)).unwrap();
        assert!(matches!(collector.push(b"data: {oops\n\n"), Err(CollectError::Unreadable(_))), "{dialect}");
    }
    assert!(StreamCollector::new(Surface::plain(Dialect::BedrockConverse)).is_none());
}
