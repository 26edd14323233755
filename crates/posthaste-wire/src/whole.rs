//! Answers that are not streams.

use posthaste_core::{Dialect, Usage};
use serde::Deserialize;

use crate::{
    UpstreamError, anthropic, bedrock,
    count::Count,
    gemini,
    lenient::{Filled, Lenient, object},
    openai_chat, openai_responses, read_error,
};

/// What the relay needs to know of a whole answer. Its content is skipped, not built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WholeAnswer {
    /// The tokens to bill; `None` when the answer tells none, as the answer to a token count does.
    pub usage: Option<Usage>,
    /// Whether one side of the counts is missing, or is no count: then they are no bill.
    pub in_part: bool,
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

/// Reads an answer that is no part of a conversation (vectors, pictures, counts): its token counts, where it tells any, and
/// whether it is an error.
///
/// # Errors
/// When the body is not a JSON object.
pub fn read_other(dialect: Dialect, body: &[u8]) -> Result<WholeAnswer, WholeError> {
    match object::<Other>(body) {
        Ok(Some(other)) if other.error.0 => {
            Ok(WholeAnswer { error: read_error(dialect, body), ..WholeAnswer::default() })
        }
        Ok(Some(other)) => {
            let prompt = |counts: &OtherUsage| counts.input_tokens.or(counts.prompt_tokens);
            let in_part = other.usage.0.as_ref().is_some_and(|counts| prompt(counts).0.is_none());
            let usage = other.usage.0.map(|counts| Usage {
                input: prompt(&counts).or_zero(),
                output: counts.output_tokens.or(counts.completion_tokens).or_zero(),
                ..Usage::default()
            });
            Ok(WholeAnswer { usage, in_part, error: None })
        }
        Ok(None) => Err(WholeError::NotAnAnswer { dialect }),
        Err(error) if error.is_data() => Err(WholeError::NotAnAnswer { dialect }),
        Err(error) => Err(WholeError::NotJson { line: error.line(), column: error.column() }),
    }
}

#[derive(Deserialize)]
struct Other {
    #[serde(default)]
    usage: Lenient<OtherUsage>,
    #[serde(default)]
    error: Filled,
}

/// OpenAI counts embeddings and completions by one pair of names, and pictures by the other.
#[derive(Deserialize)]
struct OtherUsage {
    #[serde(default)]
    prompt_tokens: Count,
    #[serde(default)]
    completion_tokens: Count,
    #[serde(default)]
    input_tokens: Count,
    #[serde(default)]
    output_tokens: Count,
}

#[cfg(test)]
mod tests;
