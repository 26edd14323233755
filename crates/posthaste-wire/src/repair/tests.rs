use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn mended(dialect: Dialect, body: &Value) -> (Value, usize, usize) {
    let repaired = repair(dialect, body.to_string().as_bytes()).expect("something is wrong with it");
    let again = repair(dialect, &repaired.body);
    assert_eq!(again, None, "what was put right is right");
    (serde_json::from_slice(&repaired.body).unwrap(), repaired.answered, repaired.dropped)
}

#[test]
fn anthropic_s_calls_are_answered_at_the_beginning_of_the_next_turn() {
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "run", "input": {}});
    let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "done"});
    let error = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "is_error": true, "content": INTERRUPTED});
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "begin"},
        {"role": "assistant", "content": [call("a"), call("b")]},
        {"role": "user", "content": [result("b"), result("gone"), result("b"), {"type": "text", "text": "go on"}], "x": 1},
        {"role": "assistant", "content": [call("c")]},
        {"role": "user", "content": "never mind"},
        {"role": "assistant", "content": [call("d")]},
        {"role": "assistant", "content": [call("e")]},
    ], "max_tokens": 7});
    let wanted = json!({"model": "m", "messages": [
        {"role": "user", "content": "begin"},
        {"role": "assistant", "content": [call("a"), call("b")]},
        {"role": "user", "content": [error("a"), result("b"), {"type": "text", "text": "go on"}], "x": 1},
        {"role": "assistant", "content": [call("c")]},
        {"role": "user", "content": [error("c"), {"type": "text", "text": "never mind"}]},
        {"role": "assistant", "content": [call("d")]},
        {"role": "assistant", "content": [call("e")]},
        {"role": "user", "content": [error("d"), error("e")]},
    ], "max_tokens": 7});
    assert_eq!(mended(Dialect::AnthropicMessages, &body), (wanted, 4, 2));
}

#[test]
fn a_message_of_nothing_but_orphans_says_that_they_were_left_out() {
    let body = json!({"messages": [
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "done"}]},
    ]});
    let wanted = json!({"messages": [{"role": "user", "content": [{"type": "text", "text": LEFT_OUT}]}]});
    assert_eq!(mended(Dialect::AnthropicMessages, &body), (wanted, 0, 1));
    let orphan = json!({"messages": [{"role": "tool", "tool_call_id": "a", "content": "done"}]});
    assert_eq!(mended(Dialect::OpenAiChat, &orphan).2, 1);
    let orphan = json!({"input": [{"type": "function_call_output", "call_id": "a", "output": "done"}]});
    assert_eq!(mended(Dialect::OpenAiResponses, &orphan).2, 1);
}

#[test]
fn converse_s_roles_keep_taking_turns() {
    let call = |id: &str| json!({"toolUse": {"toolUseId": id, "name": "run", "input": {}}});
    let body = json!({"messages": [
        {"role": "assistant", "content": [call("a")]},
        {"role": "user", "content": [{"text": "go on"}]},
        {"role": "assistant", "content": [call("b")]},
    ]});
    let error = |id: &str| json!({"toolResult": {"toolUseId": id, "content": [{"text": INTERRUPTED}], "status": "error"}});
    let wanted = json!({"messages": [
        {"role": "assistant", "content": [call("a")]},
        {"role": "user", "content": [error("a"), {"text": "go on"}]},
        {"role": "assistant", "content": [call("b")]},
        {"role": "user", "content": [error("b")]},
    ]});
    assert_eq!(mended(Dialect::BedrockConverse, &body), (wanted, 2, 0));
}

