//! Lists of models.

use bytes::Bytes;
use posthaste_core::{Dialect, Timestamp};

use crate::{anthropic, bedrock, gemini, openai_chat, openai_responses};

mod paging;

pub use paging::{Page, Paging, PagingError};

/// A model as the relay lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelEntry {
    /// The name that requests use.
    pub id: String,
    /// The name for people.
    pub display_name: String,
    /// When the model came out.
    pub created: Timestamp,
    /// Who makes it.
    pub owned_by: String,
    /// What it can be asked for.
    pub kind: ModelKind,
    /// The most tokens that it takes, where known.
    pub context_window: Option<u64>,
    /// The most tokens that it answers with, where known.
    pub max_output: Option<u64>,
}

/// What a model can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModelKind {
    /// Answers in a conversation.
    Conversation,
    /// Continuations of a text.
    Completion,
    /// Vectors.
    Embedding,
}

/// A page of the list as the dialect's `GET /v1/models` answers it.
pub fn render_models(dialect: Dialect, models: &Page<'_>) -> Bytes {
    match dialect {
        Dialect::AnthropicMessages => anthropic::models::render(models),
        Dialect::OpenAiChat => openai_chat::models::render(models),
        Dialect::OpenAiResponses => openai_responses::models::render(models),
        Dialect::GeminiGenerate => gemini::models::render(models),
        Dialect::BedrockConverse => bedrock::models::render(models),
    }
    .into()
}

/// One model as the dialect's `GET /v1/models/{id}` answers it.
pub fn render_model(dialect: Dialect, model: &ModelEntry) -> Bytes {
    match dialect {
        Dialect::AnthropicMessages => anthropic::models::render_one(model),
        Dialect::OpenAiChat => openai_chat::models::render_one(model),
        Dialect::OpenAiResponses => openai_responses::models::render_one(model),
        Dialect::GeminiGenerate => gemini::models::render_one(model),
        Dialect::BedrockConverse => bedrock::models::render_one(model),
    }
    .into()
}

#[cfg(test)]
mod tests;
