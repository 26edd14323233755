//! What the sandbox refuses, and what it says then.

use serde_json::{Value, json};

use super::{ask, request, tools};
use crate::asking::{changed, with};

async fn refused(request: &Value) -> (Value, Value, Value) {
    let (status, answer) = ask(request).await;
    assert_eq!(status, 400, "{answer}");
    let error = &answer["error"];
    assert_eq!(error["type"], "invalid_request_error");
    (error["message"].clone(), error["param"].clone(), error["code"].clone())
}

#[tokio::test]
async fn fields_are_checked_and_named() {
    let hello = || request("Hello");
    let open = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let format = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": open, "strict": true}});
    let cases = [
        (
            with(hello(), json!({"surprise": 1})),
            "Unknown parameter: 'surprise'.",
            json!("surprise"),
            json!("unknown_parameter"),
        ),
        (
            with(hello(), json!({"model": null})),
            "Missing required parameter: 'model'.",
            json!("model"),
            json!("missing_required_parameter"),
        ),
        (
            with(hello(), json!({"messages": []})),
            "Invalid 'messages': empty array.",
            json!("messages"),
            json!("empty_array"),
        ),
        (
            with(hello(), json!({"messages": "hi"})),
            "Invalid type for 'messages': expected an array of objects, but got a string instead.",
            json!("messages"),
            json!("invalid_type"),
        ),
        (
            changed(hello(), "/messages/0/role", json!("robot")),
            "Invalid value: 'robot'. Supported values are: 'system', ",
            json!("messages[0].role"),
            json!("invalid_value"),
        ),
        (
            changed(hello(), "/messages/0/content", json!(7)),
            "Invalid type for 'messages[0].content': expected one of",
            json!("messages[0].content"),
            json!("invalid_type"),
        ),
        (
            changed(hello(), "/messages/0/content", json!([{"type": "video"}])),
            "Invalid value: 'video'.",
            json!("messages[0].content[0].type"),
            json!("invalid_value"),
        ),
        (
            changed(
                hello(),
                "/messages/0/content",
                json!([{"type": "image_url", "image_url": {"url": "a.png"}}]),
            ),
            "Invalid image URL",
            json!("messages[0].content[0].image_url.url"),
            json!("invalid_image_url"),
        ),
        (
            with(hello(), json!({"max_tokens": 0})),
            "Invalid 'max_tokens': integer below minimum value. Expected a value >= 1, but got 0 instead.",
            json!("max_tokens"),
            json!("integer_below_min_value"),
        ),
        (
            with(hello(), json!({"temperature": 3})),
            "Invalid 'temperature': decimal above maximum value.",
            json!("temperature"),
            json!("decimal_above_max_value"),
        ),
        (
            with(hello(), json!({"n": 129})),
            "Invalid 'n': integer above maximum value.",
            json!("n"),
            json!("integer_above_max_value"),
        ),
        (
            with(hello(), json!({"stop": ["a", "b", "c", "d", "e"]})),
            "Invalid 'stop': array too long.",
            json!("stop"),
            json!("array_above_max_length"),
        ),
        (
            with(hello(), json!({"stream_options": {"include_usage": true}})),
            "The 'stream_options' parameter is only allowed when",
            json!("stream_options"),
            Value::Null,
        ),
        (
            with(hello(), json!({"tool_choice": "auto"})),
            "Invalid value for 'tool_choice'",
            json!("tool_choice"),
            Value::Null,
        ),
        (
            with(hello(), json!({"parallel_tool_calls": true})),
            "Invalid value for 'parallel_tool_calls'",
            json!("parallel_tool_calls"),
            Value::Null,
        ),
        (
            with(hello(), json!({"response_format": {"type": "json_object"}})),
            "'messages' must contain the word 'json'",
            json!("messages"),
            Value::Null,
        ),
        (
            with(hello(), json!({"response_format": format})),
            "Invalid schema for response_format 'x': In context=(), 'additionalProperties'",
            json!("response_format"),
            Value::Null,
        ),
        (
            with(hello(), json!({"reasoning_effort": "low"})),
            "Unrecognized request argument supplied: reasoning_effort",
            json!("reasoning_effort"),
            json!("unsupported_parameter"),
        ),
        (
            with(hello(), json!({"model": "gpt-5.4", "max_tokens": 20})),
            "Unsupported parameter: 'max_tokens' is not supported with this model.",
            json!("max_tokens"),
            json!("unsupported_parameter"),
        ),
        (
            with(hello(), json!({"model": "o4-mini", "temperature": 0.5})),
            "Unsupported value: 'temperature' does not support 0.5",
            json!("temperature"),
            json!("unsupported_value"),
        ),
    ];
    for (request, expected, param, code) in cases {
        let (message, told_param, told_code) = refused(&request).await;
        assert!(
            message.as_str().unwrap().starts_with(expected),
            "{message} does not begin with {expected:?}"
        );
        assert_eq!((told_param, told_code), (param, code), "{expected}");
    }
}

