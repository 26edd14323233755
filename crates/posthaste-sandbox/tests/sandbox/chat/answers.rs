//! What the sandbox answers, and that a stream says the same as a whole answer.

use posthaste_sandbox::Sandbox;
use serde_json::{Value, json};

use super::{PATH, ask, assembling::assembled, message, request, stream, tools};
use crate::asking::{ask_at, with};

#[tokio::test]
async fn an_echo_as_json_and_as_chunks() {
    let (_, answer) = ask(&request("Hello")).await;
    insta::assert_snapshot!(answer);
    let usage = json!({"stream_options": {"include_usage": true}});
    insta::assert_snapshot!(stream(&with(request("Hi"), usage)).await);
}

#[tokio::test]
async fn a_stream_says_the_same_as_a_whole_answer() {
    let refusal = request("ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL_1FAEFB6177B4672DEE07F9D3AFC62588");
    let custom = json!([{"type": "custom", "custom": {"name": "shell"}}]);
    let cases = [
        request("Hello"),
        request("Count to 200"),
        with(request("Call get_weather and get_time"), json!({"tools": tools()})),
        with(request("Call shell"), json!({"tools": custom})),
        with(request("Hello"), json!({"n": 3})),
        with(request("Hello"), json!({"max_completion_tokens": 5})),
        with(request("Call get_weather"), json!({"tools": tools(), "max_tokens": 10})),
        with(request("Hello"), json!({"stop": "word"})),
        with(
            request("Call get_time"),
            json!({"model": "qwen3-max", "tools": tools(), "enable_thinking": true}),
        ),
        with(
            request("Call get_weather"),
            json!({"model": "glm-4.7", "tools": tools(), "thinking": {"type": "enabled"}}),
        ),
        with(request("Call get_time"), json!({"model": "sandbox-reasoner", "tools": tools()})),
        refusal,
    ];
    for request in cases {
        let (status, whole) = ask(&request).await;
        assert_eq!(status, 200, "{whole}");
        let mut asked = request.clone();
        asked["stream_options"] = json!({"include_usage": true});
        assert_eq!(assembled(&stream(&asked).await), whole, "{request}");
    }
}

#[tokio::test]
async fn usage_is_told_when_it_is_asked_for() {
    let silent = stream(&request("Hello")).await;
    assert!(!silent.contains("\"usage\""), "{silent}");
    let asked = with(request("Hello"), json!({"stream_options": {"include_usage": true}}));
    let told = stream(&asked).await;
    assert!(
        told.contains("\"usage\":null") && told.contains("\"choices\":[],\"usage\":{\"prompt_tokens\":2,"),
        "{told}"
    );
    // Vendors like DeepSeek tell it with the last choice, in any case.
    let reasoner = stream(&with(request("Hello"), json!({"model": "sandbox-reasoner"}))).await;
    assert!(reasoner.contains("\"finish_reason\":\"stop\"}],\"usage\":{"), "{reasoner}");
}

#[tokio::test]
async fn tool_choice_is_obeyed() {
    let names = async |text: &str, fields: Value| {
        let (status, answer) = ask(&with(with(request(text), json!({"tools": tools()})), fields)).await;
        assert_eq!(status, 200, "{answer}");
        let calls = answer["choices"][0]["message"]["tool_calls"].as_array().cloned().unwrap_or_default();
        let names = calls.iter().map(|call| call["function"]["name"].as_str().unwrap().to_owned());
        (names.collect::<Vec<_>>(), answer["choices"][0]["finish_reason"].as_str().unwrap().to_owned())
    };
    let told = |names: &[&str], finish: &str| {
        (names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), finish.to_owned())
    };
    assert_eq!(names("hi", json!({"tool_choice": "auto"})).await, told(&[], "stop"));
    assert_eq!(names("get_time", json!({"tool_choice": "none"})).await, told(&[], "stop"));
    assert_eq!(names("hi", json!({"tool_choice": "required"})).await, told(&["get_weather"], "tool_calls"));
    let named = json!({"tool_choice": {"type": "function", "function": {"name": "get_time"}}});
    assert_eq!(names("hi", named).await, told(&["get_time"], "stop"));
    let both = "get_time get_weather";
    assert_eq!(names(both, json!({})).await, told(&["get_time", "get_weather"], "tool_calls"));
    assert_eq!(names(both, json!({"parallel_tool_calls": false})).await, told(&["get_time"], "tool_calls"));
    let allowed =
        json!({"mode": "required", "tools": [{"type": "function", "function": {"name": "get_time"}}]});
    let allowed = json!({"tool_choice": {"type": "allowed_tools", "allowed_tools": allowed}});
    assert_eq!(names("hi", allowed).await, told(&["get_time"], "tool_calls"));
}

