//! The pages as a browser asks for them, with everything in memory.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod booked;
mod cards;
mod dashboard;
mod doors;
mod first_start;
mod guides;
mod holder;
mod inert;
mod keys;
mod late;
mod me;
mod notifications;
mod order;
mod owners;
mod people;
mod plan;
mod pools;
mod prices;
mod prices_anew;
mod requests;
mod running;
mod settings;
mod support;
mod system;
mod undone;
mod usage;
