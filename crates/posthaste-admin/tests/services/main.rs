//! The services over memory stores: what operators are promised.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod accounts;
mod audited;
mod booked;
mod channels;
mod commands;
mod data;
mod keys;
mod logins;
mod owners;
mod people;
mod pools;
mod presenting;
mod requests;
mod retention;
mod signed_in;
mod stats;
mod support;
mod trying_out;
