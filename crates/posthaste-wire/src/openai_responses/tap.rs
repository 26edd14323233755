//! Reading the events of a stream.

pub(crate) use crate::openai_chat::tap::{TERMINATOR, read};
