//! An answer as a dialect wrote it, before a fault model spoils it.

use bytes::Bytes;

use crate::{brain::PromptCache, error::ApiError, fault::FlakyCounts, responses::Memory};

/// What an answer depends on besides the request's body.
pub(crate) struct Asked<'r> {
    /// Tells callers apart that share nothing: their credential and base path.
    pub(crate) scope: &'r [u8],
    pub(crate) state: &'r State,
    /// Whether usage stands wherever the dialect has a place for it.
    pub(crate) tell_usage: bool,
    /// Whether Azure answers.
    pub(crate) azure: bool,
}

/// What the sandbox remembers from one request to the next.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) cache: PromptCache,
    pub(crate) flaky: FlakyCounts,
    pub(crate) memory: Memory,
}

/// A finished answer.
pub(crate) enum Answer {
    /// JSON in one piece.
    Whole(Bytes),
    Stream(Stream),
}

/// Writes an error as an event of a stream, given the request's id and how many events went before it.
pub(crate) type ErrorEvent = fn(&ApiError, &str, usize) -> Bytes;

/// An answer as events, one a frame of the body.
pub(crate) struct Stream {
    pub(crate) content_type: &'static str,
    pub(crate) events: Vec<Bytes>,
    /// Which of the events bring content.
    deltas: Vec<usize>,
    pub(crate) error: ErrorEvent,
    /// What a broken server might send after the first event.
    pub(crate) garbage: &'static [u8],
}

impl Stream {
    pub(crate) const fn new(content_type: &'static str, error: ErrorEvent, garbage: &'static [u8]) -> Self {
        Self { content_type, events: Vec::new(), deltas: Vec::new(), error, garbage }
    }

    pub(crate) fn push(&mut self, event: Bytes, is_delta: bool) {
        if is_delta {
            self.deltas.push(self.events.len());
        }
        self.events.push(event);
    }

    /// A place with content before it and content behind it, where the answer has that much.
    pub(crate) fn middle(&self) -> usize {
        self.deltas.get(self.deltas.len() / 2).copied().unwrap_or(1)
    }
}
