#![doc = include_str!("../README.md")]

mod answer;
mod azure;
mod bedrock;
mod brain;
mod chat;
mod dialect;
mod dispatch;
mod embedding;
mod error;
mod fault;
mod gemini;
mod messages;
mod models;
mod oauth;
mod openai;
mod paced;
mod reading;
mod responses;
mod sandbox;
mod seal;
mod sse;

pub use dispatch::SandboxOr;
pub use oauth::{SANDBOX_CLIENT_ID, SANDBOX_CONFIDENTIAL_CLIENT_ID, SANDBOX_CONFIDENTIAL_CLIENT_SECRET};
pub use sandbox::{SANDBOX_BASE_URL, Sandbox, SandboxOptions};
