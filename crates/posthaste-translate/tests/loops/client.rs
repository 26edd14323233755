//! Clients: what their libraries make of an answer, and how they put it into their next request.

use std::collections::BTreeMap;

use posthaste_core::Dialect;
use serde_json::{Value, json};

use crate::{A, B, C, G, R};

const QUESTION: &str = "Compare the two.";

/// A request that asks for thoughts: a question, then the history.
pub(crate) fn request(dialect: Dialect, history: &[Value]) -> Value {
    let schema =
        json!({"type": "object", "properties": {"city": {"type": "string"}, "n": {"type": "number"}}});
    let with = |question: Value| [vec![question], history.to_vec()].concat();
    match dialect {
        A => json!({
            "model": "asked", "max_tokens": 4096, "thinking": {"type": "enabled", "budget_tokens": 2048},
            "tools": [{"name": "look_up", "input_schema": schema}],
            "messages": with(json!({"role": "user", "content": QUESTION})),
        }),
        C => json!({
            "model": "asked", "max_completion_tokens": 4096, "reasoning_effort": "low",
            "tools": [{"type": "function", "function": {"name": "look_up", "parameters": schema}}],
            "messages": with(json!({"role": "user", "content": QUESTION})),
        }),
        R => json!({
            "model": "asked", "max_output_tokens": 4096, "store": false, "reasoning": {"effort": "low"},
            "include": ["reasoning.encrypted_content"],
            "tools": [{"type": "function", "name": "look_up", "parameters": schema, "strict": false}],
            "input": with(json!({"role": "user", "content": QUESTION})),
        }),
        G => json!({
            "generationConfig": {
                "maxOutputTokens": 4096,
                "thinkingConfig": {"includeThoughts": true, "thinkingBudget": 2048},
            },
            "tools": [{"functionDeclarations": [{"name": "look_up", "parametersJsonSchema": schema}]}],
            "contents": with(json!({"role": "user", "parts": [{"text": QUESTION}]})),
        }),
        B => json!({
            "inferenceConfig": {"maxTokens": 4096},
            "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2048}},
            "toolConfig": {"tools": [{"toolSpec": {"name": "look_up", "inputSchema": {"json": schema}}}]},
            "messages": with(json!({"role": "user", "content": [{"text": QUESTION}]})),
        }),
    }
}

/// The blocks, items or parts that a client keeps of a whole answer.
pub(crate) fn kept(dialect: Dialect, answer: Value) -> Vec<Value> {
    match dialect {
        A => array(&answer["content"]),
        C => vec![chat_kept(&answer["choices"][0]["message"])],
        R => array(&answer["output"]),
        G => gemini_kept(array(&answer["candidates"][0]["content"]["parts"])),
        B => array(&answer["output"]["message"]["content"]),
    }
}

/// The same of a stream.
pub(crate) fn collect(dialect: Dialect, stream: &str) -> Vec<Value> {
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    let named = stream.lines().filter_map(|line| line.strip_prefix("event: "));
    let events: Vec<Value> = data.map(|data| serde_json::from_str(data).unwrap()).collect();
    match dialect {
        A => anthropic_collect(&events),
        C => vec![chat_kept(&chat_collect(&events))],
        R => responses_collect(&events),
        G => gemini_kept(gemini_consolidated(&events)),
        B => bedrock_collect(&events, named),
    }
}

fn array(value: &Value) -> Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list")).clone()
}

fn append(to: &mut Value, text: &Value) {
    let joined = format!("{}{}", to.as_str().unwrap_or_default(), text.as_str().unwrap());
    *to = joined.into();
}

