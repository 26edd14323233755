//! Yardsticks, not products.
//!
//! `rust-floor LISTEN UPSTREAM` does about the least that an honest Messages relay in Rust has to do: it checks its own
//! API key (SHA-256, table look-up), parses the whole request body for syntax and reads model and stream, picks one of
//! three upstream keys, forwards over pooled connections, streams the answer back unchanged as it comes, and counts the
//! tokens of JSON and SSE answers. Chat completions are turned into Messages and back (`chat.rs`, text only).
//! No TLS, no retries, no storage.
//!
//! `rust-floor --bare LISTEN UPSTREAM` only forwards: what a proxy made of hyper alone costs.

mod bare;
mod chat;
mod relay;
mod tap;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket};

type Answer = Response<BoxBody<Bytes, hyper::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match *words {
        ["--bare", listen, upstream] => {
            let proxy = Arc::new(bare::Proxy::new(upstream));
            serve(listener(listen), move |request| {
                let proxy = Arc::clone(&proxy);
                async move { proxy.handle(request).await }
            })
            .await
        }
        [listen, upstream] => {
            let relay = Arc::new(relay::Relay::new(upstream));
            serve(listener(listen), move |request| {
                let relay = Arc::clone(&relay);
                async move { relay.handle(request).await }
            })
            .await
        }
        _ => {
            eprintln!("usage: rust-floor [--bare] 127.0.0.1:PORT 127.0.0.1:UPSTREAM_PORT");
            ExitCode::from(2)
        }
    }
}

async fn serve<H, F>(listener: TcpListener, handle: H) -> ExitCode
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Answer, hyper::Error>> + Send + 'static,
{
    loop {
        let Ok((io, _)) = listener.accept().await else { continue };
        // Without it the kernel may hold back small chunks; the measurement goes on all the same.
        let _ = io.set_nodelay(true);
        let service = service_fn(handle.clone());
        tokio::spawn(async move {
            // An error here is a client that went away.
            let _ =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(io), service).await;
        });
    }
}

fn listener(address: &str) -> TcpListener {
    let address: SocketAddr = address.parse().expect("an address like 127.0.0.1:9200");
    assert!(address.ip().is_loopback(), "this machine only");
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("SO_REUSEADDR");
    socket.bind(address).expect("the address is free");
    socket.listen(BACKLOG).expect("a bound socket listens")
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut answer =
        Response::new(Full::new(text.into()).map_err(|error: Infallible| match error {}).boxed());
    *answer.status_mut() = status;
    answer
}

/// A thousand clients may connect at once.
const BACKLOG: u32 = 8192;
