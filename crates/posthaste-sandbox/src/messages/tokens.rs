//! Token counts: one token for four bytes, rounded up for each block. No vendor counts so, but everyone can check it.

use super::request::{Block, BlockKind, Tool};

pub(super) const BYTES_PER_TOKEN: u64 = 4;

pub(super) const fn of_text(text: &str) -> u64 {
    (text.len() as u64).div_ceil(BYTES_PER_TOKEN)
}

pub(super) fn of_tool(tool: &Tool<'_>) -> u64 {
    of_text(&tool.raw.to_string())
}

pub(super) fn of_block(block: &Block<'_>) -> u64 {
    match &block.kind {
        BlockKind::Text(text) | BlockKind::Thinking { text, .. } | BlockKind::Document(Some(text)) => {
            of_text(text)
        }
        BlockKind::Image => IMAGE,
        BlockKind::Document(None) => DOCUMENT,
        BlockKind::ToolUse { .. } => {
            of_text(&block.raw["name"].to_string()) + of_text(&block.raw["input"].to_string())
        }
        BlockKind::ToolResult { content, .. } => content.iter().map(of_block).sum(),
        BlockKind::RedactedThinking { data } => of_text(data),
        BlockKind::Other => of_text(&block.raw.to_string()),
    }
}

/// Each image, whatever its size.
const IMAGE: u64 = 1_000;
/// Each document whose text is not in the request.
const DOCUMENT: u64 = 2_000;
