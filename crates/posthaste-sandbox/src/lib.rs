#![doc = include_str!("../README.md")]

mod dispatch;
mod error;
mod fault;
mod messages;
mod models;
mod paced;
mod sandbox;
mod sse;

pub use dispatch::SandboxOr;
pub use sandbox::{SANDBOX_BASE_URL, Sandbox, SandboxOptions};
