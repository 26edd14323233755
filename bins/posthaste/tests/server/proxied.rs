//! The site of nginx in `packaging/`, before a relay.

use std::fs;

use posthaste_testkit::{Script, ScriptedUpstream, anthropic_sse};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};

use crate::{
    nginx::Nginx,
    support::{Bench, PATIENCE, USAGE, eventually, furnished, streamed, whole},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_event_is_there_before_the_last_is_sent() {
    let bench = Bench::new();
    let upstream = ScriptedUpstream::start(|_| {
        let frames = anthropic_sse(&["the first words", "the last words"], USAGE);
        let begun = frames.iter().position(|frame| has(frame, "the first words")).unwrap();
        Script::sse(&frames[..=begun]).stall()
    })
    .await;
    bench.add_account("one", &upstream);
    let key = bench.create_key("team");
    let server = bench.serve();
    let nginx = Nginx::before(&server).await;
    let mut client = nginx.post(&key, &streamed()).await;
    let seen = read_until(&mut client, "the first words").await;
    assert!(seen.starts_with("HTTP/1.1 200") && seen.contains("text/event-stream"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_many_megabytes_passes_and_is_answered() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    let nginx = Nginx::before(&server).await;
    let mut body = whole();
    body["messages"][0]["content"] = json!("x".repeat(8 << 20));
    let mut client = nginx.post(&key, &body).await;
    let seen = read_until(&mut client, "\"hello\"").await;
    assert!(seen.starts_with("HTTP/1.1 200"), "{seen}");
    assert!(upstream.received()[0].body.len() > 8 << 20);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_socket_is_opened_through_it() {
    let (bench, _upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    let nginx = Nginx::before(&server).await;
    let mut client = nginx
        .send(&format!(
            "GET /v1/responses HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer {key}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ))
        .await;
    let seen = read_until(&mut client, "\r\n\r\n").await;
    assert!(seen.starts_with("HTTP/1.1 101"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_of_a_query_is_logged_and_what_is_for_inside_stays_there() {
    let (bench, _upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    let nginx = Nginx::before(&server).await;
    for (target, status) in [
        (format!("/v1beta/models?key={key}"), "200"),
        ("/health".to_owned(), "404"),
        ("/metrics".to_owned(), "404"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n");
        let mut client = nginx.send(&request).await;
        let seen = read_until(&mut client, "\r\n\r\n").await;
        assert!(seen.starts_with(&format!("HTTP/1.1 {status}")), "{target}: {seen}");
    }
    server.stop().await;
    // Nobody is there any more, which nginx has to tell as well.
    let request =
        format!("GET /v1beta/models?key={key} HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n");
    let seen = read_until(&mut nginx.send(&request).await, "\r\n\r\n").await;
    assert!(seen.starts_with("HTTP/1.1 502"), "{seen}");
    eventually("nginx logs four requests", || {
        let log = fs::read_to_string(nginx.folder.path().join("posthaste.log")).unwrap();
        (log.lines().count() == 4).then_some(())
    })
    .await;
    for file in ["posthaste.log", "posthaste-error.log"] {
        let log = fs::read_to_string(nginx.folder.path().join(file)).unwrap();
        assert!(!log.contains(&key), "{file}: {log}");
    }
}

impl Nginx {
    async fn send(&self, request: &str) -> UnixStream {
        let mut stream = UnixStream::connect(self.socket()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    async fn post(&self, key: &str, body: &Value) -> UnixStream {
        let body = body.to_string();
        self.send(&format!(
            "POST /v1/messages HTTP/1.1\r\nHost: relay\r\nx-api-key: {key}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await
    }
}

fn has(bytes: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(text)
}

/// Reads until a text has come, and gives everything up to there.
async fn read_until(stream: &mut UnixStream, wanted: &str) -> String {
    let mut seen = Vec::new();
    let mut piece = vec![0; 65_536];
    while !has(&seen, wanted) {
        let read = timeout(PATIENCE, stream.read(&mut piece)).await.expect("an answer in time").unwrap();
        assert!(read > 0, "it ended before `{wanted}`: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&piece[..read]);
    }
    String::from_utf8(seen).unwrap()
}
