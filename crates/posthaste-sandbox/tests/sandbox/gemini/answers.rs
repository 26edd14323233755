//! What the sandbox answers, and that a stream says the same as a whole answer.

use posthaste_sandbox::Sandbox;
use serde_json::{Value, json};

use super::{OLDER, SIGNING, ask, assembled, chunks, parts, path, request, tools};
use crate::asking::{ask_at, post, text, with};

fn thinking(text: &str) -> Value {
    with(
        request(text),
        json!({"tools": tools(), "generationConfig": {"thinkingConfig": {"includeThoughts": true}}}),
    )
}

#[tokio::test]
async fn an_echo_as_json() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&ask(OLDER, &request("Hello")).await.1).unwrap());
}

#[tokio::test]
async fn thinking_and_two_calls_as_events() {
    let path = path(SIGNING, "streamGenerateContent?alt=sse");
    let response = post(&Sandbox::default(), &path, &thinking("Call get_time and get_weather")).await;
    insta::assert_snapshot!(text(response).await.replace('\r', "<CR>"));
}

#[tokio::test]
async fn a_stream_says_the_same_as_a_whole_answer() {
    let cases = [
        request("Hello"),
        request("Count to 200"),
        thinking("Call get_weather and get_time"),
        thinking("Hello"),
        with(request("Hello"), json!({"generationConfig": {"maxOutputTokens": 30}})),
        with(request("Hello"), json!({"generationConfig": {"maxOutputTokens": 1}})),
        with(
            request("Call get_weather"),
            json!({"tools": tools(), "generationConfig": {"maxOutputTokens": 32}}),
        ),
        with(request("Hello"), json!({"generationConfig": {"stopSequences": ["word"]}})),
    ];
    for request in cases {
        for model in [OLDER, SIGNING, "sandbox-echo"] {
            let (status, whole) = ask(model, &request).await;
            assert_eq!(status, 200, "{whole}");
            assert_eq!(assembled(&chunks(model, &request).await), whole, "{model} {request}");
        }
    }
}

#[tokio::test]
async fn an_array_is_delivered_piece_by_piece() {
    let path = path(OLDER, "streamGenerateContent");
    let response = post(&Sandbox::default(), &path, &request("Hello")).await;
    assert_eq!(response.headers()["content-type"], "application/json; charset=UTF-8");
    let array: Vec<Value> = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(array, chunks(OLDER, &request("Hello")).await);
}

#[tokio::test]
async fn tool_choice_is_obeyed() {
    let names = async |text: &str, config: Value| {
        let fields = json!({"tools": tools(), "toolConfig": {"functionCallingConfig": config}});
        let parts = parts(OLDER, &with(request(text), fields)).await;
        let names = parts.iter().filter_map(|part| part["functionCall"]["name"].as_str().map(str::to_owned));
        names.collect::<Vec<_>>()
    };
    assert!(names("hi", json!({"mode": "AUTO"})).await.is_empty());
    assert!(names("get_time", json!({"mode": "NONE"})).await.is_empty());
    assert_eq!(names("hi", json!({"mode": "any"})).await, ["get_weather"]);
    assert_eq!(names("hi", json!({"mode": "ANY", "allowedFunctionNames": ["get_time"]})).await, ["get_time"]);
    assert_eq!(names("get_time get_weather", json!({})).await, ["get_time", "get_weather"]);
}

#[tokio::test]
async fn signed_calls_go_round_and_changed_ones_do_not() {
    let mut asked = with(request("Call get_time and get_weather"), json!({"tools": tools()}));
    let called = parts(SIGNING, &asked).await;
    assert!(called[1]["thoughtSignature"].is_string() && called[2].get("thoughtSignature").is_none());
    assert!(called[1]["functionCall"]["id"].is_string());
    let response = |name: &str, output: &str| json!({"functionResponse": {"name": name, "response": {"output": output}}});
    let contents = asked["contents"].as_array_mut().unwrap();
    contents.push(json!({"role": "model", "parts": called}));
    contents.push(
        json!({"role": "user", "parts": [response("get_time", "12:00"), response("get_weather", "sunny")]}),
    );
    // Ids are matched where they are given, names where they are not.
    contents[1]["parts"][1]["functionCall"].as_object_mut().unwrap().remove("id");
    contents[1]["parts"][2]["functionCall"].as_object_mut().unwrap().remove("id");
    let told = parts(SIGNING, &asked).await;
    assert_eq!(told[0]["text"], "The tool `get_time` says: 12:00\nThe tool `get_weather` says: sunny");
    assert!(told[0]["thoughtSignature"].is_string());

    let refused = async |asked: &Value| {
        let (status, answer) = ask(SIGNING, asked).await;
        assert_eq!((status, &answer["error"]["status"]), (400, &json!("INVALID_ARGUMENT")));
        answer["error"]["message"].as_str().unwrap().to_owned()
    };
    let signature = asked["contents"][1]["parts"][1]["thoughtSignature"].clone();
    asked["contents"][1]["parts"][1]["thoughtSignature"] = json!("Zm9yZ2Vk");
    assert_eq!(refused(&asked).await, "Corrupted thought signature.");
    asked["contents"][1]["parts"][1]["thoughtSignature"] = Value::Null;
    assert!(refused(&asked).await.starts_with("Function call is missing a thought_signature"));
    // Bytes may come in the other alphabet, as an SDK writes them.
    let for_urls = signature.as_str().unwrap().replace('+', "-").replace('/', "_");
    asked["contents"][1]["parts"][1]["thoughtSignature"] = json!(for_urls);
    assert_eq!(ask(SIGNING, &asked).await.0, 200);
    asked["contents"][1]["parts"][1]["thoughtSignature"] = Value::Null;
    // Models that do not sign do not ask.
    assert_eq!(ask(OLDER, &asked).await.0, 200);
    asked["contents"][1]["parts"][1]["thoughtSignature"] = json!("skip_thought_signature_validator");
    assert_eq!(ask(SIGNING, &asked).await.0, 200);
    // A signature belongs to its call.
    asked["contents"][1]["parts"][1]["thoughtSignature"] = signature;
    asked["contents"][1]["parts"][1]["functionCall"]["args"] = json!({"changed": true});
    assert_eq!(refused(&asked).await, "Corrupted thought signature.");
    // Older turns are not looked at.
    asked["contents"][1]["parts"][1]["thoughtSignature"] = Value::Null;
    let more =
        [json!({"role": "model", "parts": told}), json!({"role": "user", "parts": [{"text": "Thanks"}]})];
    asked["contents"].as_array_mut().unwrap().extend(more);
    assert_eq!(ask(SIGNING, &asked).await.0, 200);
}

