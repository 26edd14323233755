//! The chunks of an answer, put together.
//!
//! Texts and lists grow, objects are merged, and of everything else the last word counts. Fields that only a vendor knows
//! go by the same rule.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What came of an answer.
#[derive(Debug, Default)]
pub(crate) struct Completion {
    /// Everything beside the choices.
    head: Map<String, Value>,
    choices: BTreeMap<u64, Map<String, Value>>,
}

impl Completion {
    pub(crate) fn add(&mut self, data: &[u8]) -> serde_json::Result<()> {
        let mut chunk: Map<String, Value> = serde_json::from_slice(data)?;
        if let Some(Value::Array(choices)) = chunk.remove("choices") {
            for choice in choices {
                let Value::Object(choice) = choice else { continue };
                let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
                merge(self.choices.entry(index).or_default(), choice);
            }
        }
        // Padding, made for streams alone.
        chunk.remove("obfuscation");
        self.head.extend(chunk.into_iter().filter(|(_, value)| !value.is_null()));
        Ok(())
    }

    pub(crate) fn whole(self) -> Option<Vec<u8>> {
        let Self { mut head, choices } = self;
        if choices.is_empty() {
            return None;
        }
        let mut whole = Vec::with_capacity(choices.len());
        for (index, mut choice) in choices {
            // Some vendors tell the counts inside the choice.
            if let Some(usage) = choice.remove("usage").filter(|usage| usage.is_object()) {
                head.entry("usage").or_insert(usage);
            }
            let delta = choice.remove("delta");
            choice.insert("index".to_owned(), index.into());
            choice.insert("message".to_owned(), message(delta).into());
            choice.entry("finish_reason").or_insert(Value::Null);
            whole.push(Value::Object(choice));
        }
        // Groq's streams tell them in a place of its own.
        if let Some(usage) = head.get("x_groq").and_then(|own| own.get("usage")).cloned() {
            head.entry("usage").or_insert(usage);
        }
        head.insert("object".to_owned(), "chat.completion".into());
        head.insert("choices".to_owned(), whole.into());
        serde_json::to_vec(&head).ok()
    }
}

fn message(delta: Option<Value>) -> Map<String, Value> {
    let mut message = match delta {
        Some(Value::Object(message)) => message,
        _ => Map::new(),
    };
    if message.get("role").and_then(Value::as_str).is_none_or(str::is_empty) {
        message.insert("role".to_owned(), "assistant".into());
    }
    message.entry("content").or_insert(Value::Null);
    if let Some(Value::Array(calls)) = message.get_mut("tool_calls") {
        // The place tells the order, and stands in streams alone.
        calls.iter_mut().filter_map(Value::as_object_mut).for_each(|call| drop(call.remove("index")));
    }
    message
}

fn merge(whole: &mut Map<String, Value>, piece: Map<String, Value>) {
    for (name, value) in piece {
        match whole.get_mut(&name) {
            Some(former) => grow(&name, former, value),
            None => drop(whole.insert(name, value)),
        }
    }
}

fn grow(name: &str, former: &mut Value, piece: Value) {
    match (former, piece) {
        (_, Value::Null) => {}
        (Value::Object(former), Value::Object(piece)) => merge(former, piece),
        (Value::Array(former), Value::Array(piece)) => piece.into_iter().for_each(|one| join(former, one)),
        // Vendors repeat what names a thing, or leave it empty.
        (Value::String(former), Value::String(piece)) if NAMES.contains(&name) => {
            if !piece.is_empty() {
                *former = piece;
            }
        }
        (Value::String(former), Value::String(piece)) => former.push_str(&piece),
        // Mistral's content is a list where it holds thoughts, and a text where it does not.
        (Value::Array(former), Value::String(piece)) if !piece.is_empty() => former.push(text_part(piece)),
        (Value::Array(_), Value::String(_)) => {}
        (former @ Value::String(_), Value::Array(piece)) => {
            let text = former.as_str().filter(|text| !text.is_empty()).map(|text| text_part(text.to_owned()));
            *former = text.into_iter().chain(piece).collect();
        }
        (former, piece) => *former = piece,
    }
}

fn text_part(text: String) -> Value {
    let fields = [("type".to_owned(), "text".into()), ("text".to_owned(), text.into())];
    Value::Object(fields.into_iter().collect())
}

/// Puts a piece to the element of its place; what has no place is an element of its own.
fn join(list: &mut Vec<Value>, piece: Value) {
    let place = |value: &Value| value.get("index").and_then(Value::as_u64);
    let former = place(&piece).and_then(|index| list.iter_mut().find(|one| place(one) == Some(index)));
    match (former, piece) {
        (Some(Value::Object(former)), Value::Object(piece)) => merge(former, piece),
        (_, piece) => list.push(piece),
    }
}

const NAMES: [&str; 7] = ["role", "id", "type", "name", "finish_reason", "format", "signature"];
