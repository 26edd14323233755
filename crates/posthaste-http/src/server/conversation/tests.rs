//! Connections without sockets, in virtual time.

use std::{
    future::{Pending, pending},
    sync::atomic::AtomicUsize,
};

use axum::{
    body::Body,
    routing::{get, post},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    task::JoinHandle,
    time::timeout,
};

use super::{
    super::{ServerOptions, connection_builder},
    *,
};
use crate::room::BodyRoom;

/// How many things live that were counted so.
type Count = Arc<AtomicUsize>;

struct Counted(Count);

impl Counted {
    fn new(count: &Count) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// `/read` reads a body, `/refused` does not, `/endless` is a stream that always has more, `/silent` one that never has any, `/never` does not answer.
fn router(open: &Count) -> Router {
    let (endless, silent, never) = (Arc::clone(open), Arc::clone(open), Arc::clone(open));
    Router::new()
        .route("/read", post(read))
        .route("/refused", post(async || StatusCode::UNAUTHORIZED))
        .route(
            "/endless",
            get(async move || {
                let open = Counted::new(&endless);
                let pieces = stream::repeat(Bytes::from_static(&[b'x'; 4096]));
                Body::from_stream(pieces.map(move |piece| {
                    let _open = &open;
                    Ok::<_, Infallible>(piece)
                }))
            }),
        )
        .route(
            "/silent",
            get(async move || {
                let open = Counted::new(&silent);
                let pieces: stream::Once<Pending<Bytes>> = stream::once(pending());
                Body::from_stream(pieces.map(move |piece| {
                    let _open = &open;
                    Ok::<_, Infallible>(piece)
                }))
            }),
        )
        .route(
            "/never",
            get(async move || {
                let _open = Counted::new(&never);
                pending::<()>().await;
            }),
        )
}

async fn read(headers: HeaderMap, body: Body) -> (StatusCode, String) {
    match crate::body::read(&headers, body, 1024 * 1024, &BodyRoom::default()).await {
        Ok(body) => (StatusCode::OK, body.len().to_string()),
        Err(fault) => (StatusCode::REQUEST_TIMEOUT, fault.kind.to_string()),
    }
}

/// A client's end of a connection, and the server's task.
fn connected(open: &Count) -> (DuplexStream, JoinHandle<()>) {
    let (client, server) = duplex(16 * 1024);
    let options = ServerOptions {
        header_read_timeout: HEAD,
        idle_timeout: Duration::from_secs(75),
        unread_timeout: UNREAD,
        shutdown_grace: Duration::ZERO,
        most_connections: usize::MAX,
        tls: None,
    };
    let (tasks, conversation) = (Tasks::default(), Conversation::new(false));
    let builder = connection_builder(&options, &tasks);
    let service = conversation.service(router(open), tasks, ([192, 0, 2, 7], 1).into());
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(server), service).into_owned();
    (client, tokio::spawn(async move { conversation.carry(connection, HEAD, UNREAD).await }))
}

/// What is answered within a second to what is sent, each piece a while after the one before.
async fn told(client: &mut DuplexStream, pieces: &[&str], between: Duration) -> String {
    for piece in pieces {
        client.write_all(piece.as_bytes()).await.unwrap();
        sleep(between).await;
    }
    let mut answers = Vec::new();
    let _ = timeout(Duration::from_secs(1), client.read_to_end(&mut answers)).await;
    String::from_utf8(answers).unwrap()
}

async fn connected_by_http2(open: &Count) -> (SendRequest<Body>, JoinHandle<()>) {
    let (client, serving) = connected(open);
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(client)).await.unwrap();
    tokio::spawn(connection);
    (sender, serving)
}

fn asked(path: &str) -> Request<Body> {
    Request::get(format!("http://relay{path}")).body(Body::empty()).unwrap()
}

/// Lets everything that can go on do so.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

const HEAD: Duration = Duration::from_secs(10);
const UNREAD: Duration = Duration::from_secs(300);

