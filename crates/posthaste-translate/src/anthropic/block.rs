//! Content blocks, which requests, answers and streams share.

mod read;
mod write;

pub(crate) use self::write::standard_base64;
pub(super) use self::{
    read::{CacheControlIn, part, parts},
    write::{BlockOut, CacheControlOut, Origin, block, text_block},
};
