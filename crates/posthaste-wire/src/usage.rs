//! The `usage` objects of the dialects, for those who read whole bodies and events themselves.

pub use crate::{
    anthropic::usage::Counts as AnthropicUsage,
    openai_chat::usage::Counts as ChatUsage,
    openai_responses::usage::{Counts as ResponsesUsage, ToolCounts as ResponsesToolUsage},
};
