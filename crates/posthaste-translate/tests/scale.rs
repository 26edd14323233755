//! Bodies of very many small things: what costs more than their size would keep these tests from ending.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use posthaste_core::{Dialect, ModelName, Operation, Timestamp};
use posthaste_translate::{
    Ask, Forgetful, StreamContext, StreamTranslator, Target, translate_request, translate_response,
};
use serde_json::{Value, json};
use uuid::Uuid;

const MANY: usize = 40_000;

/// Was a search through all names of the choice for each tool.
#[test]
fn a_choice_among_very_many_tools() {
    let function = |number: usize| json!({"type": "function", "name": format!("f{number}")});
    let tools: Vec<_> = (0..MANY).map(function).collect();
    let choice = json!({"type": "allowed_tools", "mode": "auto", "tools": tools});
    let body = json!({"model": "m", "input": "hi", "tools": tools, "tool_choice": choice});
    for to in Dialect::ALL {
        translate(Dialect::OpenAiResponses, to, &body);
    }
}

/// Was a search through all tools of free text for each call.
#[test]
fn calls_of_very_many_tools_of_free_text() {
    let tools: Vec<_> =
        (0..MANY).map(|number| json!({"type": "custom", "name": format!("f{number}")})).collect();
    let calls = (0..MANY).rev().flat_map(|number| {
        let id = format!("call_{number}");
        [
            json!({"type": "custom_tool_call", "call_id": id, "name": format!("f{number}"), "input": "a"}),
            json!({"type": "custom_tool_call_output", "call_id": id, "output": "b"}),
        ]
    });
    let input: Vec<_> = [json!({"role": "user", "content": "hi"})].into_iter().chain(calls).collect();
    let body = json!({"model": "m", "input": input, "tools": tools});
    translate(Dialect::OpenAiResponses, Dialect::AnthropicMessages, &body);
}

/// Was a search through all open calls for each result.
#[test]
fn results_of_very_many_calls_in_another_order() {
    let results = |number: &usize| json!({"role": "function", "name": format!("f{number}"), "content": "b"});
    let call = |number: usize| json!({"role": "assistant", "function_call": {"name": format!("f{number}"), "arguments": "{}"}});
    let calls: Vec<_> = (0..MANY).map(call).collect();
    let backwards: Vec<_> = (0..MANY).rev().collect();
    let messages = [calls, backwards.iter().map(results).collect()].concat();
    let body = json!({"model": "m", "messages": messages});
    translate(Dialect::OpenAiChat, Dialect::GeminiGenerate, &body);

    let call = |number: usize| json!({"functionCall": {"id": format!("c{number}"), "name": "f"}});
    let result = |number: usize| json!({"functionResponse": {"id": format!("c{number}"), "name": "f"}});
    let calls: Vec<_> = (0..MANY).map(call).collect();
    let results: Vec<_> = (0..MANY).rev().map(result).collect();
    let turns = json!([
        {"role": "user", "parts": [{"text": "hi"}]},
        {"role": "model", "parts": calls},
        {"role": "user", "parts": results}
    ]);
    translate(Dialect::GeminiGenerate, Dialect::AnthropicMessages, &json!({"contents": turns}));
}

/// Was a search through the numbers of the names that were given for each document.
#[test]
fn very_many_documents_of_one_title() {
    let data = json!({"mimeType": "application/pdf", "data": "AAAA", "displayName": "a"});
    let parts = vec![json!({"inlineData": data}); MANY];
    let body = json!({"contents": [{"role": "user", "parts": parts}]});
    translate(Dialect::GeminiGenerate, Dialect::BedrockConverse, &body);
}

/// Was a search through all parts of the answer for each page that it rests on.
#[test]
fn very_many_pages_and_parts() {
    let supports: Vec<_> = (0..MANY)
        .map(|number| {
            let segment = json!({"startIndex": 2 * number, "endIndex": 2 * number + 2, "text": "ab"});
            json!({"segment": segment, "groundingChunkIndices": [0]})
        })
        .collect();
    let metadata =
        json!({"groundingChunks": [{"web": {"uri": "https://a.test"}}], "groundingSupports": supports});
    let content = json!({"role": "model", "parts": vec![json!({"text": "ab"}); MANY]});
    let candidate = json!({"content": content, "finishReason": "STOP", "groundingMetadata": metadata});
    let body = json!({"candidates": [candidate]}).to_string();
    let (from, to) = (Dialect::GeminiGenerate, Dialect::AnthropicMessages);
    translate_response(from, to, body.as_bytes(), &context(from)).unwrap();
}

/// Was a pass through the events of all open blocks at the end of each.
#[test]
fn very_many_blocks_at_once() {
    let mut stream = String::from("data: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\n");
    let mut frame = |data: Value| stream += &format!("data: {data}\n\n");
    for number in 0..MANY {
        let item = json!({"type": "function_call", "id": format!("fc_{number}"), "call_id": format!("c{number}"), "name": "f"});
        frame(json!({"type": "response.output_item.added", "output_index": number, "item": item}));
    }
    for number in (0..MANY).rev() {
        let item =
            json!({"type": "function_call", "call_id": format!("c{number}"), "name": "f", "arguments": "{}"});
        frame(json!({"type": "response.output_item.done", "output_index": number, "item": item}));
    }
    let response = json!({"id": "r", "status": "completed", "output": []});
    frame(json!({"type": "response.completed", "response": response}));
    for to in [Dialect::AnthropicMessages, Dialect::BedrockConverse] {
        let from = Dialect::OpenAiResponses;
        let mut translator = StreamTranslator::new(from, to, context(from));
        let mut out = Vec::new();
        translator.push(stream.as_bytes(), &mut out).unwrap();
        translator.finish(&mut out).unwrap();
    }
}

fn context(from: Dialect) -> StreamContext {
    StreamContext::plain(ModelName::parse("m").unwrap(), from, Timestamp::EPOCH, Uuid::nil())
}

fn translate(from: Dialect, to: Dialect, body: &Value) {
    let model = ModelName::parse("m").unwrap();
    translate_request(&Ask {
        from,
        to: &Target::of(to),
        operation: Operation::Chat,
        body: body.to_string().as_bytes(),
        model: &model,
        upstream_model: &model,
        stream: false,
        id: Uuid::nil(),
        now: Timestamp::EPOCH,
        memory: &Forgetful,
    })
    .unwrap();
}
