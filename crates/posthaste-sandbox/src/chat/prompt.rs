//! The request as the brain and the cache see it.

use super::request::{Part, Request, Role};
use crate::brain::{self, Block, Conversation, Prompt, Thinking};

/// What was said. System messages count as such wherever they stand.
pub(super) fn said<'a>(request: &Request<'a>) -> Conversation<'a> {
    let mut said = Conversation::default();
    let mut answering = false;
    for message in &request.messages {
        let blocks = message.content.iter().map(block);
        match &message.role {
            Role::System => said.system.extend(blocks),
            Role::User => {
                said.messages.push(brain::Message { role: brain::Role::User, content: blocks.collect() });
            }
            Role::Assistant { calls, thoughts } => {
                let thoughts = thoughts.map(Block::Thought);
                let calls = calls.iter().map(|call| Block::Call {
                    id: call.id.into(),
                    name: call.name,
                    arguments: call.arguments.into(),
                });
                let content = thoughts.into_iter().chain(blocks).chain(calls).collect();
                said.messages.push(brain::Message { role: brain::Role::Assistant, content });
            }
            Role::Tool(id) => {
                let result = Block::Result { call: (*id).into(), content: blocks.collect(), is_error: false };
                if answering {
                    // Results that follow one another are one turn.
                    said.join(brain::Role::User, result);
                } else {
                    said.messages.push(brain::Message { role: brain::Role::User, content: vec![result] });
                }
            }
        }
        answering = matches!(message.role, Role::Tool(_));
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
        stops: request.stops.clone(),
        max_tokens: request.max_tokens.unwrap_or(u64::MAX),
    }
}

fn block<'a>(part: &Part<'a>) -> Block<'a> {
    match part {
        Part::Text(text) => Block::text(text),
        Part::Image => Block::Image,
        Part::Audio => Block::Audio,
        Part::File => Block::Document(None),
    }
}
