//! The accept loop over real sockets.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

use std::{
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::StatusCode,
    routing::{get, post},
};
use bytes::Bytes;
use futures_util::Stream;
use http::Request;
use http_body_util::BodyExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use posthaste_http::{Drained, ServerOptions, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// A server of `/` (answers), `/endless` (a stream that begins) and `/refused` (a 401 before the body).
struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    cut: CancellationToken,
    /// Streams that have begun and were not dropped.
    streams: Arc<AtomicUsize>,
    task: JoinHandle<Drained>,
}

fn options() -> ServerOptions {
    ServerOptions {
        header_read_timeout: Duration::from_secs(60),
        idle_timeout: Duration::from_secs(60),
        unread_timeout: Duration::from_secs(60),
        shutdown_grace: Duration::from_secs(60),
        most_connections: usize::MAX,
        tls: None,
    }
}

async fn served(options: ServerOptions) -> Served {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let streams = Arc::new(AtomicUsize::new(0));
    let begun = Arc::clone(&streams);
    let router = Router::new()
        .route("/", get(|| async { "served" }))
        .route("/refused", post(|| async { StatusCode::UNAUTHORIZED }))
        .route("/endless", get(move || async move { Body::from_stream(Endless::begin(begun)) }));
    let (stop, cut) = (CancellationToken::new(), CancellationToken::new());
    let ends = (stop.clone().cancelled_owned(), cut.clone().cancelled_owned());
    let task = tokio::spawn(async move { serve(listener, router, &options, ends.0, ends.1).await });
    Served { address, stop, cut, streams, task }
}

impl Served {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A stream that has begun over HTTP/1.1.
    async fn streaming(&self) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(b"GET /endless HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
        read_until(&mut stream, b"first").await;
        stream
    }

    async fn ended(self) -> Drained {
        let drained = timeout(PATIENCE, self.task).await.expect("serving ends").unwrap();
        assert_eq!(self.streams.load(Ordering::SeqCst), 0, "a stream outlives the server");
        drained
    }
}

/// Yields one piece and then nothing.
struct Endless {
    given: bool,
    streams: Arc<AtomicUsize>,
}

impl Endless {
    fn begin(streams: Arc<AtomicUsize>) -> Self {
        streams.fetch_add(1, Ordering::SeqCst);
        Self { given: false, streams }
    }
}