/// As Anthropic's SDKs accumulate.
fn anthropic_collect(events: &[Value]) -> Vec<Value> {
    let mut blocks: Vec<Value> = Vec::new();
    let mut input = String::new();
    for event in events {
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                assert_eq!(event["index"], blocks.len());
                blocks.push(event["content_block"].clone());
            }
            "content_block_delta" => {
                let block = &mut blocks[usize::try_from(event["index"].as_u64().unwrap()).unwrap()];
                let delta = &event["delta"];
                match delta["type"].as_str().unwrap() {
                    "text_delta" => append(&mut block["text"], &delta["text"]),
                    "thinking_delta" => append(&mut block["thinking"], &delta["thinking"]),
                    "signature_delta" => block["signature"] = delta["signature"].clone(),
                    "input_json_delta" => input.push_str(delta["partial_json"].as_str().unwrap()),
                    other => panic!("{other}"),
                }
            }
            "content_block_stop" if !input.is_empty() => {
                blocks.last_mut().unwrap()["input"] = serde_json::from_str(&input).unwrap();
                input.clear();
            }
            _ => {}
        }
    }
    blocks
}

/// Chat's clients know nothing else of a message.
fn chat_kept(message: &Value) -> Value {
    let (content, calls) = (&message["content"], &message["tool_calls"]);
    json!({"role": "assistant", "content": content, "tool_calls": calls})
}

fn chat_collect(events: &[Value]) -> Value {
    let mut content = Value::Null;
    let mut calls: BTreeMap<u64, Value> = BTreeMap::new();
    for delta in events.iter().map(|event| &event["choices"][0]["delta"]) {
        if delta["content"].is_string() && delta["content"] != "" {
            append(&mut content, &delta["content"]);
        }
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let known = calls.entry(call["index"].as_u64().unwrap()).or_insert_with(|| {
                json!({"id": call["id"], "type": "function", "function": {"name": call["function"]["name"]}})
            });
            if call["function"]["arguments"].is_string() {
                append(&mut known["function"]["arguments"], &call["function"]["arguments"]);
            }
        }
    }
    json!({"content": content, "tool_calls": calls.into_values().collect::<Vec<_>>()})
}

/// Items as they are done; those of the last event are the same.
fn responses_collect(events: &[Value]) -> Vec<Value> {
    let done = |event: &&Value| event["type"] == "response.output_item.done";
    let items: Vec<_> = events.iter().filter(done).map(|event| event["item"].clone()).collect();
    let last = events.iter().find(|event| event["type"] == "response.completed").unwrap();
    assert_eq!(last["response"]["output"], Value::Array(items.clone()));
    items
}

/// As Gemini CLI joins the parts of a stream: a text that follows a text loses all else that it has.
fn gemini_consolidated(events: &[Value]) -> Vec<Value> {
    let mut parts: Vec<Value> = Vec::new();
    let said = |part: &Value| part["text"].is_string() && part.get("thought").is_none();
    for part in events.iter().flat_map(|event| array(&event["candidates"][0]["content"]["parts"])) {
        match parts.last_mut() {
            Some(last)
                if said(last)
                    && last["text"] != ""
                    && said(&part)
                    && part.get("thoughtSignature").is_none() =>
            {
                append(&mut last["text"], &part["text"]);
            }
            _ => parts.push(part),
        }
    }
    parts
}

/// Google's SDKs drop thoughts, write bytes in the alphabet that they did not come in, and leave out what is empty.
fn gemini_kept(mut parts: Vec<Value>) -> Vec<Value> {
    parts.retain(|part| part["thought"] != true);
    for part in &mut parts {
        if let Some(signature) = part["thoughtSignature"].as_str() {
            part["thoughtSignature"] = other_alphabet(signature).into();
        }
        if part["functionCall"]["args"] == json!({}) {
            part["functionCall"].as_object_mut().unwrap().remove("args");
        }
    }
    parts
}

pub(crate) fn other_alphabet(signature: &str) -> String {
    let swapped = |letter| match letter {
        '-' => '+',
        '_' => '/',
        '+' => '-',
        '/' => '_',
        other => other,
    };
    signature.chars().map(swapped).collect()
}

