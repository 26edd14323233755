//! Authorization codes: each is good once, for a while, for who asked for it (RFC 6749 §4.1.2).

use posthaste_core::Timestamp;

use super::{bounded::Bounded, refusal::Refusal, ticket::Ticket};

#[derive(Debug, Default)]
pub(super) struct Codes(Bounded<Code, MOST>);

/// A code that was given to a browser.
#[derive(Clone, Debug)]
pub(super) struct Code {
    /// What the tokens will say.
    pub(super) ticket: Ticket,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    /// What was given along; some vendors want it again.
    pub(super) state: Option<String>,
    pub(super) expires_at: Timestamp,
    pub(super) used: bool,
}

impl Codes {
    pub(super) fn put(&mut self, code: &str, entry: Code) {
        self.0.get_or(code, || entry);
    }

    pub(super) fn get(&self, code: &str) -> Result<&Code, Refusal> {
        self.0.get(code).ok_or_else(|| Refusal::invalid_grant("there is no such code"))
    }

    pub(super) fn use_up(&mut self, code: &str) {
        if let Some(code) = self.0.get_mut(code) {
            code.used = true;
        }
    }
}

const MOST: usize = 1_000;
