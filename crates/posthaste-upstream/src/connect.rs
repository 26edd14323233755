//! Connecting: reach the upstream, speak TLS with it, all within one time-out.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{Uri, uri::Scheme};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use posthaste_core::{BoxError, ConnectStep, ConnectWatch};
use rustls::ClientConfig;
use tokio::time::Instant;
use tower::Service;

use crate::{
    reach::{Reach, Stream},
    reuse::Reusable,
    stage::Stage,
};

/// Makes connections to upstreams, with TLS where the URL says `https`.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    reach: Reach,
    tls: Arc<ClientConfig>,
    /// For name resolution, TCP, proxy and TLS together.
    timeout: Duration,
    watch: Option<ConnectWatch>,
}

impl Connector {
    pub(crate) const fn new(reach: Reach, tls: Arc<ClientConfig>, timeout: Duration) -> Self {
        Self { reach, tls, timeout, watch: None }
    }

    /// The same, telling `watch` how long each step takes.
    pub(crate) fn watched(self, watch: &ConnectWatch) -> Self {
        Self { reach: self.reach.watched(watch), watch: Some(watch.clone()), ..self }
    }
}

impl Service<Uri> for Connector {
    type Response = Reusable<MaybeHttpsStream<Stream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.reach.poll_ready(cx)
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let stage = Stage::default();
        let watch = self.watch.clone().filter(|_| destination.scheme() == Some(&Scheme::HTTPS));
        let reach = self.reach.noting(stage.clone());
        let connecting = HttpsConnector::from((reach, Arc::clone(&self.tls))).call(destination);
        let after = self.timeout;
        Box::pin(async move {
            let begun = Instant::now();
            match tokio::time::timeout(after, connecting).await {
                Ok(connected) => {
                    if let (Some(watch), Ok(_)) = (watch, &connected) {
                        let took = begun.elapsed();
                        watch.note(ConnectStep::Tls, |steps| took.saturating_sub(steps.total()));
                    }
                    connected.map(Reusable::new)
                }
                Err(_) => Err(stage.timed_out(after)),
            }
        })
    }
}
