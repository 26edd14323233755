//! Content blocks, which requests, answers and streams share.

mod citation;
mod media;
mod read;
pub(super) mod sealed;
mod write;

pub(super) use self::{
    citation::{CitationOut, citation, citation_out},
    read::{CachePointIn, Parts, parts},
    write::{BlockOut, BlockWriter, CachePointOut, Origin},
};
