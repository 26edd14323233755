//! Connecting: a time-out over name resolution, TCP and TLS together, and a mark on what comes of it.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use posthaste_core::BoxError;
use tower::Service;

use crate::reuse::Reusable;

/// Ends a connector's attempt after a while.
#[derive(Clone, Debug)]
pub(crate) struct ConnectDeadline<C> {
    connector: C,
    after: Duration,
}

/// No connection stood in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection after {0:?}")]
pub(crate) struct ConnectTimedOut(pub(crate) Duration);

impl<C> ConnectDeadline<C> {
    pub(crate) const fn new(connector: C, after: Duration) -> Self {
        Self { connector, after }
    }
}

impl<C> Service<http::Uri> for ConnectDeadline<C>
where
    C: Service<http::Uri, Error = BoxError>,
    C::Future: Send + 'static,
{
    type Response = Reusable<C::Response>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(cx)
    }

    fn call(&mut self, destination: http::Uri) -> Self::Future {
        let connecting = self.connector.call(destination);
        let after = self.after;
        Box::pin(async move {
            match tokio::time::timeout(after, connecting).await {
                Ok(connected) => connected.map(Reusable::new),
                Err(_) => Err(ConnectTimedOut(after).into()),
            }
        })
    }
}
