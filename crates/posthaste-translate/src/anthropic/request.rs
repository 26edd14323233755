//! `POST /v1/messages`: the request.

mod read;
mod thinking;
mod turns;
mod write;

pub(super) use self::{
    read::decode_request,
    write::{Purpose, encode, encode_request},
};
