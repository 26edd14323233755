//! What Converse answers, and that a stream says the same as a whole answer.

use posthaste_sandbox::Sandbox;
use serde_json::{Value, json};

use super::{
    MODEL, ask, bytes, content,
    framing::{Message, messages},
    path, request, tools,
};
use crate::asking::{ask_at, with};

fn thinking(text: &str) -> Value {
    let fields = json!({"thinking": {"type": "enabled", "budget_tokens": 1024}});
    let config = json!({"maxTokens": 4096});
    with(
        request(text),
        json!({"toolConfig": tools(), "additionalModelRequestFields": fields, "inferenceConfig": config}),
    )
}

/// The answer that a stream tells.
fn assembled(messages: &[Message]) -> Value {
    let mut blocks: Vec<Value> = Vec::new();
    let mut answer = json!({"output": {"message": {}}});
    for message in messages {
        assert_eq!(message.kind, "event");
        let event = &message.payload;
        assert!(event["p"].is_string());
        match message.name.as_str() {
            "messageStart" => answer["output"]["message"]["role"] = event["role"].clone(),
            "contentBlockStart" => {
                assert_eq!(event["contentBlockIndex"], blocks.len());
                blocks.push(event["start"].clone());
                blocks.last_mut().expect("just pushed")["toolUse"]["input"] = json!("");
            }
            "contentBlockDelta" => {
                let index =
                    usize::try_from(event["contentBlockIndex"].as_u64().expect("an index")).expect("small");
                if index == blocks.len() {
                    // Texts and thoughts begin with their first piece.
                    blocks.push(json!({}));
                }
                apply(&mut blocks[index], &event["delta"]);
            }
            "contentBlockStop" => finish(blocks.last_mut().expect("a block")),
            "messageStop" => {
                answer["stopReason"] = event["stopReason"].clone();
                if !event["additionalModelResponseFields"].is_null() {
                    answer["additionalModelResponseFields"] = event["additionalModelResponseFields"].clone();
                }
            }
            "metadata" => {
                answer["usage"] = event["usage"].clone();
                answer["metrics"] = event["metrics"].clone();
            }
            other => panic!("unknown event {other}"),
        }
    }
    answer["output"]["message"]["content"] = blocks.into();
    answer
}

fn apply(block: &mut Value, delta: &Value) {
    let reasoning = &delta["reasoningContent"];
    let (pointer, more) = if delta["text"].is_string() {
        (["text", ""], &delta["text"])
    } else if delta["toolUse"].is_object() {
        (["toolUse", "input"], &delta["toolUse"]["input"])
    } else if reasoning["redactedContent"].is_string() {
        block["reasoningContent"] = reasoning.clone();
        return;
    } else {
        let field = if reasoning["text"].is_string() { "text" } else { "signature" };
        let told = &reasoning[field];
        let text = block["reasoningContent"]["reasoningText"][field].as_str().unwrap_or_default().to_owned();
        let told = text + told.as_str().expect("a text");
        block["reasoningContent"]["reasoningText"][field] = json!(told);
        return;
    };
    let place =
        if pointer[1].is_empty() { &mut block[pointer[0]] } else { &mut block[pointer[0]][pointer[1]] };
    let joined = place.as_str().unwrap_or_default().to_owned() + more.as_str().expect("a text");
    *place = json!(joined);
}

fn finish(block: &mut Value) {
    if let Some(input) = block["toolUse"]["input"].as_str() {
        // Arguments that the greatest number of tokens cut off are no JSON.
        block["toolUse"]["input"] = serde_json::from_str(input).unwrap_or(json!({}));
    }
    let fields = block.as_object_mut().expect("a block");
    fields.retain(|_, value| !value.is_null());
}

#[tokio::test]
async fn an_echo_as_json() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&ask(&request("Hello")).await.1).unwrap());
}

#[tokio::test]
async fn a_stream_says_the_same_as_a_whole_answer() {
    let stop = json!({
        "inferenceConfig": {"stopSequences": ["word"]},
        "additionalModelResponseFieldPaths": ["/stop_sequence"],
    });
    let adaptive = json!({"additionalModelRequestFields": {"thinking": {"type": "adaptive"}}});
    let cases = [
        request("Hello"),
        request("Count to 200"),
        thinking("Call get_weather and get_time"),
        with(request("ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING_46"), adaptive),
        with(request("Hello"), json!({"inferenceConfig": {"maxTokens": 5}})),
        with(
            request("Call get_weather"),
            json!({"toolConfig": tools(), "inferenceConfig": {"maxTokens": 10}}),
        ),
        with(request("Hello"), stop),
        request("ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL_1FAEFB6177B4672DEE07F9D3AFC62588"),
    ];
    for request in cases {
        let (status, whole) = ask(&request).await;
        assert_eq!(status, 200, "{whole}");
        let stream = bytes(&path("converse-stream"), &request).await;
        assert_eq!(assembled(&messages(&stream)), whole, "{request}");
    }
}

