//! The events of an answer, put together.

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
pub(crate) struct Message {
    message: Option<Object>,
    blocks: BTreeMap<u64, Block>,
}

/// A block with what grows piece by piece.
#[derive(Debug)]
struct Block {
    start: Object,
    /// By the member that they belong to.
    texts: BTreeMap<String, String>,
    citations: Vec<Box<RawValue>>,
}

impl Message {
    pub(crate) fn add(&mut self, data: &[u8]) -> serde_json::Result<()> {
        let event: Event<'_> = serde_json::from_slice(data)?;
        let index = event.index.unwrap_or(0);
        match (&*event.kind.0, event.message, event.content_block, event.delta) {
            ("message_start", Some(message), _, _) => self.message = Some(message),
            ("content_block_start", _, Some(start), _) => {
                self.blocks.insert(index, Block { start, texts: BTreeMap::new(), citations: Vec::new() });
            }
            ("content_block_delta", _, _, Some(delta)) => {
                if let Some(block) = self.blocks.get_mut(&index) {
                    block.add(&delta);
                }
            }
            ("message_delta", _, _, delta) => {
                let Some(message) = &mut self.message else { return Ok(()) };
                message.take_over(delta.unwrap_or_default());
                if let Some(counts) = event.usage.0 {
                    let mut usage = message.object("usage").unwrap_or_default();
                    usage.take_over(counts);
                    message.set("usage", &usage);
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn whole(self) -> Option<Vec<u8>> {
        let mut message = self.message?;
        message.set("content", &self.blocks.into_values().map(Block::whole).collect::<Vec<_>>());
        Some(to_json(&message))
    }
}

impl Block {
    fn add(&mut self, delta: &Object) {
        for (name, value) in delta.members() {
            match name {
                "type" => {}
                "citation" => self.citations.push(value.to_owned()),
                _ => {
                    let Ok(piece) = serde_json::from_str::<Text<'_>>(value.get()) else { continue };
                    self.texts.entry(name.to_owned()).or_default().push_str(&piece.0);
                }
            }
        }
    }

    fn whole(mut self) -> Object {
        for (name, text) in self.texts {
            match name.as_str() {
                "partial_json" => {
                    // Cut off by the cap on the answer: what there is of it is no value.
                    if let Ok(input) = serde_json::from_str::<&RawValue>(&text) {
                        self.start.set("input", input);
                    }
                }
                _ => self.start.append(&name, &text),
            }
        }
        if !self.citations.is_empty() {
            self.start.set("citations", &self.citations);
        }
        self.start
    }
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    index: Option<u64>,
    message: Option<Object>,
    content_block: Option<Object>,
    delta: Option<Object>,
    #[serde(default)]
    usage: Lenient<Object>,
}