/// As boto3's users put the events together.
fn bedrock_collect<'a>(events: &[Value], names: impl Iterator<Item = &'a str>) -> Vec<Value> {
    let mut blocks: BTreeMap<u64, Value> = BTreeMap::new();
    let mut inputs: BTreeMap<u64, String> = BTreeMap::new();
    for (name, event) in names.zip(events) {
        let index = || event["contentBlockIndex"].as_u64().unwrap();
        match name {
            "contentBlockStart" => {
                blocks.insert(index(), json!({"toolUse": event["start"]["toolUse"]}));
                inputs.insert(index(), String::new());
            }
            "contentBlockDelta" => {
                let block = blocks.entry(index()).or_insert_with(|| json!({}));
                let delta = &event["delta"];
                let reasoning = &delta["reasoningContent"];
                if let Some(piece) = delta["toolUse"]["input"].as_str() {
                    inputs.get_mut(&index()).unwrap().push_str(piece);
                } else if delta["text"].is_string() {
                    append(&mut block["text"], &delta["text"]);
                } else if reasoning["text"].is_string() {
                    append(&mut block["reasoningContent"]["reasoningText"]["text"], &reasoning["text"]);
                } else if reasoning["signature"].is_string() {
                    let whole = &mut block["reasoningContent"]["reasoningText"];
                    whole["signature"] = reasoning["signature"].clone();
                    if whole["text"].is_null() {
                        whole["text"] = "".into();
                    }
                } else {
                    block["reasoningContent"]["redactedContent"] = reasoning["redactedContent"].clone();
                }
            }
            _ => {}
        }
    }
    for (index, input) in inputs {
        let input: Value = serde_json::from_str(if input.is_empty() { "{}" } else { &input }).unwrap();
        blocks.get_mut(&index).unwrap()["toolUse"]["input"] = input;
    }
    blocks.into_values().collect()
}

/// The history with the turn and the results of its calls, the last one first as parallel tools may finish.
pub(crate) fn with_results(dialect: Dialect, turn: Vec<Value>) -> Vec<Value> {
    match dialect {
        A => {
            let results = results(&turn, |block| {
                let id = block["id"].as_str()?;
                Some(json!({"type": "tool_result", "tool_use_id": id, "content": "done"}))
            });
            vec![json!({"role": "assistant", "content": turn}), json!({"role": "user", "content": results})]
        }
        C => {
            let calls = array(&turn[0]["tool_calls"]);
            let results = results(&calls, |call| {
                Some(json!({"role": "tool", "tool_call_id": call["id"], "content": "done"}))
            });
            [turn, results].concat()
        }
        R => {
            let results = results(&turn, |item| {
                let id = item["call_id"].as_str()?;
                Some(json!({"type": "function_call_output", "call_id": id, "output": "done"}))
            });
            [turn, results].concat()
        }
        G => {
            let mut results = results(&turn, |part| {
                let call = part.get("functionCall")?;
                let mut response = json!({"name": call["name"], "response": {"output": "done"}});
                if let Some(id) = call.get("id") {
                    response["id"] = id.clone();
                }
                Some(json!({"functionResponse": response}))
            });
            // Without ids it is the order that tells.
            if turn
                .iter()
                .any(|part| part["functionCall"].is_object() && part["functionCall"]["id"].is_null())
            {
                results.reverse();
            }
            vec![json!({"role": "model", "parts": turn}), json!({"role": "user", "parts": results})]
        }
        B => {
            let results = results(&turn, |block| {
                let id = block["toolUse"]["toolUseId"].as_str()?;
                Some(json!({"toolResult": {"toolUseId": id, "content": [{"text": "done"}]}}))
            });
            vec![json!({"role": "assistant", "content": turn}), json!({"role": "user", "content": results})]
        }
    }
}

fn results(turn: &[Value], result: impl Fn(&Value) -> Option<Value>) -> Vec<Value> {
    turn.iter().rev().filter_map(result).collect()
}
