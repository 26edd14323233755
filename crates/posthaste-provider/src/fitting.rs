//! Bodies for endpoints that are pickier than their dialect.

use posthaste_core::Payload;

/// A body as an account's endpoint wants it.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The body.
    pub body: Payload,
    /// What was left out of it, by the names of its members.
    pub left_out: Vec<&'static str>,
}

impl Fitted {
    /// A body that needs no change.
    pub(crate) const fn as_it_is(body: Payload) -> Self {
        Self { body, left_out: Vec::new() }
    }
}
