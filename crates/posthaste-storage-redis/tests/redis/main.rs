//! The stores on real servers, which the tests start themselves.

#![expect(clippy::unwrap_used, reason = "a failed call is a failed test")]

mod books;
mod chatter;
mod cluster;
mod contract;
mod keys;
mod lanes;
mod limits;
mod requests;
mod sentinel;
mod start;
mod support;
mod tls;
mod trouble;
