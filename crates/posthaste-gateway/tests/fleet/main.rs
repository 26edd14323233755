//! Two relays on one Redis: what they share is exact, and what each knows alone is told in ADR 13.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

#[path = "../support/mod.rs"]
mod support;

mod away;
mod conversations;
mod limits;
mod line;
mod pair;
