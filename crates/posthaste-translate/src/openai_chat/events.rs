//! `POST /v1/chat/completions`: the streamed answer.

mod calls;
mod chunk;
mod read;
mod write;

pub(super) use self::{read::Decoder, write::Encoder};
