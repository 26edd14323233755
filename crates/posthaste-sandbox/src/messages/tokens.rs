//! Token counts of blocks and tools.

use super::request::{Block, BlockKind, Tool};
use crate::brain::tokens::{DOCUMENT, IMAGE, of_json, of_text};

pub(super) fn of_tool(tool: &Tool<'_>) -> u64 {
    of_json(tool.raw)
}

pub(super) fn of_block(block: &Block<'_>) -> u64 {
    match &block.kind {
        BlockKind::Text(text) | BlockKind::Thinking { text, .. } | BlockKind::Document(Some(text)) => {
            of_text(text)
        }
        BlockKind::Image => IMAGE,
        BlockKind::Document(None) => DOCUMENT,
        BlockKind::ToolUse { .. } => of_json(&block.raw["name"]) + of_json(&block.raw["input"]),
        BlockKind::ToolResult { content, .. } => content.iter().map(of_block).sum(),
        BlockKind::RedactedThinking { data } => of_text(data),
        BlockKind::Other => of_json(block.raw),
    }
}
