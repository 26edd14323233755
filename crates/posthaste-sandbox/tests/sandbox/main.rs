//! The sandbox as its callers see it.

mod answers;
mod asking;
mod assembling;
mod azure;
mod bedrock;
mod chat;
mod everywhere;
mod faults;
mod gemini;
mod hostile;
mod oauth;
mod read_back;
mod refusals;
mod responses;
