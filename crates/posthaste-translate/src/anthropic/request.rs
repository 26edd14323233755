//! `POST /v1/messages`: the request.

mod cap;
mod read;
mod thinking;
mod turns;
mod write;

pub(super) use self::{
    read::decode_request,
    write::{encode, encode_request},
};
pub(crate) use self::{
    read::{ThinkingIn, reasoning},
    thinking::{Controls, ThinkingOut, controls, in_unsigned_tool_loop},
    write::{Purpose, input_schema, no_parameters},
};
