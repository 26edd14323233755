//! What the sandbox answers, and that a stream says the same as a whole answer.

use posthaste_sandbox::Sandbox;
use serde_json::{Value, json};

use super::{PATH, answer, ask, assembling::assembled, request, said, stream, thinking, tools};
use crate::asking::{ask_at, with};

#[tokio::test]
async fn an_echo_as_json() {
    let (_, answer) = ask(&request("Hello")).await;
    insta::assert_snapshot!(serde_json::to_string_pretty(&answer).unwrap());
}

#[tokio::test]
async fn thinking_and_a_call_as_events() {
    insta::assert_snapshot!(stream(&thinking("Call get_weather")).await);
}

#[tokio::test]
async fn a_stream_says_the_same_as_a_whole_answer() {
    let custom = json!({"tools": [{"type": "custom", "name": "shell"}]});
    let cases = [
        request("Hello"),
        request("Count to 200"),
        thinking("Call get_weather and get_time"),
        with(thinking("Hello"), json!({"reasoning": {"effort": "low"}})),
        with(request("Call shell"), custom),
        with(request("Count to 90"), json!({"max_output_tokens": 16})),
        with(request("Hello"), json!({"model": "sandbox-reasoner"})),
        with(request("Hello"), json!({"client_metadata": {"origin": "Codex"}})),
        with(thinking("Call get_weather"), json!({"max_output_tokens": 35})),
        request("ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL_1FAEFB6177B4672DEE07F9D3AFC62588"),
    ];
    for request in cases {
        let (status, whole) = ask(&request).await;
        assert_eq!(status, 200, "{whole}");
        let (response, items) = assembled(&stream(&request).await);
        assert_eq!(response, whole, "{request}");
        assert_eq!(Value::from(items), whole["output"], "{request}");
    }
}

#[tokio::test]
async fn answers_end_where_the_request_says() {
    let (_, answer) = ask(&with(request("Count to 90"), json!({"max_output_tokens": 16}))).await;
    assert_eq!(answer["status"], "incomplete");
    assert_eq!(answer["incomplete_details"], json!({"reason": "max_output_tokens"}));
    assert_eq!(answer["output"][0]["status"], "incomplete");
    assert_eq!(answer["usage"]["output_tokens"], 16);
}

#[tokio::test]
async fn a_refusal_is_a_part_of_its_own() {
    let (_, answer) = ask(&request("ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL_1FAEFB6177B4672")).await;
    assert_eq!(answer["output"][0]["content"][0]["type"], "refusal");
    assert_eq!(answer["status"], "completed");
}

#[tokio::test]
async fn tool_choice_is_obeyed() {
    let names = async |text: &str, fields: Value| {
        let (status, answer) = ask(&with(with(request(text), json!({"tools": tools()})), fields)).await;
        assert_eq!(status, 200, "{answer}");
        let items = answer["output"].as_array().unwrap().clone();
        items.iter().filter_map(|item| item["name"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert!(names("hi", json!({"tool_choice": "auto"})).await.is_empty());
    assert!(names("get_time", json!({"tool_choice": "none"})).await.is_empty());
    assert_eq!(names("hi", json!({"tool_choice": "required"})).await, ["get_weather"]);
    assert_eq!(
        names("hi", json!({"tool_choice": {"type": "function", "name": "get_time"}})).await,
        ["get_time"]
    );
    assert_eq!(names("get_time get_weather", json!({})).await, ["get_time", "get_weather"]);
    assert_eq!(names("get_time get_weather", json!({"parallel_tool_calls": false})).await, ["get_time"]);
    let allowed = json!({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "get_time"}]});
    assert_eq!(names("hi", json!({"tool_choice": allowed})).await, ["get_time"]);
}

#[tokio::test]
async fn a_talk_with_tools_and_thoughts_goes_round() {
    let sandbox = Sandbox::default();
    let mut asked = thinking("Call get_time and get_weather");
    let called = answer(&sandbox, &asked).await;
    let kinds: Vec<_> =
        called["output"].as_array().unwrap().iter().map(|item| item["type"].clone()).collect();
    assert_eq!(kinds, ["reasoning", "message", "function_call", "function_call"]);
    assert!(called["output"][0]["summary"][0]["text"].as_str().unwrap().starts_with("The user wrote"));
    assert!(called["usage"]["output_tokens_details"]["reasoning_tokens"].as_u64().unwrap() > 0);
    let input = asked["input"].as_array_mut().unwrap();
    input.extend(called["output"].as_array().unwrap().clone());
    for (index, output) in [(2, json!("12:00")), (3, json!([{"type": "input_text", "text": "sunny"}]))] {
        let call = &called["output"][index]["call_id"];
        input.push(json!({"type": "function_call_output", "call_id": call, "output": output}));
    }
    let told = answer(&sandbox, &asked).await;
    assert_eq!(said(&told), "The tool `get_time` says: 12:00\nThe tool `get_weather` says: sunny");
}

#[tokio::test]
async fn formats_are_kept() {
    let schema = json!({
        "type": "object",
        "properties": {"day": {"type": "string", "format": "date"}},
        "required": ["day"],
        "additionalProperties": false,
    });
    let format = json!({"format": {"type": "json_schema", "name": "when", "schema": schema, "strict": true}});
    let (_, answer) = ask(&with(request("When?"), json!({"text": format}))).await;
    assert_eq!(said(&answer), r#"{"day":"2026-01-01"}"#);
    assert_eq!(answer["text"]["format"]["name"], "when");
    let any = with(request("JSON please"), json!({"text": {"format": {"type": "json_object"}}}));
    let (_, answer) = ask(&any).await;
    assert!(serde_json::from_str::<Value>(said(&answer)).unwrap()["answer"].is_string());
}

#[tokio::test]
async fn tokens_are_counted_as_they_are_used() {
    let request = with(request("Hello"), json!({"instructions": "Be kind.", "tools": tools()}));
    let (_, counted) = ask_at(&Sandbox::default(), "/v1/responses/input_tokens", &request).await;
    assert_eq!(counted["object"], "response.input_tokens");
    assert_eq!(
        counted["input_tokens"],
        ask_at(&Sandbox::default(), PATH, &request).await.1["usage"]["input_tokens"]
    );
}
