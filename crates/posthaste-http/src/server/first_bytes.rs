//! A time-out for the bytes by which the server tells HTTP/1 from HTTP/2.
//!
//! hyper's own time-out for heads begins only after them, so that a client that sends nothing, or a part of HTTP/2's
//! preface, would be waited for without end.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// A stream whose first bytes have to come in time. After them it is the plain stream.
pub(crate) struct FirstBytes<S> {
    stream: S,
    waiting: Option<Waiting>,
}

struct Waiting {
    deadline: Pin<Box<Sleep>>,
    /// How many bytes of [`HTTP2_PREFACE`] have come.
    matched: usize,
}

impl<S> FirstBytes<S> {
    pub(crate) fn new(stream: S, within: Duration) -> Self {
        Self { stream, waiting: Some(Waiting { deadline: Box::pin(sleep(within)), matched: 0 }) }
    }
}

impl Waiting {
    /// Whether the version is known with these bytes.
    fn is_over(&mut self, came: &[u8]) -> bool {
        let expected = &HTTP2_PREFACE[self.matched..];
        let compared = came.len().min(expected.len());
        self.matched += compared;
        came[..compared] != expected[..compared] || self.matched == HTTP2_PREFACE.len()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for FirstBytes<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let Some(waiting) = &mut self.waiting else { return read };
        match read {
            Poll::Pending => waiting.deadline.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into())),
            Poll::Ready(read) => {
                if waiting.is_over(&buffer.filled()[before..]) {
                    self.waiting = None;
                }
                Poll::Ready(read)
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FirstBytes<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// RFC 9113 §3.4.
const HTTP2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const WITHIN: Duration = Duration::from_secs(10);

    /// What a read gives after the client has sent `sent` in two pieces and then fallen silent.
    async fn read_after(sent: &[u8]) -> io::ErrorKind {
        let (mut client, server) = duplex(1_024);
        let mut server = FirstBytes::new(server, WITHIN);
        let (first, rest) = sent.split_at(sent.len() / 2);
        let mut buffer = [0; 64];
        for piece in [first, rest] {
            client.write_all(piece).await.expect("there is room");
            if !piece.is_empty() {
                assert_eq!(server.read(&mut buffer).await.ok(), Some(piece.len()));
            }
        }
        match tokio::time::timeout(WITHIN * 100, server.read(&mut buffer)).await {
            Ok(read) => read.expect_err("nothing was sent").kind(),
            Err(_) => io::ErrorKind::WouldBlock,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_before_the_version_is_known_is_an_end() {
        for sent in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r"] {
            assert_eq!(read_after(sent).await, io::ErrorKind::TimedOut, "{sent:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_afterwards_is_none_of_its_business() {
        for sent in [&HTTP2_PREFACE[..], b"PO", b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/1"] {
            assert_eq!(read_after(sent).await, io::ErrorKind::WouldBlock, "{sent:?}");
        }
    }
}
