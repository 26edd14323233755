//! Putting a stream's events together as a client does, without looking at its last one.

use serde_json::{Value, json};

/// The response as the last event tells it, and the items as the events before it do.
pub(super) fn assembled(stream: &str) -> (Value, Vec<Value>) {
    let mut items: Vec<Value> = Vec::new();
    let mut response = Value::Null;
    for (number, block) in stream.split_terminator("\n\n").enumerate() {
        let (name, data) = block.split_once('\n').expect("two lines");
        let event: Value = serde_json::from_str(data.strip_prefix("data: ").expect("data")).expect("JSON");
        assert_eq!(name.strip_prefix("event: "), event["type"].as_str());
        assert_eq!(event["sequence_number"], number);
        assert!(response.is_null(), "nothing comes after the end");
        match event["type"].as_str().expect("a type") {
            "response.created" | "response.in_progress" => {
                assert_eq!(event["response"]["status"], "in_progress");
            }
            "response.completed" | "response.incomplete" => response = event["response"].clone(),
            _ => apply(&mut items, &event),
        }
    }
    (response, items)
}

fn apply(items: &mut Vec<Value>, event: &Value) {
    let index = usize::try_from(event["output_index"].as_u64().expect("an index")).expect("a small one");
    if event["type"] == "response.output_item.added" {
        assert_eq!(index, items.len());
        return items.push(event["item"].clone());
    }
    let item = &mut items[index];
    if event["type"] == "response.output_item.done" {
        check(item, &event["item"]);
        *item = event["item"].clone();
        return;
    }
    assert_eq!(item["id"], event["item_id"]);
    let kind = event["type"].as_str().expect("a type").trim_start_matches("response.");
    match kind {
        "content_part.added" => item["content"] = json!([event["part"]]),
        "reasoning_summary_part.added" => item["summary"] = json!([event["part"]]),
        "content_part.done" => assert_eq!(item["content"][0], event["part"]),
        "reasoning_summary_part.done" => assert_eq!(item["summary"][0], event["part"]),
        "output_text.delta" | "reasoning_text.delta" => append(&mut item["content"][0]["text"], event),
        "refusal.delta" => append(&mut item["content"][0]["refusal"], event),
        "reasoning_summary_text.delta" => append(&mut item["summary"][0]["text"], event),
        "function_call_arguments.delta" => append(&mut item["arguments"], event),
        "custom_tool_call_input.delta" => append(&mut item["input"], event),
        "output_text.done" | "reasoning_text.done" => assert_eq!(item["content"][0]["text"], event["text"]),
        "refusal.done" => assert_eq!(item["content"][0]["refusal"], event["refusal"]),
        "reasoning_summary_text.done" => assert_eq!(item["summary"][0]["text"], event["text"]),
        "function_call_arguments.done" => assert_eq!(item["arguments"], event["arguments"]),
        "custom_tool_call_input.done" => assert_eq!(item["input"], event["input"]),
        other => panic!("unknown event {other}"),
    }
}

fn append(text: &mut Value, event: &Value) {
    let before = text.as_str().expect("a text").to_owned();
    *text = json!(before + event["delta"].as_str().expect("a text"));
}

/// What the deltas gave is what the item's end tells; only status and sealed thoughts come with the end.
fn check(built: &Value, done: &Value) {
    for field in ["id", "type", "content", "summary", "arguments", "input", "name", "call_id"] {
        assert_eq!(built[field], done[field], "{field}");
    }
}
