//! `POST /v1/chat/completions`: the whole answer.
//!
//! What only this dialect knows rides along under the path that it has in the body: fields of the first choice as
//! `choices.…`, of its message as `choices.message.…`, and the choices behind the first as `choices`.

mod read;
mod write;

pub(super) use self::{
    read::{decode_response, is_failure, stop_reason, usage},
    write::{ONE_CALL, UsageOut, encode_response, finish_reason},
};

/// The extra that holds the choices behind the first.
const CHOICES: &str = "choices";
/// What the fields of the first choice are named after.
const CHOICE: &str = "choices.";
/// What the fields of its message are named after.
const MESSAGE: &str = "choices.message.";
