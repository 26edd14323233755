//! Putting a stream's events together as a client does.

use serde_json::{Map, Value, json};

use crate::asking::events;

/// The message that a stream tells.
pub(crate) fn assembled(stream: &str) -> Value {
    let mut message = Value::Null;
    let mut blocks: Vec<Value> = Vec::new();
    let mut inputs: Vec<String> = Vec::new();
    for event in events(stream) {
        match event["type"].as_str().expect("a type") {
            "message_start" => message = event["message"].clone(),
            "content_block_start" => {
                assert_eq!(event["index"], blocks.len());
                blocks.push(event["content_block"].clone());
                inputs.push(String::new());
            }
            "content_block_delta" => {
                let last = blocks.len() - 1;
                assert_eq!(event["index"], last);
                apply(&mut blocks[last], &mut inputs[last], &event["delta"]);
            }
            "message_delta" => {
                overwrite(&mut message, fields(&event["delta"]));
                overwrite(&mut message["usage"], fields(&event["usage"]));
            }
            _ => {}
        }
    }
    for (block, input) in blocks.iter_mut().zip(inputs).filter(|(_, input)| !input.is_empty()) {
        // Arguments that max_tokens cut off are no JSON.
        block["input"] = serde_json::from_str(&input).unwrap_or(json!({}));
    }
    message["content"] = blocks.into();
    message
}

fn apply(block: &mut Value, input: &mut String, delta: &Value) {
    let field = match delta["type"].as_str().expect("a type") {
        "text_delta" => "text",
        "thinking_delta" => "thinking",
        "signature_delta" => "signature",
        "input_json_delta" => return input.push_str(delta["partial_json"].as_str().expect("a text")),
        other => panic!("unknown delta {other}"),
    };
    let before = block[field].as_str().expect("a text").to_owned();
    block[field] = json!(before + delta[field].as_str().expect("a text"));
}

fn fields(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

fn overwrite(target: &mut Value, fields: &Map<String, Value>) {
    for (key, value) in fields {
        target[key] = value.clone();
    }
}
