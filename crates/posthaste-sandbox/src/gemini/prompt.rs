//! The request as the brain and the cache see it.

use std::borrow::Cow;

use serde_json::Value;

use super::{
    models,
    request::{Data, Request, Role},
};
use crate::brain::{self, Block, Conversation, Format, Prompt, Thinking};

/// What was said. Where calls have no ids, they are told by their places: the n-th result of a turn is that of the n-th
/// call of the same name.
pub(super) fn said<'a>(request: &Request<'a>) -> Conversation<'a> {
    let mut said = Conversation::default();
    said.system.extend(request.system.iter().map(|text| Block::text(text)));
    for content in &request.contents {
        let role = match content.role {
            Role::User => brain::Role::User,
            Role::Model => brain::Role::Assistant,
        };
        let content = content.parts.iter().map(|part| block(&part.data)).collect();
        said.messages.push(brain::Message { role, content });
    }
    said
}

/// What is to be answered.
pub(super) fn of<'a>(request: &Request<'a>, said: Conversation<'a>, id: &str) -> Prompt<'a> {
    let config = &request.config;
    Prompt {
        id: id.to_owned(),
        call_prefix: "",
        messages: said.messages,
        tools: request.tools.functions.clone(),
        choice: request.tools.choice,
        format: match config.schema {
            Some(schema) => Some(Format::Schema(schema)),
            None => config.is_json.then_some(Format::AnyJson),
        },
        thinking: thinking(request),
        stops: config.stops.clone(),
        max_tokens: config.max_tokens.unwrap_or(u64::MAX),
    }
}

fn thinking(request: &Request<'_>) -> Thinking {
    let thinks = match request.config.thinking {
        None => models::thinks_by_default(request.model),
        Some(thinking) => thinking.budget != Some(0),
    };
    if !thinks {
        return Thinking::Never;
    }
    let shown = request.config.thinking.is_some_and(|thinking| thinking.include);
    Thinking::Always { omitted: !shown }
}

fn block<'a>(data: &Data<'a>) -> Block<'a> {
    match data {
        Data::Text(text) => Block::text(text),
        Data::Thought(text) => Block::Thought(text),
        Data::Image => Block::Image,
        Data::Audio => Block::Audio,
        Data::Document => Block::Document(None),
        Data::Call { id, name, args } => Block::Call {
            id: Cow::Borrowed(id.unwrap_or(name)),
            name,
            arguments: if args.is_null() { "{}".into() } else { args.to_string().into() },
        },
        Data::Response { id, name, response, parts } => Block::Result {
            call: Cow::Borrowed(id.unwrap_or(name)),
            content: std::iter::once(result(response)).chain(parts.iter().map(block)).collect(),
            is_error: response.get("error").is_some(),
        },
        Data::Other(value) => Block::Other(value),
    }
}

/// What a function said: by convention the text of `output` or `error`, `result` or `content` with some clients, else
/// all of it.
fn result(response: &Value) -> Block<'_> {
    let said = ["output", "error", "result", "content"].iter().find_map(|key| response.get(key));
    match said {
        Some(Value::String(text)) => Block::text(text),
        Some(value) => Block::Text(value.to_string().into()),
        None => Block::Text(response.to_string().into()),
    }
}
