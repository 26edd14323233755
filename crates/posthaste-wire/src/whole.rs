//! Answers that are not streams.

use posthaste_core::{Dialect, Usage};

use crate::{UpstreamError, anthropic, bedrock, gemini, openai_chat, openai_responses};

/// What the relay needs to know of a whole answer. Its content is skipped, not built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WholeAnswer {
    /// The tokens to bill; `None` when the answer tells none, as the answer to a token count does.
    pub usage: Option<Usage>,
    /// The error, where the body is one in spite of its status.
    pub error: Option<UpstreamError>,
}

/// Why a body is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WholeError {
    /// The body is not JSON, or is cut off.
    #[error("the answer is not valid JSON (line {line}, column {column})")]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// The column in bytes, from 1; 0 at the start of a line.
        column: usize,
    },
    /// The body is JSON, but no answer of the dialect.
    #[error("the answer has not the shape of {dialect}")]
    NotAnAnswer {
        /// The dialect that was asked for.
        dialect: Dialect,
    },
}

/// Reads a whole answer of the dialect.
///
/// # Errors
/// When the body is not JSON, or JSON of another shape.
pub fn read_whole(dialect: Dialect, body: &[u8]) -> Result<WholeAnswer, WholeError> {
    let answer = match dialect {
        Dialect::AnthropicMessages => anthropic::whole::read(body),
        Dialect::OpenAiChat => openai_chat::whole::read(body),
        Dialect::OpenAiResponses => openai_responses::whole::read(body),
        Dialect::GeminiGenerate => gemini::whole::read(body),
        Dialect::BedrockConverse => bedrock::whole::read(body),
    };
    match answer {
        Ok(Some(answer)) => Ok(answer),
        Ok(None) => Err(WholeError::NotAnAnswer { dialect }),
        Err(error) if error.is_data() => Err(WholeError::NotAnAnswer { dialect }),
        Err(error) => Err(WholeError::NotJson { line: error.line(), column: error.column() }),
    }
}

#[cfg(test)]
mod tests;
