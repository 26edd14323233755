//! What an upstream says went wrong.

use http::HeaderMap;
use posthaste_core::Dialect;

use crate::{Frame, anthropic, bedrock, gemini, openai_chat, openai_responses};

/// An upstream's error as it told it. The message may hold what must stay inside (organisation ids, tails of keys).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamError {
    /// The vendor's class of error, `error.type`; `error` when it gave none.
    pub kind: String,
    /// The vendor's finer code, where it has one; numbers are written out.
    pub code: Option<String>,
    /// The vendor's words; empty when it gave none.
    pub message: String,
}

/// Reads an error body, or the data of an error event; `None` when it is none.
pub fn read_error(dialect: Dialect, body: &[u8]) -> Option<UpstreamError> {
    match dialect {
        Dialect::AnthropicMessages => anthropic::error::read(body),
        Dialect::OpenAiChat => openai_chat::error::read(body),
        Dialect::OpenAiResponses => openai_responses::error::read(body),
        Dialect::GeminiGenerate => gemini::error::read(body),
        Dialect::BedrockConverse => bedrock::error::read(body),
    }
}

/// Reads an answer that is an error with the headers it came with, where Converse names its kind; `None` when it is
/// none.
pub fn read_error_answer(dialect: Dialect, headers: &HeaderMap, body: &[u8]) -> Option<UpstreamError> {
    match dialect {
        Dialect::BedrockConverse => bedrock::error::read_answer(headers, body),
        other => read_error(other, body),
    }
}

/// Reads a frame that is an error, whose name tells Converse's kind; `None` when it is none.
pub fn read_error_frame(dialect: Dialect, frame: Frame<'_>) -> Option<UpstreamError> {
    match (dialect, frame.event) {
        (Dialect::BedrockConverse, Some(name)) => bedrock::error::is_exception(name)
            .then(|| bedrock::error::read_exception(name, frame.data))
            .flatten(),
        _ => read_error(dialect, frame.data),
    }
}
