//! What an upstream says went wrong.

use std::time::Duration;

use http::HeaderMap;
use posthaste_core::{Dialect, Timestamp};

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
    /// What it told besides.
    pub details: ErrorDetails,
}

impl UpstreamError {
    /// An error without details.
    pub fn new(kind: impl Into<String>, code: Option<String>, message: impl Into<String>) -> Self {
        Self { kind: kind.into(), code, message: message.into(), details: ErrorDetails::default() }
    }
}

/// What a vendor tells of an error beside its class and its words. Most tell nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorDetails {
    /// The finest class: Google's `ErrorInfo`, `API_KEY_INVALID` or `QUOTA_EXHAUSTED`.
    pub reason: Option<String>,
    /// How long to wait before asking again, from a field or from the words.
    pub wait: Option<Duration>,
    /// When the limit that was reached starts anew.
    pub resets_at: Option<Timestamp>,
    /// The quotas that are used up, by the vendor's names.
    pub quotas: Vec<String>,
    /// Whether the limit is zero: there is no such quota, and no waiting gives one.
    pub no_quota: bool,
    /// The model that the quota is counted for, where the vendor names it.
    pub model: Option<String>,
    /// The page that the account's owner has to open.
    pub link: Option<String>,
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
