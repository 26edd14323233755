//! `POST /v1/chat/completions`: the request.

mod messages;
mod read;
mod write;

pub(super) use self::{read::decode_request, write::encode_request};