#[tokio::test]
async fn thoughts_are_counted_apart_and_shown_when_asked_for() {
    let (_, answer) = ask(SIGNING, &thinking("Hello")).await;
    assert_eq!(answer["candidates"][0]["content"]["parts"][0]["thought"], true);
    let usage = &answer["usageMetadata"];
    let count = |name: &str| usage[name].as_u64().unwrap();
    assert!(count("thoughtsTokenCount") > 0);
    let sum = count("promptTokenCount") + count("candidatesTokenCount") + count("thoughtsTokenCount");
    assert_eq!(count("totalTokenCount"), sum);
    let hidden = parts(SIGNING, &request("Hello")).await;
    assert_eq!(hidden.len(), 1);
    let off = json!({"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}});
    let (_, answer) = ask(OLDER, &with(request("Hello"), off)).await;
    assert!(answer["usageMetadata"].get("thoughtsTokenCount").is_none());
}

#[tokio::test]
async fn formats_are_kept() {
    let day = json!({"type": "object", "properties": {"day": {"type": "string", "format": "date"}}});
    for field in ["responseSchema", "responseJsonSchema", "response_json_schema"] {
        let config = json!({"generationConfig": {"responseMimeType": "application/json", field: day}});
        assert_eq!(parts(OLDER, &with(request("When?"), config)).await[0]["text"], r#"{"day":"2026-01-01"}"#);
    }
}

#[tokio::test]
async fn a_refused_prompt_has_no_candidates() {
    let refused = request("ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL_1FAEFB6177B4672DEE07F9D3AFC62588");
    let (status, answer) = ask(OLDER, &refused).await;
    assert_eq!((status, answer.get("candidates")), (200, None));
    assert_eq!(answer["promptFeedback"]["blockReason"], "PROHIBITED_CONTENT");
    assert_eq!(chunks(OLDER, &refused).await, [answer]);
}

#[tokio::test]
async fn several_candidates_say_the_same() {
    let two = with(request("Hello"), json!({"generationConfig": {"candidateCount": 2}}));
    let (_, answer) = ask(OLDER, &two).await;
    assert_eq!(answer["candidates"].as_array().unwrap().len(), 2);
    assert_eq!(answer["candidates"][1]["index"], 1);
    assert_eq!(chunks(OLDER, &two).await.last().unwrap()["candidates"][0]["index"], 1);
}

#[tokio::test]
async fn code_assist_wraps_requests_and_answers() {
    let sandbox = Sandbox::default();
    let wrapped = json!({"model": OLDER, "project": "p", "user_prompt_id": "u", "request": request("Hello")});
    let (status, answer) = ask_at(&sandbox, "/v1internal:generateContent", &wrapped).await;
    assert_eq!(status, 200, "{answer}");
    let (_, mut plain) = ask(OLDER, &request("Hello")).await;
    assert_eq!(answer["traceId"], plain["responseId"]);
    plain.as_object_mut().unwrap().remove("responseId");
    assert_eq!(answer["response"], plain);
    let stream = text(post(&sandbox, "/v1internal:streamGenerateContent?alt=sse", &wrapped).await).await;
    assert!(
        stream
            .split_terminator("\r\n\r\n")
            .all(|block| block.starts_with("data: {\"response\":{\"candidates\":"))
    );

    let counted =
        json!({"request": {"model": format!("models/{OLDER}"), "contents": request("Hello")["contents"]}});
    let (_, counted) = ask_at(&sandbox, "/v1internal:countTokens", &counted).await;
    assert_eq!(counted, json!({"totalTokens": 2}));
    let (_, loaded) = ask_at(&sandbox, "/v1internal:loadCodeAssist", &json!({"metadata": {}})).await;
    assert_eq!(loaded["currentTier"]["id"], "free-tier");
}
