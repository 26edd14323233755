//! `POST /v1/chat/completions`: the request.

mod content;
mod control;
mod conversation;
mod messages;
mod read;
mod reasoning;
mod tools;
mod write;

pub(super) use self::{read::decode_request, write::encode_request};
