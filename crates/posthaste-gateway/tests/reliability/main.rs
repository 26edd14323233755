//! Faults by their ids in docs/RELIABILITY.md, each with what the relay does about it.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

#[path = "../support/mod.rs"]
mod support;

mod credentials;
mod outage;
mod passing;
mod thinking;
