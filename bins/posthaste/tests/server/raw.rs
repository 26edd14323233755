//! What a socket sees that follows no client library.

use std::time::Duration;

use posthaste_testkit::ScriptedUpstream;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use crate::support::{Bench, PATIENCE, Server, furnished, whole};

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address()).await.unwrap()
}

/// Reads to the end of the connection.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end as well.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the connection ends");
    String::from_utf8(bytes).unwrap()
}

async fn read_some(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 65_536];
    let read = timeout(PATIENCE, stream.read(&mut bytes)).await.expect("an answer in time").unwrap();
    String::from_utf8(bytes[..read].to_vec()).unwrap()
}

fn head(key: &str, more: &str) -> String {
    format!("POST /v1/messages HTTP/1.1\r\nHost: relay\r\nx-api-key: {key}\r\n{more}\r\n")
}

async fn with_short_header_timeout() -> (Bench, ScriptedUpstream, String) {
    furnished(Bench::new().with("POSTHASTE_SERVER__HEADER_READ_TIMEOUT", "1s")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_come_to_its_end_is_given_up() {
    let (bench, upstream, _key) = with_short_header_timeout().await;
    let server = bench.serve();
    let silent = async {
        let mut stream = connect(&server).await;
        read_to_end(&mut stream).await
    };
    let half = async {
        let mut stream = connect(&server).await;
        stream.write_all(b"POST /v1/messages HTTP/1.1\r\nHost: re").await.unwrap();
        read_to_end(&mut stream).await
    };
    let half_preface = async {
        let mut stream = connect(&server).await;
        stream.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
        read_to_end(&mut stream).await
    };
    let dripping = async {
        let mut stream = connect(&server).await;
        let begun = Instant::now();
        while stream.write_all(b"X").await.is_ok() {
            assert!(begun.elapsed() < PATIENCE, "it is listened to for ever");
            sleep(Duration::from_millis(100)).await;
        }
    };
    let (silent, half, half_preface, ()) = tokio::join!(silent, half, half_preface, dripping);
    for answer in [silent, half, half_preface] {
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    assert!(upstream.received().is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_first_is_told_to_go_on_only_if_it_may() {
    let (bench, _upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    let body = whole().to_string();
    let more = format!("Expect: 100-continue\r\nContent-Length: {}\r\n", body.len());
    let mut stream = connect(&server).await;
    stream.write_all(head(&key, &more).as_bytes()).await.unwrap();
    assert_eq!(read_some(&mut stream).await, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).await.unwrap();
    assert!(read_some(&mut stream).await.starts_with("HTTP/1.1 200 OK\r\n"));

    let mut stream = connect(&server).await;
    stream.write_all(head("cr_dummy", &more).as_bytes()).await.unwrap();
    assert!(read_some(&mut stream).await.starts_with("HTTP/1.1 401 "), "no body is asked for");
    let large = "Expect: 100-continue\r\nContent-Length: 10000000000\r\n";
    let mut stream = connect(&server).await;
    stream.write_all(head(&key, large).as_bytes()).await.unwrap();
    assert!(read_some(&mut stream).await.starts_with("HTTP/1.1 413 "), "no body is asked for");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_end_is_refused_at_the_bound() {
    let (bench, upstream, key) =
        furnished(Bench::new().with("POSTHASTE_SERVER__MAX_BODY_BYTES", "1MiB")).await;
    let server = bench.serve();
    let mut stream = connect(&server).await;
    stream.write_all(head(&key, "Transfer-Encoding: chunked\r\n").as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    // The relay reads on behind its answer, but not for ever: writing fails; the answer lies there to be read.
    let mut written = 0;
    while stream.write_all(chunk.as_bytes()).await.is_ok() {
        written += chunk.len();
        assert!(written < 256 * 1024 * 1024, "it is taken without end");
    }
    let answer = read_some(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(upstream.received().is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_a_row_are_answered_in_order() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    let body = whole().to_string();
    let request = format!("{}{body}", head(&key, &format!("Content-Length: {}\r\n", body.len())));
    let last = "GET /health HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n";
    let mut stream = connect(&server).await;
    stream.write_all(format!("{request}{request}{last}").as_bytes()).await.unwrap();
    let answers = read_to_end(&mut stream).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
    assert!(answers.ends_with('}') && answers.contains("\"accounts\""), "{answers}");
    assert_eq!(upstream.received().len(), 2);
    server.stop().await;
}
