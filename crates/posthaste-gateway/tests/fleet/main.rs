//! Relays on one store: what they share is exact, what they find out of the accounts all know (ADR 17), and what each knows
//! alone is told in ADR 13.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

#[path = "../support/mod.rs"]
mod support;

mod away;
mod conversations;
mod fleet;
mod health;
mod limits;
mod line;
mod measured;
mod pair;
mod revoked;
mod trials;
