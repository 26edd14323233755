#![doc = include_str!("../README.md")]

mod address;
mod client;
mod connect;
mod resolve;
mod reuse;
mod tls;

pub use address::is_public;
pub use client::{HttpTransport, UpstreamOptions};
