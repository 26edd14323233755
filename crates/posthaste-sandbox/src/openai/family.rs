//! What a model's name says about its ways.

use crate::models::serves;

/// Whether the sandbox answers in OpenAI's dialects for a model of this name.
pub(crate) fn is_served(model: &str) -> bool {
    serves(model, SERVED)
}

/// The vendors who offer OpenAI's dialect ignore the fields that they do not know.
pub(crate) fn is_lenient(model: &str) -> bool {
    is_reasoner(model) || serves(model, &["qwen", "glm", "deepseek", "kimi"])
}

/// Whether the model can think at all.
pub(crate) fn may_think(model: &str) -> bool {
    !serves(model, &["gpt-3.5", "gpt-4", "chatgpt-"])
}

/// Whether the model thinks when the request says nothing about it.
pub(crate) fn thinks_by_default(model: &str) -> bool {
    is_openai_thinker(model) || is_reasoner(model)
}

/// OpenAI's own thinking models, which refuse `max_tokens` and other sampling than their own.
pub(crate) fn is_openai_thinker(model: &str) -> bool {
    serves(model, &["o1", "o3", "o4", "gpt-5"])
}

/// Models that answer with `reasoning_content`, as DeepSeek's do, and want it back in a tool loop.
pub(crate) fn is_reasoner(model: &str) -> bool {
    serves(model, &["sandbox-reasoner", "deepseek-reasoner"])
}

/// Whether what was thought stands in the answer.
pub(crate) fn shows_thoughts(model: &str) -> bool {
    is_lenient(model)
}

/// Whether streams bring a tool call in one piece, as GLM's do.
pub(crate) fn sends_whole_calls(model: &str) -> bool {
    serves(model, &["glm"])
}

/// Whether later pieces of a tool call repeat an empty id, as Qwen's do.
pub(crate) fn repeats_empty_ids(model: &str) -> bool {
    serves(model, &["qwen"])
}

const SERVED: &[&str] = &[
    "babbage-",
    "chatgpt-",
    "claude-",
    "codex-",
    "dall-e-",
    "davinci-",
    "deepseek",
    "gemini-",
    "glm",
    "gpt-",
    "kimi",
    "o1",
    "o3",
    "o4",
    "qwen",
    "sandbox-",
    "text-embedding-",
];