#[tokio::test]
async fn tools_are_checked_and_named() {
    let cases = [
        (
            "/0/function/name",
            json!("get weather"),
            "Invalid 'tools[0].function.name': string does not match pattern.",
        ),
        ("/0/function/name", json!("a".repeat(65)), "Invalid 'tools[0].function.name': string too long."),
        (
            "/0/function/parameters",
            json!({}),
            "Invalid schema for function 'get_weather': schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.",
        ),
        (
            "/0/function/parameters/required",
            json!([]),
            "Invalid schema for function 'get_weather': In context=(), 'required' is required",
        ),
        ("/0/type", json!("web"), "Invalid value: 'web'. Supported values are: 'function' and 'custom'."),
    ];
    for (pointer, value, expected) in cases {
        let tools = changed(tools(), pointer, value);
        let (message, ..) = refused(&with(request("Hello"), json!({"tools": tools}))).await;
        assert!(
            message.as_str().unwrap().starts_with(expected),
            "{message} does not begin with {expected:?}"
        );
    }
    let named = json!({"tools": tools(), "tool_choice": {"type": "function", "function": {"name": "x"}}});
    let (message, ..) = refused(&with(request("Hello"), named)).await;
    assert_eq!(message, "Tool choice 'x' not found in 'tools' parameter.");
}

#[tokio::test]
async fn calls_and_results_must_pair() {
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let called = |ids: &[&str]| json!({"role": "assistant", "tool_calls": ids.iter().map(|id| call(id)).collect::<Vec<_>>()});
    let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "x"});
    let talk = |messages: Vec<Value>| {
        let mut request = request("go");
        request["messages"].as_array_mut().unwrap().extend(messages);
        request
    };
    let cases = [
        (
            talk(vec![called(&["a", "b"]), result("b")]),
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: a",
            "messages[1]",
        ),
        (
            talk(vec![result("a")]),
            "Invalid parameter: messages with role 'tool' must be a response",
            "messages[1].role",
        ),
        (
            talk(vec![called(&["a"]), result("x")]),
            "Invalid parameter: 'tool_call_id' of 'x' not found",
            "messages[2].tool_call_id",
        ),
        (
            talk(vec![json!({"role": "assistant"})]),
            "Invalid value for 'messages[1].content': expected a string, got null.",
            "messages[1].content",
        ),
        (
            talk(vec![
                called(&["a"]),
                json!({"role": "tool", "tool_call_id": "a", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}),
            ]),
            "Invalid 'messages[2]'. Image URLs are only allowed for messages with role 'user'",
            "messages[2].content[0]",
        ),
    ];
    for (request, expected, param) in cases {
        let (message, told, _) = refused(&request).await;
        assert!(
            message.as_str().unwrap().starts_with(expected),
            "{message} does not begin with {expected:?}"
        );
        assert_eq!(told, param);
    }
}

#[tokio::test]
async fn vendors_ignore_what_they_do_not_know_and_refuse_what_they_cannot() {
    assert_eq!(ask(&with(request("Hello"), json!({"model": "qwen3-max", "surprise": 1}))).await.0, 200);
    let mut image = with(request("Hello"), json!({"model": "deepseek-chat"}));
    image["messages"][0]["content"] = json!([{"type": "image_url", "image_url": {"url": "https://x"}}]);
    let (message, ..) = refused(&image).await;
    assert!(message.as_str().unwrap().contains("unknown variant `image_url`"), "{message}");
    let forced = json!({"model": "sandbox-reasoner", "tools": tools(), "tool_choice": "required"});
    let (message, ..) = refused(&with(request("Hello"), forced)).await;
    assert_eq!(message, "Thinking mode does not support this tool_choice");
}

#[tokio::test]
async fn unknown_models_are_not_found() {
    for model in ["mystery", "", "sandbox-cut-x"] {
        let (status, answer) = ask(&with(request("Hello"), json!({"model": model}))).await;
        assert_eq!((status, &answer["error"]["code"]), (404, &json!("model_not_found")), "{model}");
    }
}
