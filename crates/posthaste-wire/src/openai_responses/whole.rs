//! Reading a whole answer.

pub(crate) use crate::openai_chat::whole::read;
