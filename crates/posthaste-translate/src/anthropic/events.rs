//! `POST /v1/messages`: the streamed answer.

mod read;
mod write;

pub(super) use self::{read::Decoder, write::Encoder};
