//! The stores on real servers, which the tests start themselves.

#![expect(clippy::unwrap_used, reason = "a failed call is a failed test")]

mod books;
mod chatter;
mod contract;
mod limits;
mod requests;
mod support;
mod trouble;
