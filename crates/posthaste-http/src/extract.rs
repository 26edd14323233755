//! What is read from a request before its body.

pub(crate) mod caller;
