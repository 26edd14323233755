//! `POST …/models/{model}:streamGenerateContent`: the streamed answer.

mod pieces;
mod read;
mod write;

pub(super) use self::{read::Decoder, write::Encoder};
