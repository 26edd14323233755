//! The sandbox over real HTTP, for SDKs and for programs of other languages.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
};

use bytes::Bytes;
use http::{HeaderName, Request, Response, Uri, header};
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use posthaste_core::{BoxError, Egress, Payload, RelayBody, Transport};
use posthaste_sandbox::{SANDBOX_BASE_URL, Sandbox};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// A [`Sandbox`] that listens on a free port of 127.0.0.1 and speaks HTTP/1.1; it ends with the value.
///
/// A body that breaks inside the sandbox breaks the connection here.
pub struct SandboxServer {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl SandboxServer {
    /// Serves the sandbox.
    ///
    /// # Panics
    /// When 127.0.0.1 cannot be listened on.
    pub async fn start(sandbox: Sandbox) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("127.0.0.1 has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        Self { address, accepting: tokio::spawn(accept(listener, sandbox)) }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl fmt::Debug for SandboxServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for SandboxServer {
    fn drop(&mut self) {
        // The connections go with the task that holds them.
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, sandbox: Sandbox) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, sandbox.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, sandbox: Sandbox) {
    stream.set_nodelay(true).expect("a fresh socket takes options");
    let service = service_fn(move |request| answer(sandbox.clone(), request));
    let connection =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    // A client that goes away, or a body that breaks as it should, is no news.
    let _ = connection.await;
}

async fn answer(sandbox: Sandbox, request: Request<Incoming>) -> Result<Response<RelayBody>, BoxError> {
    let (mut head, body) = request.into_parts();
    let body: Bytes = body.collect().await?.to_bytes();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = format!("{SANDBOX_BASE_URL}{path}").parse::<Uri>()?;
    for name in HOP_BY_HOP {
        head.headers.remove(name);
    }
    let request = Request::from_parts(head, Payload::from(body));
    Ok(sandbox.send(request, &Egress::default()).await?)
}

const HOP_BY_HOP: [HeaderName; 2] = [header::CONNECTION, header::TRANSFER_ENCODING];
