//! Content blocks, which requests, answers and streams share.

mod citation;
mod read;
mod readable;
mod write;

pub(super) use self::{
    citation::{CitationOut, citation},
    read::{CacheControlIn, part, parts},
    write::{BlockOut, CacheControlOut, Origin, Place, block, text_block},
};
