//! What the sandbox refuses, and what it says then.

use posthaste_sandbox::Sandbox;
use serde_json::{Value, json};

use super::{answer, ask, request, thinking, tools};
use crate::asking::with;

async fn refused(request: &Value) -> (String, Value) {
    let (status, answer) = ask(request).await;
    assert_eq!(status, 400, "{answer}");
    assert_eq!(answer["error"]["type"], "invalid_request_error");
    (answer["error"]["message"].as_str().expect("a message").to_owned(), answer["error"]["param"].clone())
}

#[tokio::test]
async fn fields_are_checked_and_named() {
    let item = |item: Value| json!({"input": [item]});
    let cases = [
        (json!({"stop": "x"}), "Unknown parameter: 'stop'.", "stop"),
        (json!({"input": null}), "Missing required parameter: 'input'.", "input"),
        (
            json!({"input": 7}),
            "Invalid type for 'input': expected one of a string or array of objects",
            "input",
        ),
        (
            json!({"max_output_tokens": 15}),
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 15 instead.",
            "max_output_tokens",
        ),
        (json!({"include": ["everything"]}), "Invalid value: 'everything'.", "include[0]"),
        (
            json!({"reasoning": {"effort": "low"}}),
            "Unsupported parameter: 'reasoning.effort' is not supported",
            "reasoning.effort",
        ),
        (
            json!({"model": "o4-mini", "temperature": 1}),
            "Unsupported parameter: 'temperature' is not supported",
            "temperature",
        ),
        (
            json!({"tool_choice": "required"}),
            "Tool choice 'required' must be specified with 'tools' parameter.",
            "tool_choice",
        ),
        (
            json!({"tools": tools(), "tool_choice": {"type": "function", "name": "x"}}),
            "Tool choice 'function' not found in 'tools' parameter.",
            "tool_choice",
        ),
        (
            json!({"tools": [{"type": "function", "function": {"name": "x"}}]}),
            "Missing required parameter: 'tools[0].name'.",
            "tools[0].name",
        ),
        (
            json!({"text": {"format": {"type": "json_object"}}}),
            "Response input messages must contain the word 'json'",
            "input",
        ),
        (item(json!({"type": "thought"})), "Invalid value: 'thought'.", "input[0].type"),
        (
            item(json!({"role": "user", "content": [{"type": "text", "text": "x"}]})),
            "Invalid value: 'text'. Supported values are: 'input_text',",
            "input[0].content[0].type",
        ),
        (
            item(json!({"role": "assistant", "content": [{"type": "input_text", "text": "x"}]})),
            "Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'.",
            "input[0].content[0].type",
        ),
        (
            item(json!({"type": "function_call_output", "call_id": "a", "output": "x"})),
            "No tool call found for function call output with call_id a.",
            "input",
        ),
        (
            item(json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"})),
            "No tool output found for function call a.",
            "input",
        ),
        (
            item(json!({"type": "reasoning", "encrypted_content": "x", "summary": []})),
            "Item '' of type 'reasoning' was provided without its required following item.",
            "input",
        ),
    ];
    for (fields, expected, param) in cases {
        let (message, told) = refused(&with(request("Hello"), fields)).await;
        assert!(message.starts_with(expected), "{message:?} does not begin with {expected:?}");
        assert_eq!(told, param);
    }
}

#[tokio::test]
async fn thoughts_and_what_they_led_to_come_back_together() {
    let mut asked = thinking("Call get_time");
    let called = answer(&Sandbox::default(), &asked).await;
    let input = asked["input"].as_array_mut().unwrap();
    input.push(called["output"][2].clone());
    input.push(
        json!({"type": "function_call_output", "call_id": called["output"][2]["call_id"], "output": "x"}),
    );
    let (message, _) = refused(&asked).await;
    let expected = format!(
        "Item '{}' of type 'function_call' was provided without its required 'reasoning' item: '{}'.",
        called["output"][2]["id"].as_str().unwrap(),
        called["output"][0]["id"].as_str().unwrap(),
    );
    assert_eq!(message, expected);
    // Without its id nobody knows that there was a thought.
    asked["input"][1].as_object_mut().unwrap().remove("id");
    assert_eq!(ask(&asked).await.0, 200);
    // A thought without its content cannot be known when nothing is stored.
    let thought = json!({"type": "reasoning", "id": called["output"][0]["id"], "summary": []});
    asked["input"].as_array_mut().unwrap().insert(1, thought);
    let (status, answer) = ask(&asked).await;
    assert_eq!(status, 404);
    assert!(answer["error"]["message"].as_str().unwrap().contains("Items are not persisted when `store`"));
}
