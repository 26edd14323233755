//! `POST /model/{modelId}/converse-stream`: the stream, as frames named after their events.

mod in_turn;
mod read;
mod write;

pub(super) use self::{read::Decoder, write::Encoder};
