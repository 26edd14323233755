//! What only Google's Gemini API knows (<https://ai.google.dev/api/generate-content>).

pub mod code_assist;
pub(crate) mod collect;
pub(crate) mod error;
pub(crate) mod fault;
pub(crate) mod models;
pub(crate) mod tap;
pub(crate) mod usage;
pub(crate) mod whole;
