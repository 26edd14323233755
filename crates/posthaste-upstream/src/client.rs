//! The client.

use std::{error::Error, io, net::IpAddr, time::Duration};

use async_trait::async_trait;
use http::Uri;
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use posthaste_core::{
    BoxError, Egress, Payload, RelayBody, TimeoutGuard, Transport, TransportError, boxed_body,
};
use rustls::ClientConfig;

use crate::{
    connect::{ConnectDeadline, ConnectTimedOut},
    is_public,
    resolve::{GuardedResolver, NotPublic},
    reuse::Served,
    tls,
};

/// Settings of the outgoing client.
#[derive(Clone, Debug)]
pub struct UpstreamOptions {
    /// The longest wait for a connection: name resolution, TCP and TLS together.
    pub connect_timeout: Duration,
    /// How long an unused connection is kept for the next request: less than upstreams keep theirs, many of them 60 s,
    /// so that seldom one is closed just as a request goes out.
    pub idle_timeout: Duration,
    /// How many unused connections are kept for one upstream.
    pub idle_per_host: usize,
}

impl Default for UpstreamOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            idle_timeout: Duration::from_secs(30),
            idle_per_host: 256,
        }
    }
}

type Connector = ConnectDeadline<HttpsConnector<HttpConnector<GuardedResolver>>>;
type Pool = Client<Connector, Payload>;

/// Sends requests over pooled HTTP/1.1 connections, with TLS where the URL says `https`.
///
/// There are two pools: a connection made with consent to private addresses is never used without it.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    public: Pool,
    private: Pool,
}

impl HttpTransport {
    /// Makes the client. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(options: &UpstreamOptions) -> Result<Self, rustls::Error> {
        let tls = tls::client_config()?;
        Ok(Self { public: pool(options, tls.clone(), false), private: pool(options, tls, true) })
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
        let pool = if egress.allow_private {
            &self.private
        } else {
            check_literal(host(&uri))?;
            &self.public
        };
        let mut response = pool.request(request).await.map_err(|error| read_failure(host(&uri), error))?;
        Served::note(&mut response);
        Ok(response.map(|body| boxed_body(body.map_err(|error| TransportError::Broken(error.into())))))
    }
}

fn host(uri: &Uri) -> &str {
    uri.host().unwrap_or_default()
}

fn pool(options: &UpstreamOptions, tls: ClientConfig, allow_private: bool) -> Pool {
    let mut tcp = HttpConnector::new_with_resolver(GuardedResolver { allow_private });
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    tcp.set_keepalive(Some(TCP_KEEP_ALIVE));
    let https =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(options.idle_timeout)
        .pool_max_idle_per_host(options.idle_per_host)
        .http1_max_buf_size(READ_AHEAD_BYTES)
        .build(ConnectDeadline::new(https, options.connect_timeout))
}

/// Addresses written as numbers are not resolved, so they are checked here.
fn check_literal(host: &str) -> Result<(), TransportError> {
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) if !is_public(address) => Err(refused(host)),
        _ => Ok(()),
    }
}

fn refused(host: &str) -> TransportError {
    let reason =
        "it is not an address of the open internet, and the account has no consent to call such addresses";
    TransportError::Refused { host: host.to_owned(), reason: reason.to_owned() }
}

fn read_failure(host: &str, error: legacy::Error) -> TransportError {
    if find::<NotPublic>(&error).is_some() {
        return refused(host);
    }
    if let Some(timeout) = find::<ConnectTimedOut>(&error) {
        return TransportError::Timeout { guard: TimeoutGuard::Connect, after: timeout.0 };
    }
    if error.is_connect() {
        return TransportError::Connect { host: host.to_owned(), source: error.into() };
    }
    if Served::before(&error) && is_closed_without_an_answer(&error) {
        return TransportError::Stale(error.into());
    }
    TransportError::Broken(BoxError::from(error))
}

/// Whether the connection ended while an answer's head was awaited. How the close is met depends on how far the request
/// had gone: the end of the stream, a reset, or a write that nobody takes.
fn is_closed_without_an_answer(error: &legacy::Error) -> bool {
    find::<hyper::Error>(error).is_some_and(hyper::Error::is_incomplete_message)
        || find::<io::Error>(error).is_some_and(|error| CLOSED.contains(&error.kind()))
}

