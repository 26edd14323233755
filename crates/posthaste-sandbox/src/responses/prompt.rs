//! The request as the brain and the cache see it.

use super::request::{Item, Part, Request, Role};
use crate::brain::{self, Block, Conversation, Prompt, Thinking};

/// What was said. System messages count as such wherever they stand.
pub(super) fn said<'a>(request: &Request<'a>) -> Conversation<'a> {
    let mut said = Conversation::default();
    said.system.extend(request.instructions.map(Block::text));
    let mut answering = false;
    for item in &request.items {
        match item {
            Item::Message { role: Role::System, content, .. } => {
                said.system.extend(content.iter().map(block))
            }
            Item::Message { role: Role::User, content, .. } => {
                let content = content.iter().map(block).collect();
                said.messages.push(brain::Message { role: brain::Role::User, content });
            }
            Item::Message { role: Role::Assistant, content, .. } => {
                content.iter().for_each(|part| said.join(brain::Role::Assistant, block(part)));
            }
            Item::Call { call, name, arguments, .. } => {
                let call = Block::Call { id: (*call).into(), name, arguments: (*arguments).into() };
                said.join(brain::Role::Assistant, call);
            }
            Item::Output { call, content } => {
                let content = content.iter().map(block).collect();
                let result = Block::Result { call: (*call).into(), content, is_error: false };
                if answering {
                    // Outputs that follow one another are one turn.
                    said.join(brain::Role::User, result);
                } else {
                    said.messages.push(brain::Message { role: brain::Role::User, content: vec![result] });
                }
            }
            Item::Reasoning { encrypted, .. } => {
                said.join(brain::Role::Assistant, Block::Thought(encrypted.unwrap_or_default()));
            }
            Item::Compaction { encrypted, .. } => {
                said.join(brain::Role::Assistant, Block::Thought(encrypted));
            }
            Item::Other(value) => said.join(brain::Role::Assistant, Block::Other(value)),
        }
        answering = matches!(item, Item::Output { .. });
    }
    said
}

/// What is to be answered.
pub(super) fn of<'a>(request: &Request<'a>, said: Conversation<'a>, id: &str) -> Prompt<'a> {
    Prompt {
        id: id.to_owned(),
        call_prefix: "call_",
        messages: said.messages,
        tools: request.tools.iter().map(|tool| tool.tool).collect(),
        choice: request.choice(),
        format: request.format,
        thinking: if request.thinks { Thinking::Always { omitted: false } } else { Thinking::Never },
        stops: Vec::new(),
        max_tokens: request.max_tokens.unwrap_or(u64::MAX),
    }
}

fn block<'a>(part: &Part<'a>) -> Block<'a> {
    match part {
        Part::Text(text) => Block::text(text),
        Part::Image => Block::Image,
        Part::File => Block::Document(None),
    }
}
