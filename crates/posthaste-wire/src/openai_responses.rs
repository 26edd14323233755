//! OpenAI's Responses API (<https://platform.openai.com/docs/api-reference/responses>).

pub(crate) mod error;
pub(crate) mod fault;
pub(crate) mod models;
pub(crate) mod tap;
pub(crate) mod whole;
