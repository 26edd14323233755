//! What a connection's parts tell each other.

use std::{
    convert::Infallible,
    fmt,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{Router, extract::ConnectInfo, response::Response};
use bytes::Bytes;
use futures_util::TryFutureExt;
use http::{HeaderValue, Request, Version, header};
use http_body::{Body, Frame, SizeHint};
use hyper::{
    body::Incoming,
    service::{Service, service_fn},
};
use tokio::time::timeout;
use tower::Service as _;

use super::tasks::Tasks;
use crate::tls::OverTls;

/// The state of one connection, shared by its parts.
#[derive(Clone, Debug)]
pub(super) struct Conversation(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// A request has come.
    begun: AtomicBool,
    /// The last request's body was not wanted to its end.
    unread: AtomicBool,
    /// It is spoken over TLS.
    tls: bool,
}

impl Conversation {
    pub(super) fn new(tls: bool) -> Self {
        Self(Arc::new(State { tls, ..State::default() }))
    }

    /// The router as the service of this connection. Requests find their peer's address
    /// among their extensions, and what asks to be upgraded finds `tasks` there.
    pub(super) fn service(
        &self,
        router: Router,
        tasks: Tasks,
        peer: SocketAddr,
    ) -> impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send + 'static> + use<>
    {
        let conversation = self.clone();
        service_fn(move |mut request: Request<Incoming>| {
            if request.headers().contains_key(header::UPGRADE) {
                request.extensions_mut().insert(tasks.clone());
            }
            request.extensions_mut().insert(ConnectInfo(peer));
            if conversation.0.tls {
                request.extensions_mut().insert(OverTls);
            }
            conversation.0.begun.store(true, Ordering::Relaxed);
            // On HTTP/1.1 another request shows that the one before was read.
            conversation.0.unread.store(false, Ordering::Relaxed);
            let conversation = conversation.clone();
            // HTTP/2 has a frame of its own for it, which the end of serving sends.
            let may_leave =
                request.version() < Version::HTTP_2 && !request.headers().contains_key(header::UPGRADE);
            let tasks = tasks.clone();
            // A router is always ready.
            let answering =
                router.clone().call(request.map(|body| Watched { body, ended: false, conversation }));
            answering.map_ok(move |mut answer: Response| {
                if may_leave && tasks.is_retiring() {
                    answer.headers_mut().insert(header::CONNECTION, CLOSE);
                }
                answer
            })
        })
    }

    /// Carries the connection to its end, or gives it up when no request has come within `first_head`.
    pub(super) async fn carry<E: fmt::Display>(
        self,
        connection: impl Future<Output = Result<(), E>>,
        first_head: Duration,
    ) {
        tokio::pin!(connection);
        let ended = match timeout(first_head, &mut connection).await {
            Ok(ended) => ended,
            Err(_) if self.0.begun.load(Ordering::Relaxed) => connection.await,
            Err(_) => {
                tracing::debug!(?first_head, "a connection was closed: it sent no request");
                return;
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended");
        }
    }

    /// Whether the client may be sending still what nobody reads.
    pub(super) fn left_unread(&self) -> bool {
        self.0.unread.load(Ordering::Relaxed)
    }
}

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// A request's body that notes when it is dropped before its end.
struct Watched {
    body: Incoming,
    ended: bool,
    conversation: Conversation,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        self.ended = !matches!(frame, Some(Ok(_)));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.ended && !self.body.is_end_stream() {
            self.conversation.0.unread.store(true, Ordering::Relaxed);
        }
    }
}
