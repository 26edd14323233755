//! Clients that leave early.

use std::time::Duration;

use posthaste_core::{AttemptOutcome, AttemptPhase};
use posthaste_testkit::{Script, ScriptedUpstream, anthropic_json, anthropic_sse};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{Bench, PATIENCE, Server, USAGE, furnished, streamed, whole};

/// Sends a request over a socket of its own.
async fn send(server: &Server, key: &str, body: &serde_json::Value) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let body = body.to_string();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nHost: relay\r\nx-api-key: {key}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    stream
}

async fn leave_before_head(upstream: &ScriptedUpstream, stream: TcpStream, so_far: usize) {
    upstream.wait_received(so_far).await;
    drop(stream);
}

async fn leave_after_first_bytes(mut stream: TcpStream) {
    let mut first = [0; 16];
    timeout(PATIENCE, stream.read_exact(&mut first)).await.unwrap().unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK\r");
    drop(stream);
}

/// When a client left.
enum Left {
    /// Before the upstream's head.
    Waiting,
    /// Before the first content.
    Early,
    /// Within the stream.
    Delivering,
}

use Left::{Delivering, Early, Waiting};

#[tokio::test(flavor = "multi_thread")]
async fn the_upstream_sees_that_the_client_has_left_in_each_phase() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    let frames = anthropic_sse(&["a", "b"], USAGE);
    let json = anthropic_json("hello", USAGE).to_string();
    let half = json[..json.len() / 2].to_owned();
    let cases = [
        // (stream or not, what the upstream does, whether the client sees a head, when it left)
        (whole(), Script::never(), false, Waiting),
        (streamed(), Script::never(), false, Waiting),
        (streamed(), Script::sse(&[]).stall(), false, Early),
        (streamed(), Script::sse(&frames[..3]).stall(), false, Early),
        (streamed(), Script::sse(&frames[..4]).stall(), true, Delivering),
        (whole(), Script::new().header("content-type", "application/json").chunk(half).stall(), false, Early),
    ];
    for (round, (body, script, sees_head, _)) in cases.iter().enumerate() {
        upstream.enqueue(script.clone());
        let stream = send(&server, &key, body).await;
        if *sees_head {
            leave_after_first_bytes(stream).await;
        } else {
            leave_before_head(&upstream, stream, round + 1).await;
        }
        upstream.wait_aborted(round + 1).await;
    }
    // Others are served as ever, and the account has nothing held against it.
    assert_eq!(server.post(&key, &whole()).await.unwrap().status, 200);
    server.stop().await;
    let mut rows = bench.rows().await;
    rows.sort_by_key(|row| row.request_id);
    assert_eq!(rows.len(), cases.len() + 1);
    for (row, (_, _, _, left)) in rows.iter().zip(&cases) {
        assert_eq!(row.outcome, AttemptOutcome::Cancelled, "{row:?}");
        let phases: &[_] = match left {
            Waiting => &[AttemptPhase::AwaitingHead],
            // The client may be gone before the relay has seen the head that the upstream has sent.
            Early => &[AttemptPhase::AwaitingHead, AttemptPhase::AwaitingContent],
            Delivering => &[AttemptPhase::Delivering],
        };
        assert!(phases.contains(&row.phase), "{row:?}");
    }
    assert_eq!(rows.last().unwrap().outcome, AttemptOutcome::Complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_leavers_leaves_nothing_behind() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    let frames = anthropic_sse(&["a"], USAGE);
    for _ in 0..100 {
        upstream.enqueue(Script::sse(&frames[..4]).stall());
    }
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(send(&server, &key, &streamed()).await);
    }
    for stream in &mut streams {
        let mut first = [0; 1];
        timeout(PATIENCE, stream.read_exact(&mut first)).await.unwrap().unwrap();
    }
    drop(streams);
    upstream.wait_aborted(100).await;
    let begun = tokio::time::Instant::now();
    loop {
        let in_flight = bench.cli("status")["server"]["in_flight"].as_u64();
        if in_flight == Some(0) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{in_flight:?} still in flight");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.post(&key, &whole()).await.unwrap().status, 200);
    server.stop().await;
    assert_eq!(bench.rows().await.len(), 101);
}
