//! The services over memory stores: what operators are promised.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod accounts;
mod audited;
mod booked;
mod cards;
mod carried;
mod channels;
mod commands;
mod data;
mod doubles;
mod key_batches;
mod keys;
mod lists;
mod logins;
mod order;
mod own_keys;
mod owners;
mod people;
mod places;
mod pools;
mod presenting;
mod provider;
mod recomputed;
mod requests;
mod retention;
mod signed_in;
mod stats;
mod support;
mod told;
mod trying_out;
mod versions;
mod vouched;