#[tokio::test]
async fn tool_choice_is_obeyed() {
    let names = async |text: &str, choice: Value| {
        let config = with(tools(), json!({"toolChoice": choice}));
        let content = content(&with(request(text), json!({"toolConfig": config}))).await;
        let blocks = content.as_array().unwrap().clone();
        blocks
            .iter()
            .filter_map(|block| block["toolUse"]["name"].as_str().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert!(names("hi", json!({"auto": {}})).await.is_empty());
    assert_eq!(names("hi", json!({"any": {}})).await, ["get_weather"]);
    assert_eq!(names("hi", json!({"tool": {"name": "get_time"}})).await, ["get_time"]);
    assert_eq!(names("get_time get_weather", json!({"auto": {}})).await, ["get_time", "get_weather"]);
}

#[tokio::test]
async fn a_talk_with_tools_and_thinking_goes_round() {
    let mut asked = thinking("Call get_time and get_weather");
    let called = content(&asked).await;
    assert!(called[0]["reasoningContent"]["reasoningText"]["signature"].is_string());
    let result = |index: usize, content: Value, status: &str| json!({"toolResult": {"toolUseId": called[index]["toolUse"]["toolUseId"], "content": [content], "status": status}});
    let results =
        [result(2, json!({"json": {"hour": 12}}), "success"), result(3, json!({"text": "rain"}), "error")];
    let turns =
        [json!({"role": "assistant", "content": called}), json!({"role": "user", "content": results})];
    asked["messages"].as_array_mut().unwrap().extend(turns);
    let told = content(&asked).await;
    assert_eq!(
        told[1]["text"],
        "The tool `get_time` says: {\"hour\":12}\nThe tool `get_weather` failed: rain"
    );

    asked["messages"][1]["content"][0]["reasoningContent"]["reasoningText"]["text"] = json!("other thoughts");
    let (status, refused) = ask(&asked).await;
    let expected = "The model returned the following errors: messages.1.content.0: Invalid `signature` in `thinking` block";
    assert_eq!((status, &refused["message"]), (400, &json!(expected)));
}

#[tokio::test]
async fn a_marked_prompt_is_written_once_and_read_then() {
    let sandbox = Sandbox::default();
    let system = json!([{"text": "0123456789ab"}, {"cachePoint": {"type": "default", "ttl": "1h"}}]);
    let mut asked = with(request("abcd"), json!({"system": system}));
    asked["messages"][0]["content"].as_array_mut().unwrap().push(json!({"cachePoint": {"type": "default"}}));
    let usage = async |request: &Value| {
        let usage = ask_at(&sandbox, &path("converse"), request).await.1["usage"].clone();
        let names =
            ["inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens", "outputTokens", "totalTokens"];
        let [input, read, write, output, total] = names.map(|name| usage[name].as_u64().unwrap());
        assert_eq!(total, input + read + write + output);
        ([input, read, write], usage["cacheDetails"].clone())
    };
    let written = json!([{"inputTokens": 1, "ttl": "5m"}, {"inputTokens": 3, "ttl": "1h"}]);
    assert_eq!(usage(&asked).await, ([0, 0, 4], written));
    assert_eq!(usage(&asked).await, ([0, 4, 0], Value::Null));
}

#[tokio::test]
async fn structured_output_fits_its_schema() {
    let schema =
        json!({"type": "object", "properties": {"day": {"type": "string", "format": "date"}}}).to_string();
    let format =
        json!({"type": "json_schema", "structure": {"jsonSchema": {"schema": schema, "name": "when"}}});
    let asked = with(request("When?"), json!({"outputConfig": {"textFormat": format}}));
    assert_eq!(content(&asked).await[0]["text"], r#"{"day":"2026-01-01"}"#);
}

#[tokio::test]
async fn ids_may_be_encoded_in_whatever_way() {
    let sandbox = Sandbox::default();
    let arn = "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.anthropic.claude";
    for model in
        [MODEL, "us.anthropic.claude-haiku-4-5-20251001-v1:0", arn, "anthropic.claude-next", "sandbox-echo"]
    {
        let path = format!("/prefix/model/{model}/converse");
        assert_eq!(ask_at(&sandbox, &path, &request("Hello")).await.0, 200, "{model}");
    }
    for model in ["mystery", "%ff", "%zz", "sandbox-cut-x"] {
        let (status, refused) =
            ask_at(&sandbox, &format!("/model/{model}/converse"), &request("Hello")).await;
        assert!(matches!(status, 400 | 404) && refused["message"].is_string(), "{model}: {refused}");
    }
}

#[tokio::test]
async fn counted_and_used_tokens_agree() {
    let sandbox = Sandbox::default();
    let asked = with(request("Hello"), json!({"system": [{"text": "Be kind."}], "toolConfig": tools()}));
    let (status, counted) =
        ask_at(&sandbox, &path("count-tokens"), &json!({"input": {"converse": asked}})).await;
    assert_eq!(status, 200, "{counted}");
    assert_eq!(counted["inputTokens"], ask(&asked).await.1["usage"]["inputTokens"]);
}
