//! What an upstream says went wrong.

use posthaste_core::Dialect;

use crate::{anthropic, bedrock, gemini, openai_chat, openai_responses};

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
