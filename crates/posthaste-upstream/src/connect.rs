//! Connecting: reach the upstream, speak TLS with it, all within one time-out.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use posthaste_core::BoxError;
use rustls::ClientConfig;
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
}

impl Connector {
    pub(crate) const fn new(reach: Reach, tls: Arc<ClientConfig>, timeout: Duration) -> Self {
        Self { reach, tls, timeout }
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
        let reach = self.reach.noting(stage.clone());
        let connecting = HttpsConnector::from((reach, Arc::clone(&self.tls))).call(destination);
        let after = self.timeout;
        Box::pin(async move {
            match tokio::time::timeout(after, connecting).await {
                Ok(connected) => connected.map(Reusable::new),
                Err(_) => Err(stage.timed_out(after)),
            }
        })
    }
}
