//! AWS Bedrock: Converse, InvokeModel with Anthropic's bodies, both streamed or not, and CountTokens.
//!
//! The shapes follow <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html>.

pub(crate) mod error;
mod events;
mod frame;
mod invoke;
pub(crate) mod models;
mod place;
mod prompt;
mod request;
mod rules;
mod wire;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::{
    answer::{Answer, Asked},
    brain::{self, CacheUse, Reply},
    error::ApiError,
};
use place::Place;
use request::Request;

/// What is asked of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Converse { streamed: bool },
    Invoke { streamed: bool },
    CountTokens,
}

impl Operation {
    /// The operation of this name in a path.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "converse" => Self::Converse { streamed: false },
            "converse-stream" => Self::Converse { streamed: true },
            "invoke" => Self::Invoke { streamed: false },
            "invoke-with-response-stream" => Self::Invoke { streamed: true },
            "count-tokens" => Self::CountTokens,
            _ => return None,
        })
    }
}

/// A finished answer, before it is written as JSON or as events.
struct Finished {
    id: String,
    reply: Reply,
    usage: Option<Usage>,
    /// Whether the stop sequence is to be told.
    tells_sequence: bool,
}

impl Finished {
    /// What makes the signature of one block differ from the next.
    fn salt(&self, index: usize) -> String {
        format!("{}{index}", self.id)
    }
}

/// What an exchange used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Usage {
    cached: CacheUse,
    output: u64,
}

/// Answers a request to a model.
pub(crate) fn answer(
    model: &str,
    operation: Operation,
    body: &Value,
    asked: &Asked<'_>,
) -> Result<Answer, ApiError> {
    match operation {
        Operation::Converse { streamed } => converse(model, streamed, body, asked),
        Operation::Invoke { streamed } => invoke::answer(model, streamed, body, asked),
        Operation::CountTokens => count(model, body),
    }
}

fn converse(model: &str, streamed: bool, body: &Value, asked: &Asked<'_>) -> Result<Answer, ApiError> {
    let request = Request::read(&Place::root(body))?;
    rules::check(&request)?;
    let pieces = prompt::pieces(model, &request, asked.scope);
    let reply = brain::reply(&prompt::of(&request, pieces.id()));
    let usage = Usage { cached: asked.state.cache.use_for(&pieces), output: reply.tokens() };
    let finished = Finished {
        id: pieces.id().to_owned(),
        reply,
        usage: asked.tell_usage.then_some(usage),
        tells_sequence: request.tells_sequence,
    };
    Ok(if streamed {
        Answer::Stream(events::render(&finished))
    } else {
        Answer::Whole(wire::whole(&finished))
    })
}

/// Counts a prompt of either form; the prompt cache is neither read nor written.
fn count(model: &str, body: &Value) -> Result<Answer, ApiError> {
    let root = Place::root(body);
    root.only(&["input"])?;
    let input = root.required("input")?;
    input.only(&["converse", "invokeModel"])?;
    let tokens = if let Some(converse) = input.key("converse") {
        let request = Request::read(&converse)?;
        rules::check(&request)?;
        prompt::pieces(model, &request, &[]).tokens()
    } else {
        let body = input.required("invokeModel")?.required("body")?;
        let invalid = || body.error("The body is not base64 of JSON.");
        let bytes = STANDARD.decode(body.text()?).map_err(|_| invalid())?;
        let body = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
        invoke::count(model, &body)?
    };
    Ok(Answer::Whole(format!(r#"{{"inputTokens":{tokens}}}"#).into()))
}
