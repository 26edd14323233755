//! `POST …/models/{model}:generateContent`: the whole answer.

mod read;
mod stop;
mod write;

pub(super) use self::{
    read::{CandidateIn, ResponseIn, blocked, decode_response},
    stop::{finish_reason, stop},
    write::{UsageOut, encode_response},
};
