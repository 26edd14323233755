//! Identity tokens and the provider that makes them, without a network.
#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod asking;
mod believing;
mod examining;
mod keys;
mod rotating;
mod support;
