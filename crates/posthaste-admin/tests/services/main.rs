//! The services over memory stores: what operators are promised.

mod accounts;
mod commands;
mod keys;
mod logins;
mod pools;
mod presenting;
mod requests;
mod signed_in;
mod support;
mod trying_out;
