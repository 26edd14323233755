//! What only OpenAI Chat Completions knows (<https://platform.openai.com/docs/api-reference/chat>).

pub(crate) mod collect;
pub(crate) mod error;
pub(crate) mod fault;
pub(crate) mod models;
pub(crate) mod tap;
pub(crate) mod usage;
pub(crate) mod whole;
