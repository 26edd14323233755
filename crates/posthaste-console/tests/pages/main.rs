//! The pages as a browser asks for them, with everything in memory.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod booked;
mod dashboard;
mod cards;
mod doors;
mod first_start;
mod inert;
mod keys;
mod late;
mod me;
mod owners;
mod people;
mod notifications;
mod pools;
mod prices;
mod prices_anew;
mod running;
mod settings;
mod support;
mod system;
mod usage;
