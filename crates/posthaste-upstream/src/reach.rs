//! The way to an upstream below TLS: straight or through a proxy.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{
    client::legacy::connect::{Connected, Connection, HttpConnector},
    rt::TokioIo,
};
use posthaste_core::{BoxError, ConnectStep, ConnectWatch};
use tokio::{net::TcpStream, time::Instant};
use tower::Service;

use crate::{
    guard::{ResolvedBy, Target},
    proxy::{ProxyStream, ProxyWay},
    resolve::GuardedResolver,
    stage::Stage,
    tcp,
};

/// Reaches upstreams in one way. There is no second way that it could turn to.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    way: Way,
    allow_private: bool,
    stage: Stage,
    watch: Option<ConnectWatch>,
}

#[derive(Clone, Debug)]
enum Way {
    Direct(HttpConnector<GuardedResolver>),
    Proxy(ProxyWay),
}

impl Reach {
    /// Straight.
    pub(crate) fn direct(allow_private: bool) -> Self {
        let way = Way::direct(GuardedResolver::new(allow_private));
        Self { way, allow_private, stage: Stage::default(), watch: None }
    }

    /// Through a proxy.
    pub(crate) fn through(proxy: ProxyWay, allow_private: bool) -> Self {
        Self { way: Way::Proxy(proxy), allow_private, stage: Stage::default(), watch: None }
    }

    /// The same way, telling `stage` how far it has come.
    pub(crate) fn noting(&self, stage: Stage) -> Self {
        Self { stage, ..self.clone() }
    }

    /// The same way, telling `watch` how long it takes.
    pub(crate) fn watched(self, watch: &ConnectWatch) -> Self {
        let way = match self.way {
            Way::Direct(_) => Way::direct(GuardedResolver::new(self.allow_private).watched(watch)),
            Way::Proxy(proxy) => Way::Proxy(proxy),
        };
        Self { way, watch: Some(watch.clone()), ..self }
    }
}

impl Way {
    fn direct(resolver: GuardedResolver) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp::configure(&mut tcp);
        Self::Direct(tcp)
    }
}

/// Notes that the upstream was reached, at the end of what may hold a look-up.
fn reached(watch: Option<ConnectWatch>, begun: Instant) {
    if let Some(watch) = watch {
        let took = begun.elapsed();
        watch.note(ConnectStep::Connect, |steps| took.saturating_sub(steps.lookup.unwrap_or_default()));
    }
}

impl Service<Uri> for Reach {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match &mut self.way {
            Way::Direct(tcp) => tcp.poll_ready(cx).map_err(Into::into),
            // The proxy's own connector is awaited when it is used.
            Way::Proxy(_) => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let allow_private = self.allow_private;
        let (watch, begun) = (self.watch.clone(), Instant::now());
        match &mut self.way {
            Way::Direct(tcp) => {
                // Addresses written as numbers are not resolved, so they are checked here.
                if let Err(refused) = Target::read(&destination, allow_private, ResolvedBy::Here) {
                    return Box::pin(std::future::ready(Err(refused.into())));
                }
                let connecting = tcp.call(destination);
                Box::pin(async move {
                    let stream = connecting.await?;
                    reached(watch, begun);
                    Ok(Stream::Direct(stream))
                })
            }
            Way::Proxy(proxy) => {
                let (proxy, stage) = (proxy.clone(), self.stage.clone());
                Box::pin(async move {
                    let stream = proxy.connect(destination, allow_private, stage.clone()).await?;
                    stage.at_upstream();
                    reached(watch, begun);
                    Ok(Stream::Proxied(Box::new(stream)))
                })
            }
        }
    }
}

/// A connection as far as the upstream, before TLS with it.
#[derive(Debug)]
pub(crate) enum Stream {
    Direct(TokioIo<TcpStream>),
    /// TLS with the proxy makes it large.
    Proxied(Box<ProxyStream>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        match self {
            Self::Direct(stream) => stream.connected(),
            // All that goes through a proxy is tunnelled, so requests are written as to the upstream itself.
            Self::Proxied(_) => Connected::new(),
        }
    }
}

/// Does the same with the stream of either kind.
macro_rules! with_stream {
    ($self:expr, $stream:ident => $action:expr) => {
        match $self.get_mut() {
            Stream::Direct(stream) => {
                let $stream = Pin::new(stream);
                $action
            }
            Stream::Proxied(stream) => {
                let $stream = Pin::new(stream);
                $action
            }
        }
    };
}

impl Read for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        with_stream!(self, stream => stream.poll_read(cx, buf))
    }
}

impl Write for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        with_stream!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        with_stream!(self, stream => stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Direct(stream) => stream.is_write_vectored(),
            Self::Proxied(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        with_stream!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        with_stream!(self, stream => stream.poll_shutdown(cx))
    }
}
