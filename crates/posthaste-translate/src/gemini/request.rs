//! `POST …/models/{model}:generateContent`: the request.

mod config;
mod read;
mod thinking;
mod tools;
mod turns;
mod write;

pub(super) use self::{
    read::{decode_request, decode_value},
    write::{encode, encode_request},
};