impl Stream for Endless {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::replace(&mut self.given, true) {
            return Poll::Pending;
        }
        Poll::Ready(Some(Ok(Bytes::from_static(b"first"))))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.streams.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn read_until(stream: &mut TcpStream, wanted: &[u8]) {
    let mut read = Vec::new();
    while !read.windows(wanted.len()).any(|window| window == wanted) {
        let count = timeout(PATIENCE, stream.read_buf(&mut read)).await.expect("an answer").unwrap();
        assert!(count > 0, "closed after {}", read.escape_ascii());
    }
}

/// Waits for the server to close a connection on which nothing else comes.
async fn closed(mut stream: TcpStream) {
    let mut read = Vec::new();
    let end = timeout(PATIENCE, stream.read_to_end(&mut read)).await.expect("the connection is closed");
    // What the client had sent and nobody read turns the close into a reset.
    assert!(end.is_err() || read.is_empty(), "{}", read.escape_ascii());
}

const PATIENCE: Duration = Duration::from_secs(20);
const A_MOMENT: Duration = Duration::from_millis(50);
const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: test\r\n\r\n";

#[tokio::test]
async fn a_connection_that_sends_no_head_is_closed() {
    let served = served(ServerOptions { header_read_timeout: A_MOMENT, ..options() }).await;
    for begun in
        [&b""[..], b"P", b"PRI * HTTP/2.0\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\n"]
    {
        let mut stream = served.connect().await;
        stream.write_all(begun).await.unwrap();
        if begun.ends_with(b"SM\r\n\r\n") {
            // The settings that every HTTP/2 connection begins with.
            stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
            let end = timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await;
            end.expect("the connection is closed").ok();
        } else {
            closed(stream).await;
        }
    }
}

#[tokio::test]
async fn a_kept_connection_waits_longer_for_its_next_request() {
    let served = served(ServerOptions { header_read_timeout: A_MOMENT, ..options() }).await;
    let mut stream = served.connect().await;
    for _ in 0..2 {
        stream.write_all(GET).await.unwrap();
        read_until(&mut stream, b"served").await;
        tokio::time::sleep(A_MOMENT * 6).await;
    }
}

#[tokio::test]
async fn a_kept_connection_is_closed_when_no_other_request_comes() {
    let served = served(ServerOptions { idle_timeout: A_MOMENT, ..options() }).await;
    let mut stream = served.connect().await;
    stream.write_all(GET).await.unwrap();
    read_until(&mut stream, b"served").await;
    closed(stream).await;
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let served = served(options()).await;
    let mut stream = served.connect().await;
    let head = b"POST /refused HTTP/1.1\r\nhost: test\r\ncontent-length: 8000000\r\n\r\n";
    stream.write_all(head).await.unwrap();
    for _ in 0..8 {
        stream.write_all(&vec![b'x'; 1_000_000]).await.expect("the server takes the rest");
    }
    read_until(&mut stream, b"401 Unauthorized").await;
}

#[tokio::test]
async fn a_refused_client_that_never_ends_its_body_is_not_waited_for() {
    let served = served(options()).await;
    let mut stream = served.connect().await;
    let head = b"POST /refused HTTP/1.1\r\nhost: test\r\ncontent-length: 8000000\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let mut read = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut read)).await.expect("the end of the answer").unwrap();
    served.stop.cancel();
    assert_eq!(served.ended().await, Drained { cut_off: 0 });
}

#[tokio::test]
async fn what_outlasts_the_grace_is_gone_when_serving_ends() {
    let served = served(ServerOptions { shutdown_grace: A_MOMENT, ..options() }).await;
    let _client = served.streaming().await;
    served.stop.cancel();
    assert_eq!(served.ended().await, Drained { cut_off: 1 });
}

#[tokio::test]
async fn the_grace_can_be_ended_at_once() {
    let served = served(options()).await;
    let _client = served.streaming().await;
    served.stop.cancel();
    served.cut.cancel();
    assert_eq!(served.ended().await, Drained { cut_off: 1 });
}

#[tokio::test]
async fn streams_of_http2_are_gone_too_when_serving_ends() {
    let served = served(ServerOptions { shutdown_grace: A_MOMENT, ..options() }).await;
    let io = TokioIo::new(served.connect().await);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("http://test/endless").body(Body::empty()).unwrap();
    let mut response = sender.send_request(request).await.unwrap();
    assert_eq!(response.frame().await.unwrap().unwrap().into_data().unwrap(), "first");
    served.stop.cancel();
    served.ended().await;
}

#[tokio::test]
async fn a_server_that_is_dropped_takes_its_connections_along() {
    let served = served(options()).await;
    let mut client = served.streaming().await;
    served.task.abort();
    let end = timeout(PATIENCE, client.read_to_end(&mut Vec::new())).await;
    end.expect("the connection is closed").ok();
}

/// A connection that is held open, and one that asks beside it.
#[tokio::test]
async fn who_is_one_too_many_is_told_so_and_served_once_there_is_room() {
    let served = served(ServerOptions { most_connections: 2, ..options() }).await;
    let (first, second) = (served.streaming().await, served.streaming().await);
    for _ in 0..20 {
        let mut refused = served.connect().await;
        refused
            .write_all(b"POST /v1/messages HTTP/1.1\r\nhost: test\r\ncontent-length: 2\r\n\r\n{}")
            .await
            .unwrap();
        let mut told = String::new();
        timeout(PATIENCE, refused.read_to_string(&mut told)).await.expect("it is closed").unwrap();
        assert!(told.starts_with("HTTP/1.1 529") || told.starts_with("HTTP/1.1 503"), "{told}");
        assert!(told.contains("retry-after: 1") && told.contains("overloaded_error"), "{told}");
    }
    drop(first);
    loop {
        let mut stream = served.connect().await;
        stream.write_all(GET).await.unwrap();
        let mut told = vec![0; 1_024];
        let count = timeout(PATIENCE, stream.read(&mut told)).await.expect("an answer").unwrap();
        if told[..count].starts_with(b"HTTP/1.1 200") {
            break;
        }
    }
    drop(second);
}

/// Whoever sends nothing does not keep the few places from which others are refused.
#[tokio::test]
async fn crowds_beyond_the_bound_are_closed_and_end() {
    let served = served(ServerOptions { most_connections: 1, ..options() }).await;
    let held = served.streaming().await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(served.connect().await);
    }
    for stream in silent {
        closed(stream).await;
    }
    drop(held);
}
