//! Token counts, which both dialects make alike and name differently.

use serde::Serialize;

use crate::brain::{CacheUse, Reply};

/// What an exchange used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    /// All of it, what was read from the cache included.
    pub(crate) input: u64,
    pub(crate) cached: u64,
    pub(crate) output: u64,
    pub(crate) reasoning: u64,
}

impl Usage {
    /// `answers` is how often the reply is given.
    pub(crate) fn of(cached: CacheUse, reply: &Reply, answers: u64) -> Self {
        Self {
            input: cached.input + cached.read + cached.write_5m + cached.write_1h,
            cached: cached.read,
            output: reply.tokens() * answers,
            reasoning: reply.thinking_tokens() * answers,
        }
    }

    pub(crate) const fn total(&self) -> u64 {
        self.input + self.output
    }
}

/// A field that is `null` until something is known, or not there at all.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Told<T> {
    Absent,
    Later,
    Now(T),
}

impl<T> Told<T> {
    pub(crate) const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}