#[tokio::test(start_paused = true)]
async fn c3_a_body_that_drips_is_given_up() {
    let (mut client, serving) = connected(&Count::default());
    client.write_all(b"POST /read HTTP/1.1\r\nhost: relay\r\ncontent-length: 1000\r\n\r\n").await.unwrap();
    let begun = Instant::now();
    let mut answer = [0; 4096];
    let length = loop {
        tokio::select! {
            read = client.read(&mut answer) => break read.unwrap(),
            () = sleep(Duration::from_secs(10)) => client.write_all(b"x").await.unwrap(),
        }
    };
    assert_eq!(begun.elapsed().as_secs(), 30);
    let answer = str::from_utf8(&answer[..length]).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.ends_with("timeout"), "{answer}");
    assert_eq!(client.read(&mut [0; 64]).await.unwrap(), 0, "the connection ends with it");
    serving.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn c3_a_body_that_keeps_its_pace_is_read_however_long_it_takes() {
    let (mut client, _serving) = connected(&Count::default());
    let head = format!("POST /read HTTP/1.1\r\nhost: relay\r\ncontent-length: {}\r\n\r\n", 200 * 2048);
    client.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..200 {
        sleep(Duration::from_secs(1)).await;
        client.write_all(&[b'x'; 2048]).await.unwrap();
    }
    let mut answer = [0; 4096];
    let length = client.read(&mut answer).await.unwrap();
    assert!(str::from_utf8(&answer[..length]).unwrap().ends_with("409600"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_whose_body_comes_keeps_the_connection() {
    let refused = "POST /refused HTTP/1.1\r\nhost: relay\r\ncontent-length: 4\r\n\r\n";
    for between in [Duration::ZERO, Duration::from_millis(5)] {
        let (mut client, _serving) = connected(&Count::default());
        let read = "POST /read HTTP/1.1\r\nhost: relay\r\ncontent-length: 2\r\n\r\nok";
        let answers = told(&mut client, &[refused, "bo", "dy", read], between).await;
        assert!(answers.starts_with("HTTP/1.1 401 ") && answers.ends_with("\r\n\r\n2"), "{answers}");
        assert!(!answers.contains("connection"), "{answers}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_ends_its_connection_says_so() {
    for head in ["content-length: 4", "content-length: 400000", "content-length: 4\r\nexpect: 100-continue"] {
        let (mut client, serving) = connected(&Count::default());
        let asked = format!("POST /refused HTTP/1.1\r\nhost: relay\r\n{head}\r\n\r\n");
        let answer = told(&mut client, &[&asked], Duration::ZERO).await;
        assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("connection: close\r\n"), "{answer}");
        serving.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_its_client_does_not_take_is_given_up() {
    let open = Count::default();
    let (mut client, serving) = connected(&open);
    let begun = Instant::now();
    client.write_all(b"GET /endless HTTP/1.1\r\nhost: relay\r\n\r\n").await.unwrap();
    settle().await;
    assert_eq!(open.load(Ordering::SeqCst), 1);
    serving.await.unwrap();
    let (waited, least) = (begun.elapsed(), UNREAD);
    assert!(least <= waited && waited <= HEAD + least + least / 2, "{waited:?}");
    assert_eq!(open.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_is_served() {
    let open = Count::default();
    let (mut client, serving) = connected(&open);
    client.write_all(b"GET /endless HTTP/1.1\r\nhost: relay\r\n\r\n").await.unwrap();
    // What is buffered on the way is taken within each of the looks.
    for _ in 0..50 {
        sleep(UNREAD / 2).await;
        client.read_exact(&mut [0; 512 * 1024]).await.unwrap();
    }
    assert!(!serving.is_finished());
    assert_eq!(open.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_for_a_silent_upstream_is_not_taken_for_one_that_does_not_read() {
    let open = Count::default();
    let (mut client, serving) = connected(&open);
    client.write_all(b"GET /silent HTTP/1.1\r\nhost: relay\r\n\r\n").await.unwrap();
    sleep(UNREAD * 10).await;
    assert!(!serving.is_finished());
    assert_eq!(open.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn c8_a_stream_without_a_window_ends_its_connection() {
    let open = Count::default();
    let (mut sender, serving) = connected_by_http2(&open).await;
    let begun = Instant::now();
    let unread = sender.send_request(asked("/endless")).await.unwrap();
    // The same connection's pings are answered and its other streams move.
    let mut lively = sender.send_request(asked("/endless")).await.unwrap();
    let reading = async {
        while let Some(Ok(_)) = lively.frame().await {
            sleep(Duration::from_millis(50)).await;
        }
    };
    let ended = async {
        serving.await.unwrap();
        begun.elapsed()
    };
    let ((), waited) = tokio::join!(reading, ended);
    assert!(UNREAD <= waited && waited <= HEAD + UNREAD * 3 / 2, "{waited:?}");
    drop(unread);
    settle().await;
    assert_eq!(open.load(Ordering::SeqCst), 0, "both streams are gone at the server");
}

#[tokio::test(start_paused = true)]
async fn c8_requests_that_are_given_up_in_haste_end_their_connection() {
    let open = Count::default();
    let (mut sender, serving) = connected_by_http2(&open).await;
    let mut made = 0;
    while !serving.is_finished() {
        assert!(made < 1_000, "it is listened to for ever");
        let Ok(()) = sender.ready().await else { break };
        let asking = sender.send_request(asked("/never"));
        tokio::select! {
            answer = asking => assert!(answer.is_err()),
            () = settle() => made += 1,
        }
        settle().await;
    }
    serving.await.unwrap();
    assert!(made > MOST_HASTY, "{made}");
    assert_eq!(open.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn clients_that_lose_patience_keep_their_connection() {
    let open = Count::default();
    let (mut sender, serving) = connected_by_http2(&open).await;
    for _ in 0..1_000 {
        sender.ready().await.unwrap();
        let asking = sender.send_request(asked("/never"));
        tokio::select! {
            answer = asking => panic!("{answer:?}"),
            () = sleep(HASTE * 2) => {}
        }
    }
    assert!(!serving.is_finished());
}
