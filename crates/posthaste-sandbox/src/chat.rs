//! OpenAI's Chat Completions: `POST /v1/chat/completions`.
//!
//! The shapes follow <https://platform.openai.com/docs/api-reference/chat>; those of the vendors who offer the dialect
//! too differ as their models' names say, see `openai/family.rs`.

mod events;
mod prompt;
mod request;
mod rules;
mod wire;

use bytes::Bytes;
use serde_json::Value;

use crate::{
    answer::{Answer, Asked, Stream},
    azure,
    brain::{self, Pieces, Reply, Stop},
    error::ApiError,
    openai::{self, family, usage::Usage},
    sse,
};
use request::Request;
pub(crate) use request::{EFFORTS, read_schema};

/// A finished completion, before it is written as JSON or as events.
struct Completion<'a> {
    request: &'a Request<'a>,
    id: String,
    reply: Reply,
    usage: Option<Usage>,
    /// Whether Azure answers, which adds what its content filter found.
    filtered: bool,
}

impl Completion<'_> {
    /// The parts of the reply that say something: thoughts only where the vendor shows them.
    fn thoughts(&self) -> Option<&str> {
        let shown = family::shows_thoughts(self.request.model);
        self.reply.parts.iter().find_map(|part| match part {
            brain::Part::Thinking { text, .. } if shown => Some(text.as_str()),
            _ => None,
        })
    }

    fn text(&self) -> Option<&str> {
        self.reply.parts.iter().find_map(|part| match part {
            brain::Part::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    const fn is_refused(&self) -> bool {
        matches!(self.reply.stop, Stop::Refusal)
    }
}

/// Answers a request. `model` stands in the path at Azure, which says by that that it answers.
pub(crate) fn answer(body: &Value, deployment: Option<&str>, asked: &Asked<'_>) -> Result<Answer, ApiError> {
    let request = Request::read(body, deployment)?;
    rules::check(&request)?;
    let said = prompt::said(&request);
    let pieces =
        Pieces::unmarked(request.model, asked.scope, request.tools.iter().map(|tool| tool.raw), &said);
    let reply = brain::reply(&prompt::of(&request, said, pieces.id()));
    let filtered = asked.azure;
    if filtered && reply.stop == Stop::Refusal {
        return Err(azure::filtered());
    }
    let usage = Usage::of(asked.state.cache.use_for(&pieces), &reply, request.n);
    let completion = Completion {
        request: &request,
        id: format!("chatcmpl-{}", pieces.id()),
        reply,
        usage: asked.tell_usage.then_some(usage),
        filtered,
    };
    if !request.stream {
        return Ok(Answer::Whole(wire::whole(&completion)));
    }
    let mut stream = Stream::new(sse::CONTENT_TYPE, error_event, GARBAGE);
    events::render(&completion, &mut stream);
    Ok(Answer::Stream(stream))
}

fn error_event(error: &ApiError, _: &str, _: usize) -> Bytes {
    sse::unnamed(&openai::error::body(error))
}

/// What the vendor says when it refuses.
const REFUSAL: &str = "I'm sorry, I can't assist with that request.";
/// Broken JSON, a NUL, bytes that are no UTF-8, a lone CR, and no blank line at the end.
const GARBAGE: &[u8] =
    b"data: {\"id\":\"chatcmpl-x\",\"choices\":[{\"index\":0,\"del\n\n\0\xff\xfe<html>\r: \ndata: [[[";
