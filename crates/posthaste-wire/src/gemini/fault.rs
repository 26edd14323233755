//! The relay's own errors in this dialect.

pub(crate) use crate::openai_chat::fault::{KEEP_ALIVE, body, event, status};
