#![doc = include_str!("../README.md")]

pub mod carrier;
pub mod check;
pub mod codec;
pub mod framing;
pub mod headers;
pub mod members;
pub mod messages;
pub mod mutate;
pub mod splices;
pub mod spool;
pub mod streams;
