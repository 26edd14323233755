//! Keeping bodies of a client key whose operator asked for that, for as long as they asked.
//!
//! The request's is copied when it comes in, the answer's as it leaves; both up to a bound. Masking, cutting and sealing are
//! done by the recorder, away from the request. Headers are never kept.

mod masking;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame};
use posthaste_core::{
    CaptureRules, CapturedBodies, CapturedBody, RelayBody, Timestamp, TransportError, boxed_body,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) use self::masking::mask;
use crate::trail::Trail;

/// The bodies of one request, as they were.
pub(crate) struct Captured {
    most_bytes: usize,
    request: Piece,
    answer: Option<Piece>,
    /// Gives its place back when the bodies are sealed.
    _place: OwnedSemaphorePermit,
}

/// What is known of one body.
#[derive(Default)]
pub(crate) struct Piece {
    beginning: Vec<u8>,
    whole_bytes: u64,
}

/// What a capture came to when it was begun.
pub(crate) enum Capture {
    /// None is wanted, or its time is over.
    Unwanted,
    /// Too many are under way.
    NoRoom,
    /// It was begun.
    Begun(Box<Captured>),
}

impl Capture {
    /// Begins one where the rules want it at `now`.
    pub(crate) fn begin(
        rules: Option<CaptureRules>,
        body: &Bytes,
        places: &Arc<Semaphore>,
        now: Timestamp,
    ) -> Self {
        let Some(rules) = rules.filter(|rules| rules.until > now) else { return Self::Unwanted };
        let Ok(place) = Arc::clone(places).try_acquire_owned() else { return Self::NoRoom };
        let mut request = Piece::default();
        request.add(body);
        let most_bytes = usize::try_from(rules.most_bytes).unwrap_or(usize::MAX);
        Self::Begun(Box::new(Captured { most_bytes, request, answer: None, _place: place }))
    }
}

impl Captured {
    /// The answer's body was delivered, or a part of it.
    pub(crate) fn answered(&mut self, answer: Piece) {
        self.answer = Some(answer);
    }

    /// What is kept of it.
    pub(crate) fn finish(&self) -> CapturedBodies {
        let keep = |piece: &Piece| piece.keep(self.most_bytes);
        CapturedBodies { request: keep(&self.request), answer: self.answer.as_ref().map(keep) }
    }
}

impl Piece {
    fn add(&mut self, bytes: &[u8]) {
        let room = MOST_LOOKED_AT.saturating_sub(self.beginning.len());
        self.beginning.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.whole_bytes = self.whole_bytes.saturating_add(bytes.len() as u64);
    }

    /// Masks what is secret, leaves media out and cuts the rest to `most` bytes.
    fn keep(&self, most: usize) -> CapturedBody {
        let partial = self.whole_bytes > self.beginning.len() as u64;
        let text = String::from_utf8_lossy(&self.beginning);
        let text = if partial { without_last_word(&text) } else { &text };
        let mut text = mask(text);
        let cut = partial || text.len() > most;
        text.truncate(text.floor_char_boundary(most));
        CapturedBody { text, whole_bytes: self.whole_bytes, cut }
    }
}

/// A secret that the bound cuts in two would not be known for one.
fn without_last_word(text: &str) -> &str {
    let end = text.rfind(|c: char| c.is_whitespace() || matches!(c, '"' | ',')).unwrap_or(0);
    &text[..end]
}

/// The body of an answer, copied as it leaves.
struct CapturingBody {
    inner: RelayBody,
    piece: Piece,
    trail: Trail,
}

/// Copies an answer's body as it leaves, where its request's was captured.
pub(crate) fn capturing(trail: &Trail, body: RelayBody) -> RelayBody {
    if !trail.captures() {
        return body;
    }
    boxed_body(CapturingBody { inner: body, piece: Piece::default(), trail: trail.clone() })
}

impl Body for CapturingBody {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            this.piece.add(data);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for CapturingBody {
    fn drop(&mut self) {
        self.trail.captured_answer(std::mem::take(&mut self.piece));
    }
}

/// How many requests' bodies are held in memory at most, from their beginning until they are sealed.
pub(crate) const PLACES: usize = 64;

/// How much of a body is looked at: media that are left out may stand before what is of interest.
const MOST_LOOKED_AT: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str, most: usize) -> CapturedBody {
        let mut piece = Piece::default();
        piece.add(text.as_bytes());
        piece.keep(most)
    }

    #[test]
    fn what_is_short_is_kept_whole() {
        let body = kept("hello", 5);
        assert_eq!(body, CapturedBody { text: "hello".to_owned(), whole_bytes: 5, cut: false });
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        for most in 0..9 {
            let body = kept("🦀🦀", most);
            assert_eq!(body.text.len(), most / 4 * 4, "{most}");
            assert_eq!((body.whole_bytes, body.cut), (8, most < 8));
        }
    }

    #[test]
    fn media_before_the_words_do_not_hide_them() {
        let body = kept(&format!("{{\"data\":\"{}\",\"text\":\"hello\"}}", "A".repeat(100_000)), 100);
        assert!(body.text.contains("hello") && !body.cut, "{body:?}");
    }

    #[test]
    fn a_secret_that_the_bound_cuts_is_left_out() {
        let text = format!("{} sk-dummy-CANARY", "hello ".repeat(MOST_LOOKED_AT / 6));
        let body = kept(&text, usize::MAX);
        assert!(body.cut && !body.text.contains("sk-"), "{}", &body.text[body.text.len() - 40..]);
        assert_eq!(body.whole_bytes, text.len() as u64);
    }
}
