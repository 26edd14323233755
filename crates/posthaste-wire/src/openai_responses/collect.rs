//! The stream of an answer, put together.
//!
//! The last event holds the whole answer already. ChatGPT's backend leaves the items out of it (recorded), which came
//! before, each when it was done.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{fault::to_json, lenient::Text, object::Object};

/// What came of an answer.
#[derive(Debug, Default)]
pub(crate) struct Response {
    /// By their place in the answer.
    items: BTreeMap<u64, Box<RawValue>>,
    last: Option<Box<RawValue>>,
}

impl Response {
    pub(crate) fn add(&mut self, data: &[u8]) -> serde_json::Result<()> {
        let event: Event<'_> = serde_json::from_slice(data)?;
        match (event.kind.as_ref().map(|kind| &*kind.0), event.item, event.response) {
            (Some("response.output_item.done"), Some(item), _) => {
                let next = self.items.last_key_value().map_or(0, |(last, _)| last + 1);
                self.items.insert(event.output_index.unwrap_or(next), item.to_owned());
            }
            (Some("response.completed" | "response.incomplete"), _, Some(response)) => {
                self.last = Some(response.to_owned());
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn whole(self) -> serde_json::Result<Option<Vec<u8>>> {
        let Some(last) = self.last else { return Ok(None) };
        let mut answer: Object = serde_json::from_str(last.get())?;
        let is_told = answer.get("output").is_some_and(|output| {
            let items: Result<Vec<&RawValue>, _> = serde_json::from_str(output.get());
            items.is_ok_and(|items| !items.is_empty())
        });
        if is_told || self.items.is_empty() {
            return Ok(Some(last.get().as_bytes().to_vec()));
        }
        answer.set("output", &self.items.into_values().collect::<Vec<_>>());
        Ok(Some(to_json(&answer)))
    }
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    output_index: Option<u64>,
    #[serde(borrow)]
    item: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
}
