//! The sandbox as a client over HTTP sees it.

use posthaste_sandbox::Sandbox;
use posthaste_testkit::SandboxServer;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

async fn exchange(server: &SandboxServer, model: &str) -> String {
    let body = format!(
        r#"{{"model":"{model}","max_tokens":9,"stream":true,"messages":[{{"role":"user","content":"Hi"}}]}}"#
    );
    let mut stream = TcpStream::connect(server.address()).await.expect("it listens");
    let head = "POST /v1/messages?beta=true HTTP/1.1\r\nhost: a\r\nconnection: close\r\n";
    let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers and closes");
    answer
}

#[tokio::test]
async fn a_stream_goes_over_http_chunk_by_chunk() {
    let server = SandboxServer::start(Sandbox::default()).await;
    let answer = exchange(&server, "claude-haiku-4-5").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("transfer-encoding: chunked\r\n"), "{answer}");
    assert!(answer.ends_with("\"message_stop\"}\n\n\r\n0\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_broken_body_breaks_the_connection() {
    let server = SandboxServer::start(Sandbox::default()).await;
    let answer = exchange(&server, "sandbox-cut-2").await;
    assert!(answer.contains("event: content_block_start"), "{answer}");
    assert!(!answer.ends_with("0\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn errors_keep_their_status() {
    let server = SandboxServer::start(Sandbox::default()).await;
    assert!(exchange(&server, "sandbox-529").await.starts_with("HTTP/1.1 529 "));
}

#[tokio::test]
async fn it_ends_with_its_value() {
    let server = SandboxServer::start(Sandbox::default()).await;
    let address = server.address();
    drop(server);
    // The task that holds the listener ends when it is next looked at.
    tokio::task::yield_now().await;
    assert!(TcpStream::connect(address).await.is_err());
}
