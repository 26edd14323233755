//! What of a request's body nobody wanted.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use parking_lot::Mutex;
use tokio::time::timeout;

use super::{
    conversation::Conversation,
    pace::{Pace, TooSlow},
};

/// The body of a connection's last request, where it was dropped before its end.
#[derive(Debug, Default)]
pub(super) struct Rest {
    unread: AtomicBool,
    body: Mutex<Option<Incoming>>,
}

impl Rest {
    /// Another request has come: on HTTP/1.1 it shows that the one before was read.
    pub(super) fn forget(&self) {
        self.unread.store(false, Ordering::Relaxed);
    }

    /// Whether the client may be sending still what nobody reads.
    pub(super) fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// Reads the rest, where it is small and comes at once, and throws it away. False when it is there still: no other
    /// request can be read behind it, so the answer has to say that the connection ends
    /// (RFC 9112, section 9.3). A client that has not been told would lose the request it sends next.
    pub(super) async fn read(&self) -> bool {
        let Some(mut body) = self.body.lock().take() else { return !self.is_unread() };
        if body.size_hint().upper().is_some_and(|bytes| bytes > MOST_BYTES) {
            return false;
        }
        let mut left = MOST_BYTES;
        let to_its_end = async {
            while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
                let Ok(frame) = frame else { return false };
                let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
                let Some(fewer) = left.checked_sub(bytes) else { return false };
                left = fewer;
            }
            true
        };
        let read = timeout(PATIENCE, to_its_end).await.unwrap_or(false);
        if read {
            self.forget();
        }
        read
    }
}

/// A request's body that is left with its connection when it is dropped before its end, and that ends when it comes too
/// slowly.
pub(super) struct Watched {
    /// There until it is dropped.
    body: Option<Incoming>,
    ended: bool,
    /// The client waits to be told that it may send it, which reading it would tell.
    awaited: bool,
    pace: Pace,
    conversation: Conversation,
}

impl Watched {
    pub(super) fn new(body: Incoming, headers: &HeaderMap, conversation: Conversation) -> Self {
        let awaited = headers.contains_key(header::EXPECT);
        Self { body: Some(body), ended: false, awaited, pace: Pace::default(), conversation }
    }
}

/// Why a request's body ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error(transparent)]
    Broken(#[from] hyper::Error),
    #[error("it was given up")]
    Slow(#[source] TooSlow),
}

impl Body for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        match Pin::new(body).poll_frame(context) {
            Poll::Pending => self.pace.poll(context).map(|slow| Some(Err(BodyError::Slow(slow)))),
            Poll::Ready(frame) => {
                self.ended = !matches!(frame, Some(Ok(_)));
                if let Some(Ok(data)) = frame.as_ref().map(|frame| frame.as_ref().map(Frame::data_ref)) {
                    self.pace.came(data.map_or(0, Bytes::len));
                }
                Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.ended || self.is_end_stream() {
            return;
        }
        let rest = self.conversation.rest();
        rest.unread.store(true, Ordering::Relaxed);
        if !self.awaited {
            *rest.body.lock() = self.body.take();
        }
    }
}

/// An answer waits no longer for what most clients send together with the head.
const PATIENCE: Duration = Duration::from_millis(20);
const MOST_BYTES: u64 = 64 * 1024;
