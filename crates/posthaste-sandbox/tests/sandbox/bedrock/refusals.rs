//! What Converse refuses, and what it says then.

use posthaste_sandbox::Sandbox;
use serde_json::{Value, json};

use super::{ask, framing::messages, path, request, tools};
use crate::asking::{changed, post, with};

async fn refused(request: &Value) -> (String, String) {
    let response = post(&Sandbox::default(), &path("converse"), request).await;
    assert_eq!(response.status(), 400);
    let kind = response.headers()["x-amzn-errortype"].to_str().expect("a name").to_owned();
    let id = response.headers()["x-amzn-requestid"].to_str().expect("an id");
    assert_eq!(id.len(), 36);
    let (_, answer) = ask(request).await;
    (kind, answer["message"].as_str().expect("a message").to_owned())
}

#[tokio::test]
async fn fields_are_checked_and_named() {
    let hello = || request("Hello");
    let block = |block: Value| changed(request("Hello"), "/messages/0/content/0", block);
    let tool = |pointer: &str, value: Value| {
        with(request("Hello"), json!({"toolConfig": changed(tools(), pointer, value)}))
    };
    let points = vec![json!({"cachePoint": {"type": "default"}}); 5];
    let cases = [
        (
            with(hello(), json!({"surprise": 1})),
            "The model returned the following errors: #: extraneous key [surprise] is not permitted",
        ),
        (
            json!({}),
            "1 validation error detected: Value at 'messages' failed to satisfy constraint: Member must not be null",
        ),
        (json!({"messages": []}), "A conversation must start with a user message."),
        (
            changed(hello(), "/messages/0/role", json!("tool")),
            "1 validation error detected: Value 'tool' at 'messages.1.member.role' failed to satisfy constraint: Member must satisfy enum value set: [user, assistant, system]",
        ),
        (
            changed(hello(), "/messages/0/content", json!([])),
            "The content field in the Message object at messages.0 is empty.",
        ),
        (
            block(json!({"text": " "})),
            "The text field in the ContentBlock object at messages.0.content.0 is blank.",
        ),
        (
            block(json!({"text": "a", "json": {}})),
            "1 validation error detected: Value at 'messages.1.member.content.1.member' failed to satisfy constraint: Exactly one",
        ),
        (
            block(json!({"image": {"format": "bmp", "source": {"bytes": "aa"}}})),
            "1 validation error detected: Value 'bmp' at",
        ),
        (
            block(json!({"document": {"format": "pdf", "name": "a.pdf", "source": {"bytes": "aa"}}})),
            "The document file name can only contain",
        ),
        (
            block(json!({"document": {"format": "pdf", "name": "a", "source": {"bytes": "aa"}}})),
            "The model returned the following errors: A text block is required when a document",
        ),
        (
            with(hello(), json!({"inferenceConfig": {"maxTokens": 0}})),
            "1 validation error detected: Value '0' at 'inferenceConfig.maxTokens' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        (
            with(hello(), json!({"inferenceConfig": {"topK": 1}})),
            "The model returned the following errors: #/inferenceConfig: extraneous key [topK]",
        ),
        (
            with(hello(), json!({"toolConfig": {"tools": []}})),
            "1 validation error detected: Value '[]' at 'toolConfig.tools'",
        ),
        (
            tool("/tools/0/toolSpec/name", json!("get weather")),
            "1 validation error detected: Value 'get weather' at 'toolConfig.tools.1.member.toolSpec.name'",
        ),
        (
            tool("/tools/0/toolSpec/name", json!("get_time")),
            "The toolConfig.tools field contains duplicate tool names: get_time.",
        ),
        (
            tool("/tools/0/toolSpec/inputSchema/json", json!({})),
            "The value at toolConfig.tools.1.toolSpec.inputSchema.json.type must be one of the following: object.",
        ),
        (
            with(hello(), json!({"system": points})),
            "The model returned the following errors: A maximum of 4 blocks with cache_control",
        ),
        (
            with(hello(), json!({"toolConfig": with(tools(), json!({"toolChoice": {"none": {}}}))})),
            "The model returned the following errors: #/toolConfig/toolChoice: extraneous key [none]",
        ),
        (
            with(
                hello(),
                json!({"additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2000}}, "inferenceConfig": {"maxTokens": 2000}}),
            ),
            "The model returned the following errors: `max_tokens` must be greater",
        ),
    ];
    for (request, expected) in cases {
        let (kind, message) = refused(&request).await;
        assert_eq!(kind, "ValidationException");
        assert!(message.starts_with(expected), "{message:?} does not begin with {expected:?}");
    }
    let (kind, message) = refused(&json!({"messages": "hi"})).await;
    assert_eq!(
        (kind.as_str(), message.as_str()),
        ("SerializationException", "STRING_VALUE can not be converted to a List")
    );
}

#[tokio::test]
async fn turns_alternate_and_calls_and_results_pair() {
    let call = |id: &str| json!({"toolUse": {"toolUseId": id, "name": "get_time", "input": {}}});
    let result = |id: &str| json!({"toolResult": {"toolUseId": id, "content": [{"text": "12:00"}]}});
    let talk = |calls: Vec<Value>, results: Vec<Value>| {
        let mut request = with(request("go"), json!({"toolConfig": tools()}));
        let turns =
            [json!({"role": "assistant", "content": calls}), json!({"role": "user", "content": results})];
        request["messages"].as_array_mut().unwrap().extend(turns);
        request
    };
    let mut twice = request("go");
    twice["messages"].as_array_mut().unwrap().push(json!({"role": "user", "content": [{"text": "go"}]}));
    let mut without = talk(vec![call("a")], vec![result("a")]);
    assert_eq!(ask(&without).await.0, 200);
    without.as_object_mut().unwrap().remove("toolConfig");
    let cases = [
        (twice, "A conversation must alternate between user and assistant roles."),
        (
            talk(vec![call("a"), call("b")], vec![result("a")]),
            "Expected toolResult blocks at messages.2.content for the following Ids: b",
        ),
        (
            talk(vec![call("a")], vec![result("a"), result("x")]),
            "The number of toolResult blocks at messages.2.content exceeds",
        ),
        (without, "The toolConfig field must be defined when using toolUse and toolResult content blocks."),
    ];
    for (request, expected) in cases {
        let (_, message) = refused(&request).await;
        assert!(message.starts_with(expected), "{message:?} does not begin with {expected:?}");
    }
}

#[tokio::test]
async fn errors_in_a_stream_are_exceptions() {
    use http_body_util::BodyExt;
    let response =
        post(&Sandbox::default(), "/model/sandbox-error-middle/converse-stream", &request("Hello")).await;
    let stream = response.into_body().collect().await.unwrap().to_bytes();
    let messages = messages(&stream);
    let last = messages.last().unwrap();
    assert_eq!((last.kind.as_str(), last.name.as_str()), ("exception", "serviceUnavailableException"));
    assert!(messages.iter().filter(|message| message.name == "contentBlockDelta").count() > 1);
    assert!(!messages.iter().any(|message| message.name == "messageStop"));
}

#[tokio::test]
async fn the_kind_of_an_error_stands_in_a_header() {
    for (model, status, kind) in [
        ("sandbox-401", 403, "UnrecognizedClientException"),
        ("sandbox-403", 403, "AccessDeniedException"),
        ("sandbox-429-retry-after-7", 429, "ThrottlingException"),
        ("sandbox-504", 408, "ModelTimeoutException"),
        ("sandbox-529", 503, "ServiceUnavailableException"),
    ] {
        let response =
            post(&Sandbox::default(), &format!("/model/{model}/converse"), &request("Hello")).await;
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers()["x-amzn-errortype"], kind);
        assert!(!response.headers().contains_key("retry-after"));
    }
}
