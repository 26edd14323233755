//! Which connections have served before.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use http::Extensions;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::{
    self,
    connect::{Connected, Connection},
};

/// Whether an answer has come over a connection. The client hands it out with each answer and each error.
#[derive(Clone, Debug, Default)]
pub(crate) struct Served(Arc<AtomicBool>);

impl Served {
    /// Notes on the connection that an answer came over it.
    pub(crate) fn note<B>(response: &mut http::Response<B>) {
        if let Some(Self(served)) = response.extensions_mut().remove() {
            served.store(true, Ordering::Relaxed);
        }
    }

    /// Whether an error occurred on a connection over which an answer had come before.
    pub(crate) fn before(error: &legacy::Error) -> bool {
        let mut extras = Extensions::new();
        if let Some(connected) = error.connect_info() {
            connected.get_extras(&mut extras);
        }
        extras.get().is_some_and(|Self(served)| served.load(Ordering::Relaxed))
    }
}

/// A connection that knows whether it has served.
#[derive(Debug)]
pub(crate) struct Reusable<C> {
    connection: C,
    served: Served,
}

impl<C> Reusable<C> {
    /// A connection that has just been made.
    pub(crate) fn new(connection: C) -> Self {
        Self { connection, served: Served::default() }
    }
}

impl<C: Unpin> Reusable<C> {
    fn inner(self: Pin<&mut Self>) -> Pin<&mut C> {
        Pin::new(&mut self.get_mut().connection)
    }
}

impl<C: Connection> Connection for Reusable<C> {
    fn connected(&self) -> Connected {
        self.connection.connected().extra(self.served.clone())
    }
}

impl<C: Read + Unpin> Read for Reusable<C> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_read(cx, buf)
    }
}

impl<C: Write + Unpin> Write for Reusable<C> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.inner().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.inner().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_shutdown(cx)
    }
}
