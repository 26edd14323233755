use posthaste_core::Dialect::{
    AnthropicMessages, BedrockConverse, GeminiGenerate, OpenAiChat, OpenAiResponses,
};
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn unsealed(dialect: Dialect, body: &Value) -> (Value, usize) {
    let Unsealed { body, left_out } = unseal(dialect, body.to_string().as_bytes()).unwrap();
    (serde_json::from_slice(&body).unwrap(), left_out)
}

#[test]
fn thoughts_of_earlier_turns_go_and_thinking_goes_on() {
    let body = json!({"model": "m", "thinking": {"type": "adaptive"}, "messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s1"},
            {"type": "redacted_thinking", "data": "s2"},
            {"type": "text", "text": "b"},
        ]},
        {"role": "user", "content": [{"type": "text", "text": "c"}]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": "s3"}]},
        {"role": "user", "content": "d"},
    ]});
    let (body, left_out) = unsealed(AnthropicMessages, &body);
    assert_eq!(left_out, 3);
    assert_eq!(body["messages"][1]["content"], json!([{"type": "text", "text": "b"}]));
    assert_eq!(body["messages"][3]["content"][0]["type"], "text", "a turn is never empty");
    assert_eq!(body["thinking"], json!({"type": "adaptive"}));
}

#[test]
fn in_a_loop_of_calls_thinking_is_off() {
    let body = json!({
        "thinking": {"type": "enabled", "budget_tokens": 2_000},
        "context_management": {"edits": [
            {"type": "clear_thinking_20251015", "keep": "all"}, {"type": "clear_tool_uses_20250919"},
        ]},
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "tool_use", "id": "t", "name": "n", "input": {}},
            ]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "r"}]},
        ],
    });
    let (body, left_out) = unsealed(AnthropicMessages, &body);
    assert_eq!((left_out, &body["thinking"]), (1, &json!({"type": "disabled"})));
    assert_eq!(body["context_management"]["edits"], json!([{"type": "clear_tool_uses_20250919"}]));
    assert_eq!(body["messages"][1]["content"].as_array().unwrap().len(), 1);
}

#[test]
fn converse_has_both_under_its_own_names() {
    let body = json!({
        "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2_000}, "top_k": 3},
        "messages": [
            {"role": "user", "content": [{"text": "a"}]},
            {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
                {"toolUse": {"toolUseId": "t", "name": "n", "input": {}}},
            ]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": []}}]},
        ],
    });
    let (body, left_out) = unsealed(BedrockConverse, &body);
    assert_eq!(left_out, 1);
    assert_eq!(body["additionalModelRequestFields"], json!({"thinking": {"type": "disabled"}, "top_k": 3}));
    assert_eq!(body["messages"][1]["content"][0]["toolUse"]["name"], "n");
}

#[test]
fn geminis_calls_get_the_placeholder_once_in_a_step() {
    let body = json!({"contents": [
        {"role": "user", "parts": [{"text": "a"}]},
        {"role": "model", "parts": [
            {"text": "hm", "thought": true},
            {"functionCall": {"name": "f"}, "thoughtSignature": "s1"},
            {"functionCall": {"name": "g"}},
        ]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]},
        {"role": "model", "parts": [{"text": "b"}, {"text": "", "thought_signature": "s2"}]},
        {"role": "user", "parts": [{"text": "c"}]},
        {"role": "model", "parts": [{"function_call": {"name": "h"}}]},
    ]});
    let (body, left_out) = unsealed(GeminiGenerate, &body);
    assert_eq!(left_out, 3);
    let placeholder = "skip_thought_signature_validator";
    assert_eq!(body["contents"][1]["parts"][1]["thoughtSignature"], placeholder);
    assert_eq!(body["contents"][1]["parts"][2], json!({"functionCall": {"name": "g"}}));
    assert_eq!(body["contents"][3]["parts"][1], json!({"text": ""}));
    assert_eq!(body["contents"][5]["parts"][0]["thoughtSignature"], placeholder);
}

#[test]
fn items_of_reasoning_go_with_the_ids_of_what_came_with_them() {
    let body = json!({"input": [
        {"role": "user", "content": "a"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "s"},
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "n", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "r"},
        {"type": "compaction", "id": "cp_1", "encrypted_content": "all that was said before"},
    ]});
    let (body, left_out) = unsealed(OpenAiResponses, &body);
    assert_eq!(left_out, 1);
    let items = body["input"].as_array().unwrap();
    assert_eq!(items.len(), 4);
    assert_eq!(items[1], json!({"type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"}));
    assert_eq!(items[3]["id"], "cp_1", "a compaction is the conversation itself");
}

#[test]
fn what_is_not_sealed_keeps_its_bytes() {
    let body = r#"{ "x":1.50,  "messages":[ {"role":"assistant","content":[ {"type":"thinking","signature":"s"},{"type":"text", "text":"\u0062"} ] , "y":1e2} ]}"#;
    let unsealed = unseal(AnthropicMessages, body.as_bytes()).unwrap();
    assert_eq!(
        unsealed.body,
        r#"{ "x":1.50,  "messages":[ {"role":"assistant","content":[{"type":"text", "text":"\u0062"}] , "y":1e2} ]}"#
    );
}

#[rstest]
#[case(AnthropicMessages, r#"{"messages":[{"role":"assistant","content":"b"}]}"#)]
#[case(
    AnthropicMessages,
    r#"{"messages":[{"role":"user","content":[{"type":"thinking","signature":"s"}]}]}"#
)]
#[case(BedrockConverse, r#"{"messages":[{"role":"assistant","content":[{"text":"b"}]}]}"#)]
#[case(GeminiGenerate, r#"{"contents":[{"role":"model","parts":[{"text":"b"}]}]}"#)]
#[case(OpenAiResponses, r#"{"input":[{"type":"message","id":"m","role":"user","content":[]}]}"#)]
#[case(OpenAiResponses, r#"{"input":"a"}"#)]
#[case(OpenAiChat, r#"{"messages":[{"role":"assistant","content":"b"}]}"#)]
#[case(AnthropicMessages, "[]")]
#[case(GeminiGenerate, "no JSON")]
fn where_nothing_is_sealed_nothing_is_done(#[case] dialect: Dialect, #[case] body: &str) {
    assert_eq!(unseal(dialect, body.as_bytes()), None);
}

#[rstest]
#[case::anthropic("messages.1.content.0: Invalid `signature` in `thinking` block")]
#[case::modified(
    "messages.3.content.1: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. These blocks must remain as they were in the original response."
)]
#[case::openai("The encrypted content gAAA... could not be verified.")]
#[case::gemini("Thought signature is not valid")]
#[case::gemini_corrupt("Corrupted thought signature.")]
#[case::gemini_missing("Function call is missing a thought_signature in functionCall parts.")]
fn a_refused_seal_is_told_by_the_vendors_words(#[case] message: &str) {
    assert!(refuses_seal(&UpstreamError::new("invalid_request_error", None, message)));
}

#[rstest]
#[case("max_tokens: field required")]
#[case("`thinking.budget_tokens` must be greater than 1024")]
#[case(
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"
)]
#[case("Invalid value for `thinking`")]
fn other_complaints_are_none_of_it(#[case] message: &str) {
    assert!(!refuses_seal(&UpstreamError::new("invalid_request_error", None, message)));
}

#[test]
fn openais_code_is_enough() {
    let code = Some("invalid_encrypted_content".to_owned());
    assert!(refuses_seal(&UpstreamError::new("invalid_request_error", code, "")));
}