#[tokio::test]
async fn tool_results_are_told_back() {
    let mut asked = with(request("Call get_weather and get_time"), json!({"tools": tools()}));
    let called = message(&asked).await;
    assert_eq!(called["content"], "I will call `get_weather` and `get_time`.");
    assert_eq!(called["tool_calls"][0]["function"]["arguments"], r#"{"location":"example location"}"#);
    assert_eq!(called["tool_calls"][1]["function"]["arguments"], "{}");
    let messages = asked["messages"].as_array_mut().unwrap();
    messages.push(called.clone());
    for (call, result) in [(0, json!("sunny")), (1, json!([{"type": "text", "text": "12:00"}]))] {
        let id = &called["tool_calls"][call]["id"];
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": result}));
    }
    let told = message(&asked).await;
    assert_eq!(told["content"], "The tool `get_weather` says: sunny\nThe tool `get_time` says: 12:00");
}

#[tokio::test]
async fn formats_are_kept() {
    let schema = json!({
        "type": "object",
        "properties": {"day": {"type": "string", "format": "date"}},
        "required": ["day"],
        "additionalProperties": false,
    });
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "when", "schema": schema, "strict": true}});
    let told = message(&with(request("When?"), json!({"response_format": format}))).await;
    assert_eq!(told["content"], r#"{"day":"2026-01-01"}"#);
    let any = with(request("JSON please"), json!({"response_format": {"type": "json_object"}}));
    let told: Value = serde_json::from_str(message(&any).await["content"].as_str().unwrap()).unwrap();
    assert!(told["answer"].is_string());
}

#[tokio::test]
async fn system_and_developer_are_not_the_turn_that_is_answered() {
    let mut asked = request("Hello");
    let messages = asked["messages"].as_array_mut().unwrap();
    messages.insert(0, json!({"role": "developer", "content": "Be kind."}));
    messages.push(json!({"role": "system", "content": [{"type": "text", "text": "Be brief."}]}));
    let content = message(&asked).await["content"].clone();
    assert!(content.as_str().unwrap().starts_with("You said: “Hello”"), "{content}");
}

#[tokio::test]
async fn media_are_counted() {
    let mut asked = request("");
    asked["messages"][0]["content"] = json!([
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aaaa", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aaaa"}},
        {"type": "text", "text": "What is this?"},
    ]);
    let content = message(&asked).await["content"].clone();
    assert!(content.as_str().unwrap().contains("with 2 images and 1 document"), "{content}");
}

#[tokio::test]
async fn models_that_think_count_it_and_keep_it_to_themselves() {
    let reasoning = async |fields: Value| {
        let (status, answer) = ask(&with(request("Hello"), fields)).await;
        assert_eq!(status, 200, "{answer}");
        assert!(answer["choices"][0]["message"].get("reasoning_content").is_none());
        answer["usage"]["completion_tokens_details"]["reasoning_tokens"].as_u64().unwrap()
    };
    assert_eq!(reasoning(json!({})).await, 0);
    assert!(reasoning(json!({"model": "gpt-5.4"})).await > 0);
    assert_eq!(reasoning(json!({"model": "gpt-5.4", "reasoning_effort": "none"})).await, 0);
    assert!(reasoning(json!({"model": "sandbox-echo", "reasoning_effort": "low"})).await > 0);
}

#[tokio::test]
async fn a_reasoner_shows_its_thoughts_and_wants_them_back_in_a_tool_loop() {
    let mut asked = with(request("Call get_time"), json!({"model": "sandbox-reasoner-1", "tools": tools()}));
    let called = message(&asked).await;
    assert!(called["reasoning_content"].as_str().unwrap().starts_with("The user wrote"));
    let result = json!({"role": "tool", "tool_call_id": called["tool_calls"][0]["id"], "content": "12:00"});
    asked["messages"].as_array_mut().unwrap().extend([called, result]);
    assert_eq!(message(&asked).await["content"], "The tool `get_time` says: 12:00");

    asked["messages"][1]["reasoning_content"] = json!("");
    let (status, refused) = ask(&asked).await;
    assert_eq!(status, 400);
    let expected = "The reasoning_content in the thinking mode must be passed back to the API.";
    assert_eq!(refused["error"]["message"], expected);
    asked["thinking"] = json!({"type": "disabled"});
    assert_eq!(ask(&asked).await.0, 200);
}

#[tokio::test]
async fn long_prompts_are_cached_without_being_asked() {
    let sandbox = Sandbox::default();
    let cached = async |request: &Value| {
        let usage = ask_at(&sandbox, PATH, request).await.1["usage"].clone();
        [&usage["prompt_tokens"], &usage["prompt_tokens_details"]["cached_tokens"]]
            .map(|n| n.as_u64().unwrap())
    };
    let mut long = request(&"a".repeat(5_000));
    assert_eq!(cached(&long).await, [1_250, 0]);
    assert_eq!(cached(&long).await, [1_250, 1_250]);
    let more = [json!({"role": "assistant", "content": "1234"}), json!({"role": "user", "content": "1234"})];
    long["messages"].as_array_mut().unwrap().extend(more);
    assert_eq!(cached(&long).await, [1_252, 1_250]);
    assert_eq!(cached(&request("short")).await, [2, 0]);
    assert_eq!(cached(&request("short")).await, [2, 0]);
}
