//! The request as the brain and the cache see it.

use serde_json::Value;

use super::{
    request::{Block, BlockKind, Request, Thinking, Tool},
    tokens,
};
use crate::brain::{self, Pieces, PiecesBuilder, Ttl};

/// The prompt in pieces.
pub(super) fn pieces(request: &Request<'_>, scope: &[u8]) -> Pieces {
    let mut builder = PiecesBuilder::new(request.model, scope);
    for tool in &request.tools {
        builder.json(tool.raw, tokens::of_tool(tool), tool.cache);
    }
    builder.section(b"system");
    request.system.iter().for_each(|block| push_block(&mut builder, block));
    for message in &request.messages {
        builder.role(message.role);
        message.content.iter().for_each(|block| push_block(&mut builder, block));
    }
    builder.finish(request.cache_last)
}

/// The marks of a request in the cache's order.
pub(super) fn marks(request: &Request<'_>) -> impl Iterator<Item = Ttl> {
    let tools = request.tools.iter().map(|tool| tool.cache);
    let system = request.system.iter().map(|block| block.cache);
    let messages = request.blocks().map(|block| block.cache);
    tools.chain(system).chain(messages).flatten().chain(request.cache_last)
}

/// What is to be answered.
pub(super) fn of<'a>(request: &Request<'a>, id: &str, call_prefix: &'static str) -> brain::Prompt<'a> {
    let message = |message: &super::request::Message<'a>| brain::Message {
        role: message.role,
        content: message.content.iter().map(block).collect(),
    };
    let choice = request.tool_choice.unwrap_or_default();
    brain::Prompt {
        id: id.to_owned(),
        call_prefix,
        messages: request.messages.iter().map(message).collect(),
        tools: request.tools.iter().filter_map(tool).collect(),
        choice,
        format: request.format.map(brain::Format::Schema),
        thinking: match request.thinking {
            _ if choice.is_forced() => brain::Thinking::Never,
            Thinking::Disabled => brain::Thinking::Never,
            Thinking::Enabled { omitted, .. } | Thinking::Adaptive { omitted } => {
                brain::Thinking::Always { omitted }
            }
            Thinking::BetweenTools => brain::Thinking::BetweenTools,
        },
        stops: request.stop_sequences.clone(),
        max_tokens: request.max_tokens,
    }
}

fn push_block(builder: &mut PiecesBuilder<'_>, block: &Block<'_>) {
    let tokens = tokens::of_block(block);
    match block.kind {
        // A text is the same whether it stands alone or in a block.
        BlockKind::Text(text) => builder.text(text, tokens, block.cache),
        _ => builder.json(block.raw, tokens, block.cache),
    }
}

fn tool<'a>(tool: &Tool<'a>) -> Option<brain::Tool<'a>> {
    let input = tool.input_schema.map_or(brain::Input::Hosted, brain::Input::Schema);
    Some(brain::Tool { name: tool.name?, input })
}

fn block<'a>(block: &Block<'a>) -> brain::Block<'a> {
    match &block.kind {
        BlockKind::Text(text) => brain::Block::text(text),
        BlockKind::Image => brain::Block::Image,
        BlockKind::Document(text) => brain::Block::Document(*text),
        BlockKind::ToolUse { id } => brain::Block::Call {
            id: (*id).into(),
            name: block.raw.get("name").and_then(Value::as_str).unwrap_or("unknown"),
            arguments: block.raw["input"].to_string().into(),
        },
        BlockKind::ToolResult { tool_use_id, content, is_error } => brain::Block::Result {
            call: (*tool_use_id).into(),
            content: content.iter().map(self::block).collect(),
            is_error: *is_error,
        },
        BlockKind::Thinking { text, .. } | BlockKind::RedactedThinking { data: text } => {
            brain::Block::Thought(text)
        }
        BlockKind::Other => brain::Block::Other(block.raw),
    }
}
