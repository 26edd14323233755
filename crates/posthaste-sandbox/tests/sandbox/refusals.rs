//! What the sandbox refuses, and what it says then.

use posthaste_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::asking::{ask, request, tools};

/// The request with the value at a JSON pointer replaced; `null` there counts as absent.
fn changed(pointer: &str, value: Value) -> Value {
    let mut request = request("Hello");
    request["tools"] = tools();
    for field in ["system", "tool_choice", "thinking", "stop_sequences"] {
        request[field] = Value::Null;
    }
    *request.pointer_mut(pointer).expect("a place in the request") = value;
    request
}

async fn refused(request: &Value) -> String {
    let (status, answer) = ask(&Sandbox::default(), request).await;
    assert_eq!(status, 400, "{answer}");
    assert_eq!(answer["type"], "error");
    assert_eq!(answer["error"]["type"], "invalid_request_error");
    assert!(answer["request_id"].as_str().is_some_and(|id| id.starts_with("req_")));
    answer["error"]["message"].as_str().expect("a message").to_owned()
}

#[tokio::test]
async fn fields_are_checked_and_named() {
    let text = |text: &str| json!([{"type": "text", "text": text}]);
    let marked = json!({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}});
    let late_hour =
        json!([marked, {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]);
    let cases = [
        ("/max_tokens", Value::Null, "max_tokens: Field required"),
        ("/max_tokens", json!("10"), "max_tokens: Input should be a valid integer"),
        ("/max_tokens", json!(-1), "max_tokens: Input should be greater than or equal to 0"),
        ("/model", Value::Null, "model: Field required"),
        ("/model", json!(7), "model: Input should be a valid string"),
        ("/messages", Value::Null, "messages: Field required"),
        ("/messages", json!([]), "messages: at least one message is required"),
        ("/messages", json!("hi"), "messages: Input should be a valid list"),
        ("/messages/0/role", json!("tool"), "messages.0.role: Input should be 'user' or 'assistant'"),
        ("/messages/0/role", json!("system"), "messages: Unexpected role \"system\""),
        ("/messages/0/content", Value::Null, "messages.0.content: Field required"),
        ("/messages/0/content", json!(""), "messages.0: all messages must have non-empty content"),
        ("/messages/0/content", text(""), "messages: text content blocks must be non-empty"),
        ("/messages/0/content", json!([{"type": "text"}]), "messages.0.content.0.text.text: Field required"),
        ("/messages/0/content", json!([{"type": "video"}]), "messages.0.content.0: Input tag 'video' found"),
        (
            "/messages/0/content",
            late_hour,
            "cache_control.ttl: a ttl='1h' cache_control block must not come after",
        ),
        (
            "/messages/0/content",
            vec![marked; 5].into(),
            "A maximum of 4 blocks with cache_control may be provided. Found 5.",
        ),
        ("/tools/0/name", json!("get weather"), "tools.0.custom.name: String should match pattern"),
        ("/tools/0/input_schema", Value::Null, "tools.0.custom.input_schema: Field required"),
        ("/tools/1/name", json!("get_weather"), "tools: Tool names must be unique."),
        (
            "/tool_choice",
            json!({"type": "tool", "name": "x"}),
            "tool_choice: Tool 'x' not found in provided tools",
        ),
        ("/tool_choice", json!({"type": "some"}), "tool_choice.type: Input should be"),
        (
            "/thinking",
            json!({"type": "enabled", "budget_tokens": 5}),
            "thinking.enabled.budget_tokens: Input should be greater",
        ),
        (
            "/thinking",
            json!({"type": "enabled", "budget_tokens": 1024}),
            "`max_tokens` must be greater than `thinking.budget_tokens`",
        ),
        ("/stop_sequences", json!([" "]), "stop_sequences: each stop sequence must contain non-whitespace"),
        ("/system", text(""), "system: text content blocks must be non-empty"),
    ];
    for (pointer, value, expected) in cases {
        let message = refused(&changed(pointer, value)).await;
        assert!(message.starts_with(expected), "{pointer}: {message:?} does not begin with {expected:?}");
    }
}

#[tokio::test]
async fn tool_calls_and_results_must_pair() {
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "get_time", "input": {}});
    let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "12:00"});
    let messages = |calls: Value, results: Value| {
        changed(
            "/messages",
            json!([
                {"role": "user", "content": "go"},
                {"role": "assistant", "content": calls},
                {"role": "user", "content": results},
            ]),
        )
    };
    let cases = [
        (
            messages(json!([call("a"), call("b")]), json!([result("b")])),
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: a. Each",
        ),
        (
            messages(json!([call("a")]), json!([result("a"), result("x")])),
            "messages.2.content.1: unexpected `tool_use_id` found in `tool_result` blocks: x. Each",
        ),
        (
            messages(json!([call("a"), call("a")]), json!([result("a")])),
            "messages: `tool_use` ids must be unique",
        ),
        (
            messages(json!([result("a")]), json!("x")),
            "messages.1: `tool_result` blocks can only be in `user` messages",
        ),
        (
            messages(json!("x"), json!([call("a")])),
            "messages.2: `tool_use` blocks can only be in `assistant` messages",
        ),
        (
            messages(
                json!([{"type": "tool_use", "id": "a", "name": "x", "input": "{}"}]),
                json!([result("a")]),
            ),
            "messages.1.content.0.tool_use.input: Input should be a valid dictionary",
        ),
    ];
    for (request, expected) in cases {
        let message = refused(&request).await;
        assert!(message.starts_with(expected), "{message:?} does not begin with {expected:?}");
    }
    // Results may be spread over user turns that follow one another: they count as one turn.
    let mut split = messages(json!([call("a"), call("b")]), json!([result("a")]));
    split["messages"].as_array_mut().unwrap().push(json!({"role": "user", "content": [result("b")]}));
    let (status, answer) = ask(&Sandbox::default(), &split).await;
    assert_eq!(status, 200, "{answer}");
    let told = "The tool `get_time` says: 12:00\nThe tool `get_time` says: 12:00";
    assert_eq!(answer["content"][0]["text"], told);
}

#[tokio::test]
async fn with_thinking_a_call_must_come_with_its_thoughts() {
    let mut request = changed("/thinking", json!({"type": "enabled", "budget_tokens": 1024}));
    request["max_tokens"] = json!(2048);
    request["messages"] = json!([
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "get_time", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]},
    ]);
    let expected =
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`.";
    assert!(refused(&request).await.starts_with(expected));
    request["tool_choice"] = json!({"type": "any"});
    let expected = "Thinking may not be enabled when tool_choice forces tool use.";
    assert_eq!(refused(&request).await, expected);
}

#[tokio::test]
async fn unknown_models_are_not_found() {
    for model in ["gpt-5", "", "sandbox-cut-x"] {
        let (status, answer) = ask(&Sandbox::default(), &changed("/model", json!(model))).await;
        assert_eq!(status, 404);
        assert_eq!(answer["error"]["type"], "not_found_error");
        assert_eq!(answer["error"]["message"], format!("model: {model}"));
    }
}

#[tokio::test]
async fn a_body_must_be_a_json_object() {
    assert_eq!(refused(&json!([])).await, "The request body must be a JSON object");
}
