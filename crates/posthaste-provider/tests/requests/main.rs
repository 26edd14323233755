//! Requests as they leave: method, address, every header and the body.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod azure_openai;
mod bedrock;
mod support;
