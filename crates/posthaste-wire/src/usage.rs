//! The `usage` objects of the dialects, for those who read whole bodies and events themselves.

pub use crate::{
    anthropic::usage::Counts as AnthropicUsage,
    bedrock::usage::Counts as BedrockUsage,
    gemini::usage::Counts as GeminiUsage,
    openai_chat::usage::Counts as ChatUsage,
    openai_responses::usage::{Counts as ResponsesUsage, ToolCounts as ResponsesToolUsage},
};
