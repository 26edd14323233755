//! What only OpenAI Responses knows (<https://platform.openai.com/docs/api-reference/responses>), checked 2026-11-23.

pub(crate) mod error;
pub(crate) mod fault;
pub(crate) mod models;
pub(crate) mod tap;
pub(crate) mod usage;
pub(crate) mod whole;
