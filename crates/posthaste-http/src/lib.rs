#![doc = include_str!("../README.md")]

mod body;
mod decode;
mod extract;
mod respond;
mod routes;
mod server;

pub use routes::{Front, FrontOptions, metrics_router, router};
pub use server::{Drained, ServerOptions, serve};
