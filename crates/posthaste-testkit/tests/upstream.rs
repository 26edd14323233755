//! What a client sees of a `ScriptedUpstream`, over plain sockets.

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use posthaste_core::Usage;
use posthaste_testkit::{Script, ScriptedUpstream, anthropic_sse};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const REQUEST: &[u8] = b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}";

async fn connect(upstream: &ScriptedUpstream) -> TcpStream {
    TcpStream::connect(upstream.address()).await.expect("it listens")
}

/// Sends one request and reads until the server closes; for scripts that end the connection.
async fn exchange(upstream: &ScriptedUpstream) -> std::io::Result<String> {
    let mut stream = connect(upstream).await;
    stream.write_all(REQUEST).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

async fn read_until(stream: &mut TcpStream, needle: &str) -> String {
    let mut answer = Vec::new();
    while !answer.windows(needle.len()).any(|window| window == needle.as_bytes()) {
        assert_ne!(
            stream.read_buf(&mut answer).await.expect("a readable socket"),
            0,
            "closed before {needle:?}"
        );
    }
    String::from_utf8(answer).expect("the answer is UTF-8")
}

#[tokio::test]
async fn a_connection_serves_one_request_after_another() {
    let upstream = ScriptedUpstream::start(|request| Script::json(200, &json!({"path": request.path}))).await;
    let mut stream = connect(&upstream).await;
    for _ in 0..2 {
        stream.write_all(REQUEST).await.unwrap();
        let answer = read_until(&mut stream, "}").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\ncontent-length: 23\r\n"), "{answer}");
        assert!(answer.ends_with(r#"{"path":"/v1/messages"}"#), "{answer}");
    }
    assert_eq!(upstream.open_connections(), 1);
    let received = upstream.wait_received(2).await;
    assert_eq!(received[1].json(), json!({}));
    assert_eq!(upstream.aborted(), 0);
}

#[tokio::test]
async fn a_stream_is_chunked_and_terminated() {
    let frames = anthropic_sse(&["hi"], Usage::default());
    let upstream = ScriptedUpstream::start(move |_| Script::sse(&frames).sliced(7)).await;
    let mut stream = connect(&upstream).await;
    stream.write_all(REQUEST).await.unwrap();
    let answer = read_until(&mut stream, "0\r\n\r\n").await;
    assert!(answer.contains("\r\n7\r\nevent: \r\n7\r\nmessage\r\n"), "{answer}");
}

#[tokio::test]
async fn enqueued_scripts_go_first_and_in_order() {
    let upstream = ScriptedUpstream::queued().await;
    upstream.enqueue(Script::text(529, "one").until_close());
    upstream.enqueue(Script::text(429, "two").until_close());
    assert!(exchange(&upstream).await.unwrap().starts_with("HTTP/1.1 529 "));
    assert!(exchange(&upstream).await.unwrap().starts_with("HTTP/1.1 429 "));
}

#[tokio::test]
async fn a_cut_leaves_the_body_unfinished() {
    let upstream = ScriptedUpstream::start(|_| Script::new().chunk("abc").cut()).await;
    assert!(exchange(&upstream).await.unwrap().ends_with("\r\n\r\n3\r\nabc\r\n"));
    let upstream = ScriptedUpstream::start(|_| Script::new().claiming(10).chunk("abc").cut()).await;
    let answer = exchange(&upstream).await.unwrap();
    assert!(answer.contains("content-length: 10\r\n") && answer.ends_with("\r\n\r\nabc"), "{answer}");
    assert_eq!(upstream.aborted(), 0);
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let upstream = ScriptedUpstream::start(|_| Script::new().chunk("abc").reset()).await;
    let error = exchange(&upstream).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn an_answer_can_be_garbage_or_nothing() {
    let upstream = ScriptedUpstream::queued().await;
    upstream.enqueue(Script::raw("\0garbage\r\n"));
    upstream.enqueue(Script::hang_up());
    assert_eq!(exchange(&upstream).await.unwrap(), "\0garbage\r\n");
    assert_eq!(exchange(&upstream).await.unwrap(), "");
}

#[tokio::test]
async fn a_client_that_leaves_early_is_noticed() {
    let upstream = ScriptedUpstream::queued().await;
    upstream.enqueue(Script::never());
    upstream.enqueue(Script::new().chunk("abc").stall());
    for _ in 0..2 {
        let mut stream = connect(&upstream).await;
        stream.write_all(REQUEST).await.unwrap();
    }
    let aborts = upstream.wait_aborted(2).await;
    assert_eq!(aborts[0].path, "/v1/messages");
    assert!(aborts[0].noticed <= Instant::now());
    assert_eq!(upstream.received().len(), 2);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_noticed_too() {
    let flood = vec![b'x'; 64 << 20];
    let upstream = ScriptedUpstream::start(move |_| Script::new().chunk(flood.clone())).await;
    let mut stream = connect(&upstream).await;
    stream.write_all(REQUEST).await.unwrap();
    read_until(&mut stream, "xxx").await;
    drop(stream);
    upstream.wait_aborted(1).await;
}

#[tokio::test]
async fn pauses_keep_the_pieces_apart() {
    let pause = Duration::from_millis(50);
    let upstream = ScriptedUpstream::start(move |_| {
        Script::new().until_close().chunk("a").chunk("b").pausing(pause).head_after(pause)
    })
    .await;
    let mut stream = connect(&upstream).await;
    stream.write_all(REQUEST).await.unwrap();
    let answer = read_until(&mut stream, "\r\n\r\na").await;
    assert!(!answer.ends_with("ab"), "{answer}");
    assert_eq!(read_until(&mut stream, "b").await, "b");
}

#[tokio::test]
async fn a_killed_server_refuses_connects_until_it_is_revived() {
    let upstream = ScriptedUpstream::start(|_| Script::text(200, "up").until_close()).await;
    let mut idle = connect(&upstream).await;
    upstream.kill().await;
    assert_eq!(idle.read(&mut [0]).await.unwrap_or(0), 0);
    assert_eq!(upstream.open_connections(), 0);
    assert_eq!(exchange_error(&upstream).await, ErrorKind::ConnectionRefused);
    upstream.revive().await;
    assert!(exchange(&upstream).await.unwrap().ends_with("up"));
}

async fn exchange_error(upstream: &ScriptedUpstream) -> ErrorKind {
    TcpStream::connect(upstream.address()).await.expect_err("nobody listens").kind()
}