/// Looks for a cause in the chain; `io::Error` hides the one that it wraps, so that is looked into as well.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) =
            wrapped.and_then(|inner| inner.downcast_ref::<T>()).or_else(|| error.downcast_ref::<T>())
        {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// How a connection that the other side has closed shows; the last is TLS without a word of farewell.
const CLOSED: [io::ErrorKind; 4] = [
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::ConnectionAborted,
    io::ErrorKind::BrokenPipe,
    io::ErrorKind::UnexpectedEof,
];

const TCP_KEEP_ALIVE: Duration = Duration::from_secs(30);

/// What hyper may read ahead for one exchange: a slow client costs this and not more.
const READ_AHEAD_BYTES: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    fn transport() -> HttpTransport {
        let options =
            UpstreamOptions { connect_timeout: Duration::from_millis(300), ..UpstreamOptions::default() };
        HttpTransport::new(&options).unwrap()
    }

    async fn send(url: &str, allow_private: bool) -> Result<http::Response<RelayBody>, TransportError> {
        let request = http::Request::post(url).body(Payload::from(Bytes::from("{}"))).unwrap();
        transport().send(request, &Egress::direct(allow_private)).await
    }

    #[tokio::test]
    async fn private_addresses_are_refused_without_consent() {
        for url in [
            "http://127.0.0.1:1/v1/messages",
            "http://[::1]:1/",
            "http://[::ffff:127.0.0.1]:1/",
            "http://169.254.169.254/latest/meta-data",
            "http://localhost:1/",
            "http://2130706433:1/",
            "https://10.0.0.1/",
        ] {
            let error = send(url, false).await.map(|_| ()).unwrap_err();
            assert!(matches!(error, TransportError::Refused { .. }), "{url}: {error:?}");
        }
    }

    #[tokio::test]
    async fn a_closed_port_is_a_connect_error() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = send(&format!("http://{address}/"), true).await.map(|_| ()).unwrap_err();
        assert!(matches!(&error, TransportError::Connect { host, .. } if host == "127.0.0.1"), "{error:?}");
    }

    /// Answers `served` requests on each connection, and closes it when some of the next one has come: `taken` bytes of
    /// it are read, and unread ones make the close a reset.
    async fn upstream_that_closes_after(served: usize, taken: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let mut request = [0; 1024];
                    for _ in 0..served {
                        assert!(connection.read(&mut request).await.unwrap() > 0);
                        connection
                            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
                            .await
                            .unwrap();
                    }
                    assert!(connection.read(&mut request[..taken]).await.unwrap() > 0);
                });
            }
        });
        url
    }

    async fn exchange(transport: &HttpTransport, url: &str) -> Result<Bytes, TransportError> {
        let request = http::Request::post(url).body(Payload::from(Bytes::from("{}"))).unwrap();
        let response = transport.send(request, &Egress::direct(true)).await?;
        Ok(response.into_body().collect().await?.to_bytes())
    }

    #[tokio::test]
    async fn a_reused_connection_that_is_closed_at_once_is_stale() {
        for taken in [1, 1024] {
            let url = upstream_that_closes_after(1, taken).await;
            let transport = transport();
            for _ in 0..3 {
                assert_eq!(exchange(&transport, &url).await.unwrap(), "{}", "a new connection serves");
                let error = first_failure(&transport, &url).await;
                assert!(matches!(error, TransportError::Stale(_)), "{error:?}");
            }
        }
    }

    /// A connection goes back to the pool in a task of its own: until then, each request gets a new one.
    async fn first_failure(transport: &HttpTransport, url: &str) -> TransportError {
        for _ in 0..100 {
            if let Err(error) = exchange(transport, url).await {
                return error;
            }
            tokio::task::yield_now().await;
        }
        panic!("no connection was used again");
    }

    #[tokio::test]
    async fn a_new_connection_that_is_closed_at_once_is_broken() {
        for taken in [1, 1024] {
            let url = upstream_that_closes_after(0, taken).await;
            let error = exchange(&transport(), &url).await.unwrap_err();
            assert!(matches!(error, TransportError::Broken(_)), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_tls_handshake_that_never_ends_runs_into_the_connect_timeout() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        let error = send(&url, true).await.map(|_| ()).unwrap_err();
        assert!(matches!(error, TransportError::Timeout { guard: TimeoutGuard::Connect, .. }), "{error:?}");
    }
}
