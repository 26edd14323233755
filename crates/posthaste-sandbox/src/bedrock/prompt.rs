//! The request as the brain and the cache see it.

use super::request::{Block, Data, Marked, Request, Thinking};
use crate::brain::{self, Format, Pieces, PiecesBuilder, Prompt, ToolChoice, tokens};

/// The prompt in pieces. A mark stands behind what it marks.
pub(super) fn pieces(model: &str, request: &Request<'_>, scope: &[u8]) -> Pieces {
    let mut builder = PiecesBuilder::new(model, scope);
    for tool in request.tools.iter().flat_map(|tools| &tools.tools) {
        match tool {
            Marked::Item(tool) => builder.json(tool.raw, tokens::of_json(tool.raw), None),
            Marked::Mark(ttl) => builder.mark(*ttl),
        }
    }
    builder.section(b"system");
    request.system.iter().for_each(|block| push(&mut builder, block));
    for message in &request.messages {
        builder.role(message.role);
        message.content.iter().for_each(|block| push(&mut builder, block));
    }
    builder.finish(None)
}

/// What is to be answered.
pub(super) fn of<'r>(request: &'r Request<'r>, id: &str) -> Prompt<'r> {
    let message = |message: &'r super::request::Message<'r>| brain::Message {
        role: message.role,
        content: message.content.iter().filter_map(Marked::item).map(block).collect(),
    };
    let choice = request.tools.as_ref().map_or_else(ToolChoice::default, |tools| tools.choice);
    let tools = request.tools.iter().flat_map(|tools| tools.declared());
    Prompt {
        id: id.to_owned(),
        call_prefix: "tooluse_",
        messages: request.messages.iter().map(message).collect(),
        tools: tools.map(|tool| tool.tool).collect(),
        choice,
        format: request.schema.as_ref().map(Format::Schema),
        thinking: match request.thinking {
            _ if choice.is_forced() => brain::Thinking::Never,
            Thinking::Disabled => brain::Thinking::Never,
            Thinking::Enabled { omitted, .. } | Thinking::Adaptive { omitted } => {
                brain::Thinking::Always { omitted }
            }
        },
        stops: request.stops.clone(),
        max_tokens: request.max_tokens.unwrap_or(u64::MAX),
    }
}

fn push(builder: &mut PiecesBuilder<'_>, block: &Marked<Block<'_>>) {
    match block {
        Marked::Item(block) => builder.block(&self::block(block), None),
        Marked::Mark(ttl) => builder.mark(*ttl),
    }
}

fn block<'r>(block: &'r Block<'r>) -> brain::Block<'r> {
    match &block.data {
        Data::Text(text) => brain::Block::text(text),
        Data::Image => brain::Block::Image,
        Data::Audio => brain::Block::Audio,
        Data::Document(text) => brain::Block::Document(*text),
        Data::ToolUse { id, name, input } => {
            brain::Block::Call { id: (*id).into(), name, arguments: input.to_string().into() }
        }
        Data::ToolResult { id, content, is_error } => brain::Block::Result {
            call: (*id).into(),
            content: content.iter().map(self::block).collect(),
            is_error: *is_error,
        },
        Data::Reasoning { text, .. } => brain::Block::Thought(text),
        Data::Redacted(data) => brain::Block::Thought(data),
        Data::Json => brain::Block::Text(block.raw["json"].to_string().into()),
        Data::Other => brain::Block::Other(block.raw),
    }
}
