//! What a connection's parts tell each other.

use std::{
    convert::Infallible,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, response::Response};
use http::Request;
use hyper::{
    body::Incoming,
    service::{Service, service_fn},
};
use tokio::time::timeout;
use tower::Service as _;

/// The state of one connection, shared by its parts.
#[derive(Clone, Debug, Default)]
pub(super) struct Conversation(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// A request has come.
    begun: AtomicBool,
}

impl Conversation {
    /// The router as the service of this connection.
    pub(super) fn service(
        &self,
        router: Router,
    ) -> impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send + 'static> + use<>
    {
        let conversation = self.clone();
        service_fn(move |request: Request<Incoming>| {
            conversation.0.begun.store(true, Ordering::Relaxed);
            // A router is always ready.
            router.clone().call(request)
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
}
