//! The stream of an answer, put together.
//!
//! The last event holds the whole answer already. ChatGPT's backend leaves the items out of it (recorded), which came
//! before, each when it was done. What a call says is taken from the events that told it, should its item not repeat it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    fault::to_json,
    lenient::{Lenient, Text},
    object::Object,
};

/// What came of an answer.
#[derive(Debug, Default)]
pub(crate) struct Response {
    /// By their place in the answer.
    items: BTreeMap<u64, Object>,
    /// What calls say, by the place of their items.
    said: BTreeMap<u64, Said>,
    last: Option<Object>,
}

/// What a call says, and in which member its item holds it.
#[derive(Debug)]
struct Said {
    member: &'static str,
    text: String,
}

impl Response {
    pub(crate) fn add(&mut self, data: &[u8]) -> serde_json::Result<()> {
        let event: Event<'_> = serde_json::from_slice(data)?;
        let next = || self.items.last_key_value().map_or(0, |(last, _)| last + 1);
        let index = event.output_index.unwrap_or_else(next);
        match event.kind.as_ref().map(|kind| &*kind.0) {
            Some("response.output_item.done") => {
                if let Some(item) = event.item.0 {
                    self.items.insert(index, item);
                }
            }
            Some("response.function_call_arguments.delta") => self.say(index, "arguments", event.delta.0),
            Some("response.custom_tool_call_input.delta") => self.say(index, "input", event.delta.0),
            Some("response.completed" | "response.incomplete") => {
                self.last = event.response.0.or(self.last.take());
            }
            _ => {}
        }
        Ok(())
    }

    fn say(&mut self, index: u64, member: &'static str, piece: Option<Text<'_>>) {
        let said = self.said.entry(index).or_insert(Said { member, text: String::new() });
        said.text.push_str(piece.as_ref().map_or("", |piece| &piece.0));
    }

    pub(crate) fn whole(mut self) -> Option<Vec<u8>> {
        let mut answer = self.last?;
        let is_told = answer.get("output").is_some_and(|output| {
            let items: Result<Vec<&RawValue>, _> = serde_json::from_str(output.get());
            items.is_ok_and(|items| !items.is_empty())
        });
        if !is_told && !self.items.is_empty() {
            for (index, Said { member, text }) in self.said {
                if let Some(item) = self.items.get_mut(&index)
                    && item.text(member).is_none_or(|told| told.is_empty())
                {
                    item.set(member, &text);
                }
            }
            answer.set("output", &self.items.into_values().collect::<Vec<_>>());
        }
        Some(to_json(&answer))
    }
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    output_index: Option<u64>,
    #[serde(borrow, default)]
    delta: Lenient<Text<'a>>,
    #[serde(default)]
    item: Lenient<Object>,
    #[serde(default)]
    response: Lenient<Object>,
}
