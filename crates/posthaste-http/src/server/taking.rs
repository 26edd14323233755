//! Clients that do not take what is ready for them.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::conversation::Conversation;

/// How an answer is taken. It has a number that is odd while a piece was given out that nobody has come back from, and that is
/// never the same again; who looks now and then sees by it whether anything moves, and nobody reads a clock for every piece.
#[derive(Debug, Default)]
pub(super) struct Taking {
    turn: AtomicU64,
    seen: AtomicU64,
    looks: AtomicU32,
}

impl Taking {
    fn asked(&self) {
        self.advance(1);
    }

    fn given(&self) {
        self.advance(0);
    }

    /// The next turn where it has this remainder. One answer at a time has it, so that nobody writes in between.
    fn advance(&self, from: u64) {
        let turn = self.turn.load(Ordering::Relaxed);
        if turn % 2 == from {
            self.turn.store(turn + 1, Ordering::Relaxed);
        }
    }

    /// How many looks in a row have found the same piece lying there.
    pub(super) fn look(&self) -> u32 {
        let turn = self.turn.load(Ordering::Relaxed);
        let same = self.seen.swap(turn, Ordering::Relaxed) == turn && turn % 2 == 1;
        let looks = if same { self.looks.load(Ordering::Relaxed) + 1 } else { 0 };
        self.looks.store(looks, Ordering::Relaxed);
        looks
    }
}

/// Whose the taking is.
pub(super) enum Place {
    /// The connection's own, which has one answer at a time.
    Connection(Conversation),
    /// That of one stream among others.
    Stream(Arc<Taking>),
}

impl Place {
    fn taking(&self) -> &Taking {
        match self {
            Self::Connection(conversation) => conversation.taking(),
            Self::Stream(taking) => taking,
        }
    }
}

/// An answer's body that notes how it is taken.
pub(super) struct Taken {
    body: Body,
    place: Place,
}

impl Taken {
    pub(super) const fn new(body: Body, place: Place) -> Self {
        Self { body, place }
    }
}

impl http_body::Body for Taken {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.place.taking().asked();
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if matches!(frame, Some(Ok(_))) {
            self.place.taking().given();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.place.taking().asked();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_there_is_found_lying_and_what_moves_is_not() {
        let taking = Taking::default();
        assert_eq!([taking.look(), taking.look()], [0, 0], "nothing was given yet");
        taking.asked();
        taking.given();
        assert_eq!([taking.look(), taking.look(), taking.look()], [0, 1, 2]);
        taking.asked();
        assert_eq!([taking.look(), taking.look()], [0, 0], "the client waits for more");
        taking.given();
        assert_eq!(taking.look(), 0);
        // Another piece lies there now.
        taking.asked();
        taking.given();
        assert_eq!([taking.look(), taking.look()], [0, 1]);
    }
}
