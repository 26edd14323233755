//! The client.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use http_body_util::BodyExt;
use posthaste_core::{ConnectWatch, Egress, Payload, RelayBody, Transport, TransportError, boxed_body};
use rustls::pki_types::CertificateDer;

use crate::{failure, lanes::Seated, pools::Pools, reuse::Served};

/// Settings of the outgoing client.
#[derive(Clone, Debug)]
pub struct UpstreamOptions {
    /// The longest wait for a connection: name resolution, TCP, proxy and TLS together. An [`Egress`] may name its own.
    pub connect_timeout: Duration,
    /// How long an unused connection is kept for the next request: less than upstreams keep theirs, many of them 60 s,
    /// so that seldom one is closed just as a request goes out.
    pub idle_timeout: Duration,
    /// How many unused connections are kept for one upstream on each way out.
    pub idle_per_host: usize,
    /// Whether HTTP/2 is offered to upstreams with TLS; HTTP/1.1 always is.
    pub http2: bool,
    /// How often an HTTP/2 connection that carries exchanges is asked whether the other side is still there, and how long it
    /// may take to answer until it is given up with all of them.
    pub ping_every: Duration,
    /// For how many ways out connections are kept, beside the two that go straight: each proxy with each login is one.
    pub proxies: usize,
    /// Certificate authorities that are trusted in addition to the machine's own, by upstreams and proxies.
    pub authorities: Vec<CertificateDer<'static>>,
}

impl Default for UpstreamOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            idle_timeout: Duration::from_secs(30),
            idle_per_host: 256,
            http2: true,
            ping_every: Duration::from_secs(20),
            proxies: 256,
            authorities: Vec::new(),
        }
    }
}

/// Sends requests over pooled connections, with TLS where the URL says `https`, straight or through the egress's proxy.
#[derive(Clone)]
pub struct HttpTransport {
    pools: Pools,
}

impl HttpTransport {
    /// Makes the client. Must be called within a Tokio runtime. The environment's proxies (`HTTP_PROXY` and the like) are not
    /// looked at: where an account's requests go is the account's to say.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(options: &UpstreamOptions) -> Result<Self, rustls::Error> {
        Ok(Self { pools: Pools::new(options.clone())? })
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(
        &self,
        request: http::Request<Payload>,
        egress: &Egress,
    ) -> Result<http::Response<RelayBody>, TransportError> {
        let uri = request.uri().clone();
        let lanes = match request.extensions().get::<ConnectWatch>() {
            Some(watch) => self.pools.watched(egress, watch),
            None => self.pools.of(egress),
        };
        let lanes = lanes.map_err(|failure| failure::of_proxy(egress, &failure))?;
        let (lane, seat) = lanes.seat(&uri);
        let answer = lane.request(request).await;
        let mut response =
            answer.map_err(|error| failure::read(uri.host().unwrap_or_default(), egress, error))?;
        Served::note(&mut response);
        if let Some(seat) = &seat {
            seat.note(response.version());
        }
        Ok(response.map(|body| {
            let body = body.map_err(|error| TransportError::Broken(error.into()));
            boxed_body(Seated::new(body, seat))
        }))
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpTransport(…)")
    }
}
