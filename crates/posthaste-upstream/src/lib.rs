#![doc = include_str!("../README.md")]

mod address;
mod client;
mod connect;
mod failure;
mod guard;
mod lanes;
mod pools;
mod proxy;
mod reach;
mod resolve;
mod reuse;
mod stage;
mod tcp;
mod tls;

pub use address::is_public;
pub use client::{HttpTransport, UpstreamOptions};
pub use rustls::pki_types::CertificateDer;