#[test]
fn gemini_s_calls_are_known_by_id_or_by_name() {
    let call = |name: &str| json!({"functionCall": {"name": name, "args": {}}});
    let result = |name: &str| json!({"functionResponse": {"name": name, "response": {"ok": true}}});
    let error = |name: &str| json!({"functionResponse": {"name": name, "response": {"error": INTERRUPTED}}});
    let body = json!({"contents": [
        {"role": "model", "parts": [call("read"), call("read"), call("write")]},
        {"role": "user", "parts": [result("read"), result("other")]},
        {"role": "model", "parts": [{"function_call": {"id": "7", "name": "read"}}]},
        {"parts": [{"text": "go on"}]},
    ]});
    let wanted = json!({"contents": [
        {"role": "model", "parts": [call("read"), call("read"), call("write")]},
        {"role": "user", "parts": [error("read"), error("write"), result("read")]},
        {"role": "model", "parts": [{"function_call": {"id": "7", "name": "read"}}]},
        {"role": "user", "parts": [{"functionResponse": {"id": "7", "name": "read", "response": {"error": INTERRUPTED}}}]},
        {"parts": [{"text": "go on"}]},
    ]});
    assert_eq!(mended(Dialect::GeminiGenerate, &body), (wanted, 3, 1));
}

#[test]
fn chat_s_results_stand_right_behind_their_calls() {
    let calls = |ids: &[&str]| {
        let calls: Vec<_> =
            ids.iter().map(|id| json!({"id": id, "type": "function", "function": {}})).collect();
        json!({"role": "assistant", "content": null, "tool_calls": calls})
    };
    let result = |id: &str, text: &str| json!({"role": "tool", "tool_call_id": id, "content": text});
    let body = json!({"messages": [
        {"role": "system", "content": "s"},
        calls(&["a", "b"]),
        result("b", "done"),
        {"role": "user", "content": "go on"},
        result("gone", "done"),
        calls(&["c"]),
        {"role": "assistant", "function_call": {"name": "old", "arguments": "{}"}},
    ]});
    let wanted = json!({"messages": [
        {"role": "system", "content": "s"},
        calls(&["a", "b"]),
        result("a", INTERRUPTED),
        result("b", "done"),
        {"role": "user", "content": "go on"},
        calls(&["c"]),
        result("c", INTERRUPTED),
        {"role": "assistant", "function_call": {"name": "old", "arguments": "{}"}},
        {"role": "function", "name": "old", "content": INTERRUPTED},
    ]});
    assert_eq!(mended(Dialect::OpenAiChat, &body), (wanted, 3, 1));
}

#[test]
fn responses_outputs_stand_behind_their_calls_and_others_stay_where_the_rest_is_elsewhere() {
    let item = |kind: &str, id: &str| json!({"type": kind, "call_id": id});
    let body = json!({"input": [
        item("function_call", "a"),
        item("custom_tool_call", "b"),
        item("function_call_output", "a"),
        item("function_call_output", "gone"),
        {"role": "user", "content": "go on"},
    ]});
    let wanted = json!({"input": [
        item("function_call", "a"),
        item("custom_tool_call", "b"),
        {"type": "custom_tool_call_output", "call_id": "b", "output": INTERRUPTED},
        item("function_call_output", "a"),
        {"role": "user", "content": "go on"},
    ]});
    assert_eq!(mended(Dialect::OpenAiResponses, &body), (wanted, 1, 1));
    for (member, value) in [("previous_response_id", json!("resp_1")), ("conversation", json!({"id": "c"}))] {
        let mut going_on = json!({"input": [item("function_call_output", "a")]});
        going_on[member] = value;
        assert_eq!(repair(Dialect::OpenAiResponses, going_on.to_string().as_bytes()), None);
    }
    let reference = json!({"input": [item("item_reference", "x"), item("function_call_output", "a")]});
    assert_eq!(repair(Dialect::OpenAiResponses, reference.to_string().as_bytes()), None);
}

#[test]
fn what_is_outside_of_the_repair_keeps_its_bytes() {
    let body = "{ \"big\" : 123456789012345678901234567890.10 ,\n \"messages\":[ {\"role\":\"assistant\",\"content\":[ {\"id\":\"\\u0061\",\"type\":\"tool_use\",\"input\":{\"n\":1e400}} ]} ] , \"z\":1 }";
    let repaired = repair(Dialect::AnthropicMessages, body.as_bytes()).unwrap();
    let text = str::from_utf8(&repaired.body).unwrap();
    assert!(text.starts_with("{ \"big\" : 123456789012345678901234567890.10 ,\n \"messages\":[{\"role\":\"assistant\",\"content\":[ {\"id\":\"\\u0061\",\"type\":\"tool_use\",\"input\":{\"n\":1e400}} ]},{"), "{text}");
    assert!(text.ends_with("] , \"z\":1 }"), "{text}");
    assert!(text.contains("\"tool_use_id\":\"a\""), "{text}");
}

