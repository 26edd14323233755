//! Clients of Chat that give `functions`: they know one call an answer, as `function_call`.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use posthaste_core::{Dialect, ModelName, Operation, Timestamp};
use posthaste_translate::{
    Ask, Forgetful, StreamTranslator, Target, TranslatedRequest, translate_request, translate_response,
};
use serde_json::{Value, json};
use uuid::Uuid;

const A: Dialect = Dialect::AnthropicMessages;
const C: Dialect = Dialect::OpenAiChat;

fn question(tools: &str) -> Value {
    let function = json!({"name": "look", "parameters": {"type": "object", "properties": {}}});
    let mut body = json!({"model": "asked", "messages": [{"role": "user", "content": "Look."}]});
    body[tools] = match tools {
        "functions" => json!([function]),
        _ => json!([{"type": "function", "function": function}]),
    };
    body
}

fn asked(body: &Value, to: Dialect) -> TranslatedRequest {
    let model = ModelName::parse("asked").unwrap();
    translate_request(&Ask {
        from: C,
        to: &Target::of(to),
        operation: Operation::Chat,
        body: body.to_string().as_bytes(),
        model: &model,
        upstream_model: &model,
        stream: false,
        id: Uuid::from_u128(7),
        now: Timestamp::from_secs(1),
        memory: &Forgetful,
    })
    .unwrap()
}

/// An answer that calls so many tools.
fn answer(calls: usize) -> String {
    let call = |number| json!({"type": "tool_use", "id": format!("toolu_{number}"), "name": "look", "input": {"at": number}});
    let content: Vec<_> = (0..calls).map(call).collect();
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content, "stop_reason": "tool_use",
        "usage": {"input_tokens": 3, "output_tokens": 2}})
    .to_string()
}

/// The same, streamed.
fn stream(calls: usize) -> String {
    let mut events = vec![
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [], "usage": {"input_tokens": 3, "output_tokens": 1}}}),
    ];
    for index in 0..calls {
        let block = json!({"type": "tool_use", "id": format!("toolu_{index}"), "name": "look", "input": {}});
        events.push(json!({"type": "content_block_start", "index": index, "content_block": block}));
        for piece in ["{\"at\":", &format!("{index}}}")] {
            let delta = json!({"type": "input_json_delta", "partial_json": piece});
            events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    events.push(
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}}),
    );
    events.push(json!({"type": "message_stop"}));
    events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()))
        .collect()
}

#[test]
fn one_call_is_asked_for() {
    let body: Value = serde_json::from_slice(&asked(&question("functions"), A).body).unwrap();
    assert_eq!(body["tools"][0]["name"], "look");
    assert_eq!(body["tool_choice"]["disable_parallel_tool_use"], true);
    // What the client did not say is not told as lost where it cannot be asked for.
    assert!(asked(&question("functions"), Dialect::GeminiGenerate).losses.is_empty());
    let body: Value = serde_json::from_slice(&asked(&question("tools"), A).body).unwrap();
    assert_eq!(body["tool_choice"], Value::Null, "who knows the newer form may get several");
}

#[test]
fn a_whole_answer_has_the_older_form() {
    for (calls, losses) in [(1, 0), (2, 1)] {
        let context = asked(&question("functions"), A).context;
        let answer = translate_response(A, C, answer(calls).as_bytes(), &context).unwrap();
        let told: Value = serde_json::from_slice(&answer.body).unwrap();
        let choice = &told["choices"][0];
        assert_eq!(
            choice["message"]["function_call"],
            json!({"name": "look", "arguments": "{\"at\":0}"}),
            "{told}"
        );
        assert_eq!(choice["message"]["tool_calls"], Value::Null);
        assert_eq!(choice["finish_reason"], "function_call");
        assert_eq!(answer.losses.len(), losses, "{:?}", answer.losses);
    }
}

#[test]
fn a_stream_has_the_older_form() {
    for (calls, losses) in [(1, 0), (2, 1)] {
        let context = asked(&question("functions"), A).context;
        let mut translator = StreamTranslator::new(A, C, context);
        let mut out = Vec::new();
        translator.push(stream(calls).as_bytes(), &mut out).unwrap();
        translator.finish(&mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(!out.contains("tool_calls"), "{out}");
        let chunks =
            out.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
        let (mut names, mut arguments, mut reason) = (Vec::new(), String::new(), Value::Null);
        for chunk in chunks {
            let chunk: Value = serde_json::from_str(chunk).unwrap();
            let choice = &chunk["choices"][0];
            let call = &choice["delta"]["function_call"];
            names.extend(call["name"].as_str().map(str::to_owned));
            arguments.push_str(call["arguments"].as_str().unwrap_or_default());
            if !choice["finish_reason"].is_null() {
                reason = choice["finish_reason"].clone();
            }
        }
        assert_eq!((names, arguments.as_str()), (vec!["look".to_owned()], "{\"at\":0}"), "{out}");
        assert_eq!(reason, "function_call");
        assert_eq!(translator.losses().len(), losses, "{:?}", translator.losses());
    }
}

#[test]
fn who_gives_tools_gets_tool_calls() {
    let context = asked(&question("tools"), A).context;
    let answer = translate_response(A, C, answer(2).as_bytes(), &context).unwrap();
    let told: Value = serde_json::from_slice(&answer.body).unwrap();
    let choice = &told["choices"][0];
    assert_eq!(choice["message"]["tool_calls"].as_array().unwrap().len(), 2);
    assert_eq!(choice["message"]["function_call"], Value::Null);
    assert_eq!(choice["finish_reason"], "tool_calls");
}
