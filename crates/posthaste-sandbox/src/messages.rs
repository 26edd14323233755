//! `POST /v1/messages` and `…/count_tokens`.
//!
//! The request's shape and the answers' shapes follow <https://docs.anthropic.com/en/api/messages>; what the answer
//! says is in `messages/compose.rs`.

mod cache;
mod canonical;
mod compose;
mod cut;
mod events;
mod place;
mod prompt;
mod request;
mod rules;
mod schema;
mod thinking;
mod tokens;
mod whole;
mod wire;

use bytes::Bytes;
use serde_json::Value;

pub(crate) use cache::PromptCache;
use prompt::Prompt;
pub(crate) use prompt::short_id;
use request::Request;

use crate::error::ApiError;

/// A finished answer, before it is written as JSON or as events.
pub(crate) struct Answer {
    model: String,
    id: String,
    parts: Vec<Part>,
    stop: Stop,
    usage: Option<Usage>,
    streamed: bool,
}

impl Answer {
    /// Whether the client asked for a stream.
    pub(crate) const fn streamed(&self) -> bool {
        self.streamed
    }

    /// Leaves the usage out wherever it would stand.
    pub(crate) fn forget_usage(&mut self) {
        self.usage = None;
    }

    /// What makes the signature of one block differ from the next.
    fn salt(&self, index: usize) -> String {
        format!("{}{index}", self.id)
    }

    /// The answer in one piece.
    pub(crate) fn to_json(&self) -> Bytes {
        whole::render(self)
    }

    /// The answer as events, one an element.
    pub(crate) fn to_events(&self) -> Vec<Bytes> {
        events::render(self)
    }
}

/// Answers a request. `scope` tells callers apart that must not share a prompt cache.
pub(crate) fn answer(body: &Value, scope: &[u8], cache: &PromptCache) -> Result<Answer, ApiError> {
    let request = Request::read(body)?;
    rules::check(&request)?;
    let prompt = Prompt::of(&request, scope);
    let draft = compose::compose(&request, prompt.id());
    let (parts, stop) = cut::cut(draft, &request);
    let sizes = parts.iter().map(Part::tokens);
    let usage = Usage {
        cached: cache.use_for(&prompt),
        output: sizes.sum(),
        thinking: parts.iter().filter(|part| part.is_thinking()).map(Part::tokens).sum(),
    };
    Ok(Answer {
        model: request.model.to_owned(),
        id: prompt.id().to_owned(),
        parts,
        stop,
        usage: Some(usage),
        streamed: request.stream,
    })
}

/// Counts a request's prompt; the prompt cache is neither read nor written.
pub(crate) fn count_tokens(body: &Value) -> Result<String, ApiError> {
    let request = Request::read_uncapped(body)?;
    rules::check(&request)?;
    let tokens = Prompt::of(&request, &[]).tokens();
    Ok(format!(r#"{{"input_tokens":{tokens}}}"#))
}

/// One block of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// What was thought; `omitted` keeps the text from the client.
    Thinking {
        text: String,
        omitted: bool,
    },
    /// Thoughts that are sent sealed.
    RedactedThinking {
        text: String,
    },
    Text(String),
    /// A tool call with its arguments as JSON, which may be cut off.
    ToolCall {
        id: String,
        name: String,
        input: String,
    },
}

impl Part {
    fn tokens(&self) -> u64 {
        match self {
            Self::Thinking { text, .. } | Self::RedactedThinking { text } | Self::Text(text) => {
                tokens::of_text(text)
            }
            Self::ToolCall { input, .. } => tokens::of_text(input),
        }
    }

    const fn is_thinking(&self) -> bool {
        matches!(self, Self::Thinking { .. } | Self::RedactedThinking { .. })
    }
}

/// Why an answer ends.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stop {
    EndTurn,
    MaxTokens,
    Sequence(String),
    ToolUse,
    Refusal,
}

/// What an exchange used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Usage {
    cached: cache::CacheUse,
    output: u64,
    thinking: u64,
}
