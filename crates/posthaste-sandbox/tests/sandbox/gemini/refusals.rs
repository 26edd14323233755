//! What the sandbox refuses, and what it says then.

use posthaste_sandbox::Sandbox;
use serde_json::{Value, json};

use super::{OLDER, ask, path, request, tools};
use crate::asking::{ask_at, changed, post, text, with};

async fn refused(request: &Value) -> String {
    let (status, answer) = ask(OLDER, request).await;
    assert_eq!(status, 400, "{answer}");
    assert_eq!(
        (&answer["error"]["code"], &answer["error"]["status"]),
        (&json!(400), &json!("INVALID_ARGUMENT"))
    );
    answer["error"]["message"].as_str().expect("a message").to_owned()
}

#[tokio::test]
async fn fields_are_checked_and_named() {
    let hello = || request("Hello");
    let config = |config: Value| with(request("Hello"), json!({"generationConfig": config}));
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "exclusiveMinimum": 0}}});
    let declared =
        |fields: Value| with(request("Hello"), json!({"tools": [{"functionDeclarations": [fields]}]}));
    let mode = |mode: Value| {
        with(request("Hello"), json!({"tools": tools(), "toolConfig": {"functionCallingConfig": mode}}))
    };
    let cases = [
        (
            with(hello(), json!({"surprise": 1})),
            "Invalid JSON payload received. Unknown name \"surprise\": Cannot find field.",
        ),
        (json!({}), "* GenerateContentRequest.contents: contents is not specified"),
        (json!({"contents": []}), "* GenerateContentRequest.contents: contents is not specified"),
        (changed(hello(), "/contents/0/role", json!("assistant")), "Please use a valid role: user, model."),
        (
            changed(hello(), "/contents/0/parts", json!([])),
            "* GenerateContentRequest.contents[0].parts: contents.parts must not be empty.",
        ),
        (
            changed(hello(), "/contents/0/parts/0", json!({})),
            "* GenerateContentRequest.contents[0].parts[0].data: required oneof field 'data'",
        ),
        (
            changed(hello(), "/contents/0/parts/0/text", json!(7)),
            "Invalid value at 'contents[0].parts[0].text' (TYPE_STRING), 7",
        ),
        (
            changed(hello(), "/contents/0/parts/0", json!({"video": 1})),
            "Invalid JSON payload received. Unknown name \"video\" at 'contents[0].parts[0]': Cannot find field.",
        ),
        (
            config(json!({"maxOutputTokens": "many"})),
            "Invalid value at 'generation_config.max_output_tokens' (TYPE_INT32), \"many\"",
        ),
        (
            config(json!({"stopSequences": ["a", "b", "c", "d", "e", "f"]})),
            "* GenerateContentRequest.generation_config.stop_sequences",
        ),
        (
            config(json!({"responseSchema": {"type": "object"}})),
            "Response schema requires a response mime type",
        ),
        (
            config(json!({"responseMimeType": "application/json", "responseSchema": schema})),
            "Invalid JSON payload received. Unknown name \"exclusiveMinimum\" at 'generation_config.response_schema.properties.n'",
        ),
        (
            config(json!({"thinkingConfig": {"thinkingLevel": "LOW"}})),
            "Thinking level is not supported for this model.",
        ),
        (
            declared(json!({"name": "f", "parameters": {"type": "object", "$schema": "x"}})),
            "Invalid JSON payload received. Unknown name \"$schema\" at 'tools[0].function_declarations[0].parameters'",
        ),
        (
            declared(json!({"name": "f", "parameters": {"type": ["string", "null"]}})),
            "Invalid value at 'tools[0].function_declarations[0].parameters.type'",
        ),
        (
            declared(json!({"name": "7f"})),
            "* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name.",
        ),
        (mode(json!({"mode": "SOME"})), "Invalid value at 'tool_config.function_calling_config.mode'"),
        (
            mode(json!({"mode": "AUTO", "allowedFunctionNames": ["get_time"]})),
            "Allowed function names can only be set",
        ),
        (mode(json!({"mode": "ANY", "allowedFunctionNames": ["x"]})), "Allowed function name x is not in"),
        (
            with(config(json!({"responseMimeType": "application/json"})), json!({"tools": tools()})),
            "Function calling with a response mime type",
        ),
    ];
    for (request, expected) in cases {
        let message = refused(&request).await;
        assert!(message.starts_with(expected), "{message:?} does not begin with {expected:?}");
    }
    // Real JSON Schema has its own field.
    let real = declared(json!({"name": "f", "parametersJsonSchema": {"type": "object", "$schema": "x"}}));
    assert_eq!(ask(OLDER, &real).await.0, 200);
}

#[tokio::test]
async fn calls_and_responses_must_pair() {
    let call = json!({"functionCall": {"name": "f", "args": {}}});
    let response = json!({"functionResponse": {"name": "f", "response": {"output": "x"}}});
    let turn = |role: &str, parts: &[&Value]| json!({"role": role, "parts": parts});
    let talk = |turns: Vec<Value>| {
        let mut request = request("go");
        request["contents"].as_array_mut().unwrap().extend(turns);
        request
    };
    let cases = [
        (
            talk(vec![turn("model", &[&call, &call]), turn("user", &[&response])]),
            "Please ensure that the number of function response parts",
        ),
        (talk(vec![turn("user", &[&response])]), "Please ensure that function response turn comes"),
        (
            json!({"contents": [turn("model", &[&call]), turn("user", &[&response])]}),
            "Please ensure that function call turn comes",
        ),
    ];
    for (request, expected) in cases {
        let message = refused(&request).await;
        assert!(message.starts_with(expected), "{message:?} does not begin with {expected:?}");
    }
}

#[tokio::test]
async fn errors_of_an_array_stand_in_an_array() {
    let path = path("mystery", "streamGenerateContent");
    let response = post(&Sandbox::default(), &path, &request("Hello")).await;
    assert_eq!(response.status(), 404);
    let array: Vec<Value> = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(array[0]["error"]["status"], "NOT_FOUND");
}

#[tokio::test]
async fn waits_are_told_in_the_body_and_wrong_keys_are_invalid_arguments() {
    let sandbox = Sandbox::default();
    let path = |model: &str| path(model, "generateContent");
    let response = post(&sandbox, &path("sandbox-429-retry-after-7"), &request("Hello")).await;
    assert!(!response.headers().contains_key("retry-after"));
    let limited: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(limited["error"]["details"][1]["retryDelay"], "7s");
    let (status, key) = ask_at(&sandbox, &path("sandbox-401"), &request("Hello")).await;
    assert_eq!((status, &key["error"]["details"][0]["reason"]), (400, &json!("API_KEY_INVALID")));
    let wrapped = json!({"model": "sandbox-401", "request": request("Hello")});
    let (status, person) = ask_at(&sandbox, "/v1internal:generateContent", &wrapped).await;
    assert_eq!((status, &person["error"]["status"]), (401, &json!("UNAUTHENTICATED")));
}
