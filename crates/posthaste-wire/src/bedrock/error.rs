//! Error bodies.

pub(crate) use crate::openai_chat::error::read;
