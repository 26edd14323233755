//! Token counts: one token for four bytes, rounded up for each block. No vendor counts so, but everyone can check it.

use serde_json::Value;

use super::prompt::Block;

pub(crate) const BYTES_PER_TOKEN: u64 = 4;

pub(crate) const fn of_text(text: &str) -> u64 {
    (text.len() as u64).div_ceil(BYTES_PER_TOKEN)
}

/// A value as compact JSON.
pub(crate) fn of_json(value: &Value) -> u64 {
    of_text(&value.to_string())
}

pub(crate) fn of_block(block: &Block<'_>) -> u64 {
    match block {
        Block::Text(text) => of_text(text),
        Block::Thought(text) | Block::Document(Some(text)) => of_text(text),
        Block::Image | Block::Audio => IMAGE,
        Block::Document(None) => DOCUMENT,
        // As if the name were JSON too.
        Block::Call { name, arguments, .. } => {
            (name.len() as u64 + 2).div_ceil(BYTES_PER_TOKEN) + of_text(arguments)
        }
        Block::Result { content, .. } => content.iter().map(of_block).sum(),
        Block::Other(value) => of_json(value),
    }
}

/// Each image, whatever its size.
pub(crate) const IMAGE: u64 = 1_000;
/// Each document whose text is not in the request.
pub(crate) const DOCUMENT: u64 = 2_000;
