//! What OpenAI's dialects share: errors, places, families of models, tools, and the endpoints around the two dialects.

pub(crate) mod completions;
pub(crate) mod embeddings;
pub(crate) mod error;
pub(crate) mod family;
pub(crate) mod images;
pub(crate) mod models;
pub(crate) mod place;
pub(crate) mod schema;
pub(crate) mod tool;
pub(crate) mod usage;

/// When everything was made: there is no clock in the sandbox. 2026-01-01T00:00:00Z.
pub(crate) const CREATED: u64 = 1_767_225_600;
