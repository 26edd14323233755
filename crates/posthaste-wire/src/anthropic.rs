//! What only Anthropic Messages knows (<https://platform.claude.com/docs/en/api/messages>).

pub(crate) mod collect;
pub(crate) mod error;
pub(crate) mod fault;
pub(crate) mod invoke;
pub(crate) mod models;
pub(crate) mod tap;
pub(crate) mod usage;
pub(crate) mod whole;
