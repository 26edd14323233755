//! Anthropic's Messages API: `POST /v1/messages` and `…/count_tokens`.
//!
//! The request's shape and the answers' shapes follow <https://docs.anthropic.com/en/api/messages>; what the answer
//! says is in `brain/compose.rs`.

pub(crate) mod error;
mod events;
pub(crate) mod models;
mod place;
mod prompt;
mod request;
mod rules;
mod tokens;
mod whole;
mod wire;

use bytes::Bytes;
use serde_json::Value;

use crate::{
    answer::{Answer, Asked, Stream},
    brain::{self, CacheUse, Reply},
    error::ApiError,
    sse,
};
use request::Request;

/// A finished message, before it is written as JSON or as events.
pub(crate) struct Message {
    model: String,
    id: String,
    origin: Origin,
    reply: Reply,
    usage: Option<Usage>,
    streamed: bool,
}

/// Who sends the message; its ids tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Anthropic,
    Bedrock,
}

impl Origin {
    const fn message_prefix(self) -> &'static str {
        match self {
            Self::Anthropic => "msg_",
            Self::Bedrock => "msg_bdrk_",
        }
    }

    const fn call_prefix(self) -> &'static str {
        match self {
            Self::Anthropic => "toolu_",
            Self::Bedrock => "toolu_bdrk_",
        }
    }
}

/// What an exchange used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) cached: CacheUse,
    pub(crate) output: u64,
    thinking: u64,
}

impl Message {
    /// Answers a request.
    pub(crate) fn answering(body: &Value, origin: Origin, asked: &Asked<'_>) -> Result<Self, ApiError> {
        let request = Request::read(body)?;
        rules::check(&request)?;
        let pieces = prompt::pieces(&request, asked.scope);
        let reply = brain::reply(&prompt::of(&request, pieces.id(), origin.call_prefix()));
        let usage = Usage {
            cached: asked.state.cache.use_for(&pieces),
            output: reply.tokens(),
            thinking: reply.thinking_tokens(),
        };
        Ok(Self {
            model: request.model.to_owned(),
            id: pieces.id().to_owned(),
            origin,
            reply,
            usage: asked.tell_usage.then_some(usage),
            streamed: request.stream,
        })
    }

    /// Absent when it is left out wherever it would stand.
    pub(crate) const fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// The message in one piece.
    pub(crate) fn to_json(&self) -> Bytes {
        whole::render(self)
    }

    /// The message as events: each one's name and its JSON.
    pub(crate) fn to_events(&self) -> Vec<(&'static str, String)> {
        events::render(self)
    }

    /// What makes the signature of one block differ from the next.
    fn salt(&self, index: usize) -> String {
        format!("{}{index}", self.id)
    }
}

/// Whether an event brings content, by its name.
pub(crate) fn is_delta(event: &str) -> bool {
    event == "content_block_delta"
}

/// Answers a request for a message.
pub(crate) fn answer(body: &Value, asked: &Asked<'_>) -> Result<Answer, ApiError> {
    let message = Message::answering(body, Origin::Anthropic, asked)?;
    if !message.streamed {
        return Ok(Answer::Whole(message.to_json()));
    }
    let mut stream = Stream::new(sse::CONTENT_TYPE, error_event, GARBAGE);
    for (name, data) in message.to_events() {
        stream.push(sse::frame(name, &data), is_delta(name));
    }
    Ok(Answer::Stream(stream))
}

/// Counts a request's prompt; the prompt cache is neither read nor written.
pub(crate) fn count_tokens(body: &Value) -> Result<String, ApiError> {
    Ok(format!(r#"{{"input_tokens":{}}}"#, count(body)?))
}

/// The size of a request's prompt.
pub(crate) fn count(body: &Value) -> Result<u64, ApiError> {
    let request = Request::read_uncapped(body)?;
    rules::check(&request)?;
    Ok(prompt::pieces(&request, &[]).tokens())
}

fn error_event(error: &ApiError, request_id: &str, _: usize) -> Bytes {
    sse::frame("error", &error::body(error, request_id))
}

/// Broken JSON, a NUL, bytes that are no UTF-8, a lone CR, an unknown event, and no blank line at the end.
const GARBAGE: &[u8] =
    b"data: {\"type\":\"content_block_delta\",\"index\":0,\"del\n\n\0\xff\xfe<html>\r: \nevent: surprise\ndata: [[[";
