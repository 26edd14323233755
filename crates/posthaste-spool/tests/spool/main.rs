//! A spool before real stores.

#![expect(clippy::unwrap_used, reason = "a failed call is a failed test")]

mod contract;
mod killed;
mod redis;
mod support;
