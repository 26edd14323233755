//! The front over an in-memory relay: real routes, real vault, no network.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod bodies;
mod dialects;
mod doors;
mod errors;
mod events;
mod hurtful;
mod models;
mod passing;
mod policy;
mod socket;
mod support;
mod system;
mod travelling;
