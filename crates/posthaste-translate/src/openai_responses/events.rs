//! `POST /v1/responses`: the streamed answer.

mod frame;
mod items;
mod read;
mod wire;
mod write;

pub(super) use self::{read::Decoder, write::Encoder};
