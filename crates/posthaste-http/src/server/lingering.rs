//! Closing a connection without losing its last answer.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

use super::{conversation::Conversation, socket::Socket};

/// A socket that reads on for a while after its last answer when the client is still sending (nginx calls it a
/// lingering close, <https://nginx.org/en/docs/http/ngx_http_core_module.html#lingering_close>).
///
/// A socket that is closed with unread bytes in it sends a reset, and a client that gets one forgets the answer it has
/// received but not read: many clients read none before their whole body is out. What is read here is thrown away.
pub(super) struct Lingering {
    stream: Socket,
    conversation: Conversation,
    closing: Option<Closing>,
}

struct Closing {
    until: Instant,
    silence: Pin<Box<Sleep>>,
    left: usize,
}

impl Lingering {
    pub(super) const fn new(stream: Socket, conversation: Conversation) -> Self {
        Self { stream, conversation, closing: None }
    }
}

impl Closing {
    fn begin() -> Self {
        Self { until: Instant::now() + LONGEST, silence: Box::pin(sleep(SILENCE)), left: MOST_BYTES }
    }

    /// Ready when there is nothing to wait for any more.
    fn poll(&mut self, stream: &mut Socket, context: &mut Context<'_>) -> Poll<()> {
        let mut space = [0; PIECE_BYTES];
        loop {
            let mut piece = ReadBuf::new(&mut space);
            match Pin::new(&mut *stream).poll_read(context, &mut piece) {
                Poll::Ready(Ok(())) if !piece.filled().is_empty() => {
                    self.left = self.left.saturating_sub(piece.filled().len())
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return self.silence.as_mut().poll(context),
            }
            let now = Instant::now();
            if self.left == 0 || now >= self.until {
                return Poll::Ready(());
            }
            self.silence.as_mut().reset((now + SILENCE).min(self.until));
        }
    }
}

impl AsyncRead for Lingering {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, space)
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, conversation, closing } = self.get_mut();
        if closing.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
            if !conversation.left_unread() {
                return Poll::Ready(Ok(()));
            }
        }
        closing.get_or_insert_with(Closing::begin).poll(stream, context).map(Ok)
    }
}

/// After this a client that never stops sending gets its reset.
const LONGEST: Duration = Duration::from_secs(5);

/// A client that says nothing for so long is taken to be waiting for the connection's end.
const SILENCE: Duration = Duration::from_secs(1);

/// Twice the largest body that is taken by default: a client whose body is too large is to learn that, too.
const MOST_BYTES: usize = 128 * 1024 * 1024;
const PIECE_BYTES: usize = 16 * 1024;
