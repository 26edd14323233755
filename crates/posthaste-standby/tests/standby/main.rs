//! A watched store that is slow, silent, away, refuses, and comes back: scripted, and a real Redis.

#![expect(clippy::unwrap_used, reason = "a failed call is a failed test")]

mod breaker;
mod debts;
mod local;
mod log;
mod proxy;
mod records;
mod redis;
mod scripted;
mod support;
