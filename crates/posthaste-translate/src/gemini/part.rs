//! Parts, which requests, answers and streams share.

mod call;
mod media;
mod read;
mod write;

pub(super) use self::{
    call::CallIn,
    read::{PartIn, content, part, parts},
    write::{Origin, PartOut, losses_of, part_out, result_out, signature, texts},
};
