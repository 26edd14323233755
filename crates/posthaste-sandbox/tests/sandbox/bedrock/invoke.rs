//! InvokeModel with Anthropic's bodies.

use base64::{Engine, engine::general_purpose::STANDARD};
use posthaste_sandbox::Sandbox;
use serde_json::{Value, json};

use super::{bytes, framing::messages, path};
use crate::{
    asking::{self, ask_at, with},
    assembling,
};

/// Anthropic's request without model and stream.
fn request(text: &str) -> Value {
    let mut request = with(asking::request(text), json!({"anthropic_version": "bedrock-2023-05-31"}));
    request.as_object_mut().expect("an object").remove("model");
    request
}

#[tokio::test]
async fn the_models_own_events_travel_inside() {
    let asked = with(
        request("Call get_weather"),
        json!({"tools": asking::tools(), "thinking": {"type": "adaptive"}}),
    );
    let (status, whole) = ask_at(&Sandbox::default(), &path("invoke"), &asked).await;
    assert_eq!(status, 200, "{whole}");
    assert!(whole["id"].as_str().unwrap().starts_with("msg_bdrk_01"));
    assert!(whole["content"][2]["id"].as_str().unwrap().starts_with("toolu_bdrk_01"));

    let stream = bytes(&path("invoke-with-response-stream"), &asked).await;
    let mut text = String::new();
    let mut last = Value::Null;
    for message in messages(&stream) {
        assert_eq!((message.kind.as_str(), message.name.as_str()), ("event", "chunk"));
        let inner = STANDARD.decode(message.payload["bytes"].as_str().expect("base64")).expect("base64");
        let inner = String::from_utf8(inner).expect("UTF-8");
        text += &format!("data: {inner}\n");
        last = serde_json::from_str(&inner).expect("JSON");
    }
    assert_eq!(assembling::assembled(&text), whole);
    assert_eq!(last["type"], "message_stop");
    let metrics = &last["amazon-bedrock-invocationMetrics"];
    assert_eq!(metrics["outputTokenCount"], whole["usage"]["output_tokens"]);
}

#[tokio::test]
async fn bodies_are_the_services_and_not_anthropics() {
    let cases = [
        (json!({"model": "claude-haiku-4-5"}), "model: Extra inputs are not permitted"),
        (json!({"stream": true}), "stream: Extra inputs are not permitted"),
        (json!({"surprise": 1}), "surprise: Extra inputs are not permitted"),
        (json!({"anthropic_version": "latest"}), "anthropic_version: Input should be 'bedrock-2023-05-31'"),
        (json!({"max_tokens": null}), "max_tokens: Field required"),
    ];
    for (fields, expected) in cases {
        let (status, refused) =
            ask_at(&Sandbox::default(), &path("invoke"), &with(request("Hello"), fields)).await;
        assert_eq!((status, &refused["message"]), (400, &json!(expected)));
    }
}

#[tokio::test]
async fn bodies_are_counted() {
    let body = STANDARD.encode(request("Hello").to_string());
    let asked = json!({"input": {"invokeModel": {"body": body}}});
    let (_, counted) = ask_at(&Sandbox::default(), &path("count-tokens"), &asked).await;
    assert_eq!(counted, json!({"inputTokens": 2}));
}
