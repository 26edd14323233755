//! A message in one piece.

use bytes::Bytes;

use super::wire;

pub(super) fn render(message: &super::Message) -> Bytes {
    serde_json::to_vec(&wire::Message::whole(message)).expect("a message becomes JSON").into()
}
