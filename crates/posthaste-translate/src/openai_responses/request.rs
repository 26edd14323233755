//! `POST /v1/responses`: the request.

mod input;
mod read;
mod tools;
mod write;

pub(super) use self::{
    read::decode_request,
    write::{Purpose, encode, encode_request},
};
