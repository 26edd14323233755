//! Google's Gemini API (<https://ai.google.dev/api/generate-content>).

pub(crate) mod error;
pub(crate) mod fault;
pub(crate) mod models;
pub(crate) mod tap;
pub(crate) mod whole;
