//! OpenAI's Responses: `POST /v1/responses`, what is remembered of it, and `…/compact` and `…/input_tokens`.
//!
//! The shapes follow <https://platform.openai.com/docs/api-reference/responses>.

mod compact;
mod events;
mod history;
mod memory;
mod output;
mod prompt;
mod request;
mod rules;
mod wire;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

pub(crate) use compact::compact;
pub(crate) use memory::Memory;

use crate::{
    answer::{Answer, Asked, Stream},
    azure,
    brain::{self, Pieces, Stop},
    error::{ApiError, ErrorKind},
    openai::{self, place::Place, usage::Usage},
    sse,
};
use history::History;
use output::Output;
use request::Request;

/// A finished response, before it is written as JSON or as events.
struct Finished<'a> {
    request: &'a Request<'a>,
    id: String,
    output: Output,
    stop: Stop,
    usage: Option<Usage>,
    /// Whether Azure answers, which adds what its content filter found.
    filtered: bool,
}

/// Answers a request.
pub(crate) fn answer(body: &Value, asked: &Asked<'_>) -> Result<Answer, ApiError> {
    let history = History::of(&Place::root(body), asked.scope, &asked.state.memory)?;
    let request = Request::read(body, &history)?;
    rules::check(&request, asked)?;
    let said = prompt::said(&request);
    let tools = request.tools.iter().map(|tool| tool.raw);
    let pieces = Pieces::unmarked(request.model, asked.scope, tools, &said);
    let reply = brain::reply(&prompt::of(&request, said, pieces.id()));
    if asked.azure && reply.stop == Stop::Refusal {
        return Err(azure::filtered());
    }
    let usage = Usage::of(asked.state.cache.use_for(&pieces), &reply, 1);
    let finished = Finished {
        id: format!("resp_{}", pieces.id()),
        output: Output::of(&reply, &request, pieces.id(), asked.scope),
        request: &request,
        stop: reply.stop,
        usage: asked.tell_usage.then_some(usage),
        filtered: asked.azure,
    };
    let whole = wire::whole(&finished);
    if request.store {
        let items = history.items().iter().cloned().chain(finished.output.to_values());
        asked.state.memory.put(asked.scope, &finished.id, items.collect(), whole.clone());
    }
    if !request.stream {
        return Ok(Answer::Whole(whole));
    }
    let mut stream = Stream::new(sse::CONTENT_TYPE, error_event, GARBAGE);
    events::render(&finished, &mut stream);
    Ok(Answer::Stream(stream))
}

/// Counts a request's prompt; the prompt cache is neither read nor written.
pub(crate) fn count(body: &Value, asked: &Asked<'_>) -> Result<Answer, ApiError> {
    let history = History::of(&Place::root(body), asked.scope, &asked.state.memory)?;
    let request = Request::read(body, &history)?;
    rules::check(&request, asked)?;
    let tools = request.tools.iter().map(|tool| tool.raw);
    let tokens = Pieces::unmarked(request.model, asked.scope, tools, &prompt::said(&request)).tokens();
    Ok(Answer::Whole(format!(r#"{{"object":"response.input_tokens","input_tokens":{tokens}}}"#).into()))
}

/// A response that is remembered.
pub(crate) fn get(id: &str, asked: &Asked<'_>) -> Result<Answer, ApiError> {
    let stored = asked.state.memory.get(asked.scope, id).ok_or_else(|| not_found(id))?;
    Ok(Answer::Whole(stored.response.clone()))
}

/// Forgets a response.
pub(crate) fn delete(id: &str, asked: &Asked<'_>) -> Result<Answer, ApiError> {
    if !asked.state.memory.remove(asked.scope, id) {
        return Err(not_found(id));
    }
    let deleted = Deleted { id, object: "response", deleted: true };
    Ok(Answer::Whole(serde_json::to_vec(&deleted).expect("strings become JSON").into()))
}

#[derive(Serialize)]
struct Deleted<'a> {
    id: &'a str,
    object: &'static str,
    deleted: bool,
}

fn not_found(id: &str) -> ApiError {
    ApiError::new(ErrorKind::NotFound, format!("Response with id '{id}' not found."))
}

fn error_event(error: &ApiError, _: &str, before: usize) -> Bytes {
    sse::frame("error", &openai::error::event(error, before))
}

/// What the vendor says when it refuses.
const REFUSAL: &str = "I'm sorry, I can't assist with that.";
/// Broken JSON, a NUL, bytes that are no UTF-8, a lone CR, an unknown event, and no blank line at the end.
const GARBAGE: &[u8] =
    b"data: {\"type\":\"response.output_text.delta\",\"del\n\n\0\xff\xfe<html>\r: \nevent: surprise\ndata: [[[";
