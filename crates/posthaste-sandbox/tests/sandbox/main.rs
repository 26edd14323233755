//! The sandbox as its callers see it.

mod answers;
mod asking;
mod assembling;
mod bedrock;
mod chat;
mod everywhere;
mod faults;
mod gemini;
mod read_back;
mod refusals;
mod responses;