#[test]
fn what_cannot_be_read_is_left_to_others() {
    for body in [
        "",
        "[]",
        "{}",
        "{\"messages\":7}",
        "{\"messages\":[7]}",
        "{\"messages\":[{\"role\":7}]}",
        "{\"messages\":",
        "{\"input\":\"hello\"}",
        "{\"messages\":[],\"messages\":[]}",
    ] {
        for dialect in Dialect::ALL {
            assert_eq!(repair(dialect, body.as_bytes()), None, "{dialect:?}: {body}");
        }
    }
}

/// A conversation in which calls and results, right and wrong, stand anywhere.
fn conversation(dialect: Dialect, steps: &[(u8, u8)]) -> Value {
    let turns: Vec<Value> = steps
        .iter()
        .map(|(kind, id)| {
            let id = format!("id{id}");
            let (role, part) = match (kind % 3, dialect) {
                (0, Dialect::AnthropicMessages) => ("assistant", json!({"type": "tool_use", "id": id})),
                (1, Dialect::AnthropicMessages) => {
                    ("user", json!({"type": "tool_result", "tool_use_id": id}))
                }
                (_, Dialect::AnthropicMessages) => ("user", json!({"type": "text", "text": "t"})),
                (0, Dialect::BedrockConverse) => ("assistant", json!({"toolUse": {"toolUseId": id}})),
                (1, Dialect::BedrockConverse) => ("user", json!({"toolResult": {"toolUseId": id}})),
                (0, Dialect::GeminiGenerate) => ("model", json!({"functionCall": {"name": id}})),
                (1, Dialect::GeminiGenerate) => ("user", json!({"functionResponse": {"name": id}})),
                (0, Dialect::OpenAiChat) => return json!({"role": "assistant", "tool_calls": [{"id": id}]}),
                (1, Dialect::OpenAiChat) => return json!({"role": "tool", "tool_call_id": id}),
                (0, Dialect::OpenAiResponses) => return json!({"type": "function_call", "call_id": id}),
                (1, Dialect::OpenAiResponses) => {
                    return json!({"type": "function_call_output", "call_id": id});
                }
                (_, Dialect::OpenAiChat | Dialect::OpenAiResponses) => {
                    return json!({"role": "user", "content": "t"});
                }
                _ => ("user", json!({"text": "t"})),
            };
            let member = if dialect == Dialect::GeminiGenerate { "parts" } else { "content" };
            json!({"role": role, member: [part]})
        })
        .collect();
    match dialect {
        Dialect::GeminiGenerate => json!({ "contents": turns }),
        Dialect::OpenAiResponses => json!({ "input": turns }),
        _ => json!({ "messages": turns }),
    }
}

proptest! {
    /// One repair is enough, it changes nothing that needs none, and it loses no call and no word.
    #[test]
    fn a_repair_is_whole(steps in proptest::collection::vec((0_u8..3, 0_u8..3), 0..12)) {
        for dialect in Dialect::ALL {
            let body = conversation(dialect, &steps).to_string();
            let Some(repaired) = repair(dialect, body.as_bytes()) else { continue };
            prop_assert!(repaired.answered + repaired.dropped > 0);
            prop_assert_eq!(repair(dialect, &repaired.body), None, "{}", body);
            let text = str::from_utf8(&repaired.body).unwrap();
            for word in ["tool_use\"", "toolUse\"", "functionCall\"", "tool_calls\"", "function_call\"", "\"t\""] {
                prop_assert_eq!(body.matches(word).count(), text.matches(word).count(), "{}", word);
            }
            prop_assert_eq!(text.matches(INTERRUPTED).count(), repaired.answered);
        }
    }
}
