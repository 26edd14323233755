//! What is read from a request before its body.

pub(crate) mod address;
pub(crate) mod caller;
