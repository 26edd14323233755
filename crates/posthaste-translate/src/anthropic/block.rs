//! Content blocks, which requests, answers and streams share.

mod read;
mod write;

pub(super) use self::{
    read::{CacheControlIn, part, parts},
    write::{BlockOut, CacheControlOut, Origin, block, text_block},
};
