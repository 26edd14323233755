//! Google's Gemini: `POST /v1beta/models/{model}:{method}`, and the same in Code Assist's envelope.
//!
//! The shapes follow <https://ai.google.dev/api/generate-content>.

mod code_assist;
mod embed;
pub(crate) mod error;
mod events;
pub(crate) mod models;
mod place;
mod prompt;
mod request;
mod rules;
mod schema;
mod signature;
mod wire;

use std::borrow::Cow;

use serde_json::Value;

pub(crate) use code_assist::{Method as CodeAssistMethod, answer as code_assist};
use embed::{batch, embed};

use crate::{
    answer::{Answer, Asked, Stream},
    brain::{self, CacheUse, Pieces, Reply},
    error::ApiError,
};
use events::Framing;
use place::Place;
use request::Request;

/// What is asked of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Generate,
    /// As server-sent events, or as a JSON array that comes piece by piece.
    Stream {
        sse: bool,
    },
    CountTokens,
    Embed,
    BatchEmbed,
}

impl Method {
    /// The method of this name; `sse` is what the query says.
    pub(crate) fn named(name: &str, sse: bool) -> Option<Self> {
        Some(match name {
            "generateContent" => Self::Generate,
            "streamGenerateContent" => Self::Stream { sse },
            "countTokens" => Self::CountTokens,
            "embedContent" => Self::Embed,
            "batchEmbedContents" => Self::BatchEmbed,
            _ => return None,
        })
    }

    /// Whether answers come as a JSON array, errors too.
    pub(crate) const fn is_array(self) -> bool {
        matches!(self, Self::Stream { sse: false })
    }
}

/// A finished answer, before it is written as JSON or as events.
struct Finished<'a> {
    request: &'a Request<'a>,
    id: String,
    reply: Reply,
    usage: Option<Usage>,
    envelope: bool,
}

/// What an exchange used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Usage {
    prompt: u64,
    cached: u64,
    answer: u64,
    thoughts: u64,
}

impl Usage {
    fn of(cached: CacheUse, reply: &Reply, answers: u64) -> Self {
        let thoughts = reply.thinking_tokens();
        Self {
            prompt: cached.input + cached.read + cached.write_5m + cached.write_1h,
            cached: cached.read,
            answer: (reply.tokens() - thoughts) * answers,
            thoughts: thoughts * answers,
        }
    }
}

/// Answers a request to a model.
pub(crate) fn answer(
    model: &str,
    method: Method,
    body: &Value,
    asked: &Asked<'_>,
) -> Result<Answer, ApiError> {
    let root = Place::root(body);
    match method {
        Method::Generate => generate(model, &root, None, false, asked),
        Method::Stream { sse } => generate(model, &root, Some(sse), false, asked),
        Method::CountTokens => count(model, &root),
        Method::Embed => embed(&root),
        Method::BatchEmbed => batch(&root),
    }
}

/// `streamed` says whether as server-sent events; `envelope` whether Code Assist asks.
fn generate(
    model: &str,
    root: &Place<'_>,
    streamed: Option<bool>,
    envelope: bool,
    asked: &Asked<'_>,
) -> Result<Answer, ApiError> {
    let request = Request::read(model, root, envelope)?;
    rules::check(&request)?;
    let said = prompt::said(&request);
    let pieces = Pieces::unmarked(model, asked.scope, request.tools.raw(), &said);
    let reply = brain::reply(&prompt::of(&request, said, pieces.id()));
    let usage = Usage::of(asked.state.cache.use_for(&pieces), &reply, request.config.answers());
    let finished = Finished {
        request: &request,
        id: pieces.id().to_owned(),
        reply,
        usage: asked.tell_usage.then_some(usage),
        envelope,
    };
    let Some(sse) = streamed else { return Ok(Answer::Whole(wire::whole(&finished).into())) };
    let framing = if sse { Framing::Sse } else { Framing::Array };
    let mut stream = Stream::new(framing.content_type(), framing.error_event(), framing.garbage());
    events::render(&finished, framing, &mut stream);
    Ok(Answer::Stream(stream))
}

/// Counts a prompt: contents alone, or a whole request; the prompt cache is neither read nor written.
fn count(model: &str, root: &Place<'_>) -> Result<Answer, ApiError> {
    root.only(&["contents", "generateContentRequest", "model"])?;
    let inner = root.key("generateContentRequest");
    let request = Request::read(model, inner.as_ref().unwrap_or(root), false)?;
    let tokens = tokens(&request);
    let details = format!(r#"[{{"modality":"TEXT","tokenCount":{tokens}}}]"#);
    Ok(Answer::Whole(format!(r#"{{"totalTokens":{tokens},"promptTokensDetails":{details}}}"#).into()))
}

fn tokens(request: &Request<'_>) -> u64 {
    Pieces::unmarked(request.model, &[], request.tools.raw(), &prompt::said(request)).tokens()
}

/// `some_name` as `someName`.
fn camel(name: &str) -> Cow<'_, str> {
    if !name.contains('_') {
        return Cow::Borrowed(name);
    }
    let mut camel = String::with_capacity(name.len());
    let mut raise = false;
    for letter in name.chars() {
        match letter {
            '_' => raise = true,
            letter if raise => {
                camel.push(letter.to_ascii_uppercase());
                raise = false;
            }
            letter => camel.push(letter),
        }
    }
    Cow::Owned(camel)
}

/// `someName` as `some_name`.
fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
