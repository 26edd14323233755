//! An answer in one piece.

use bytes::Bytes;

use super::{Answer, wire::Message};

pub(super) fn render(answer: &Answer) -> Bytes {
    serde_json::to_vec(&Message::whole(answer)).expect("an answer becomes JSON").into()
}
