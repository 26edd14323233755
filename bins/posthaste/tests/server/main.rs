//! The program as a process: real sockets, real signals, a real store.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod stopping;
mod support;
