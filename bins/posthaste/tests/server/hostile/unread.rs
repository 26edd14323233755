//! U15: an upstream that sends fast and a client that reads slowly, or not at all.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

use super::{connect, head, memory_kib, neighbours::Neighbours};
use crate::support::{Bench, PATIENCE, USAGE, eventually, furnished, streamed};

/// An upstream that streams text for as long as somebody takes it, and counts what it could write.
struct Torrent {
    base_url: String,
    written: Arc<AtomicU64>,
    ended: Arc<AtomicU64>,
}

impl Torrent {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let (written, ended) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let torrent = Self { base_url, written: Arc::clone(&written), ended: Arc::clone(&ended) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (written, ended) = (Arc::clone(&written), Arc::clone(&ended));
                tokio::spawn(async move {
                    // It ends when the relay has gone.
                    let _ = pour(stream, &written).await;
                    ended.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        torrent
    }

    fn written(&self) -> u64 {
        self.written.load(Ordering::SeqCst)
    }

    /// Waits until nothing more can be written, and gives how much that was.
    async fn stands_still(&self) -> u64 {
        let mut before = u64::MAX;
        loop {
            let now = self.written();
            if now == before && now > 0 {
                return now;
            }
            before = now;
            sleep(Duration::from_secs(1)).await;
        }
    }
}

async fn pour(mut stream: TcpStream, written: &AtomicU64) -> std::io::Result<()> {
    let mut request = vec![0; 64 * 1024];
    // A question is one piece here, and what it says makes no difference.
    let _ = stream.read(&mut request).await?;
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        .await?;
    let frames = posthaste_testkit::anthropic_sse(&["x"], USAGE);
    let text = frames.iter().position(|frame| frame.windows(10).any(|part| part == b"text_delta")).unwrap();
    for frame in &frames[..text] {
        stream.write_all(frame).await?;
    }
    let piece: Bytes = frames[text].repeat(256).into();
    loop {
        stream.write_all(&piece).await?;
        written.fetch_add(piece.len() as u64, Ordering::SeqCst);
    }
}

/// A client that has asked and seen the beginning.
async fn asking(server: &crate::support::Server, key: &str) -> TcpStream {
    let body = streamed().to_string();
    let mut stream = connect(server).await;
    let head = head(key, &format!("Content-Length: {}\r\n", body.len()));
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut beginning = [0; 15];
    timeout(PATIENCE, stream.read_exact(&mut beginning)).await.expect("an answer").unwrap();
    assert_eq!(&beginning, b"HTTP/1.1 200 OK");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn u15_an_upstream_is_held_up_by_the_client_and_the_relay_keeps_little() {
    let (bench, _upstream, _key) = furnished(Bench::new()).await;
    let torrent = Torrent::start().await;
    bench.cli(&format!(
        "accounts add --preset anthropic-compatible --name fast --base-url {} --api-key sk-dummy --priority 1",
        torrent.base_url
    ));
    let key = bench.create_key("slow");
    let server = bench.serve();
    let mut clients = Vec::new();
    // What the first ones need is not theirs alone: threads, pools, what the allocator keeps.
    for _ in 0..8 {
        clients.push(asking(&server, &key).await);
    }
    torrent.stands_still().await;
    let before = memory_kib(&server);
    for _ in 0..32 {
        clients.push(asking(&server, &key).await);
    }
    let stood_at = torrent.stands_still().await;
    let grown = memory_kib(&server).saturating_sub(before);
    // What lies in the kernel's buffers of both connections is not the relay's.
    assert!(grown < 32 * 256, "{grown} KiB for 32 streams, of which {stood_at} bytes were sent");
    assert!(stood_at < 40 * 32 * 1024 * 1024, "{stood_at}");

    // A client that reads on gets on, in whole events, and its upstream with it.
    let client = &mut clients[0];
    let mut read = 0;
    let mut space = vec![0; 256 * 1024];
    while torrent.written() < stood_at + 8 * 1024 * 1024 {
        read += timeout(PATIENCE, client.read(&mut space)).await.expect("it goes on").unwrap();
    }
    assert!(read > 4 * 1024 * 1024, "{read}");
    drop(clients);
    eventually("the upstream is given up", || (torrent.ended.load(Ordering::SeqCst) == 40).then_some(()))
        .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u15_a_client_that_takes_nothing_is_given_up_and_its_upstream_too() {
    let bench = Bench::new()
        .with("POSTHASTE_SERVER__UNREAD_TIMEOUT", "2s")
        .with("POSTHASTE_SERVER__HEADER_READ_TIMEOUT", "1s");
    let (bench, _upstream, key) = furnished(bench).await;
    let torrent = Torrent::start().await;
    let server = bench.serve();
    let neighbours = Neighbours::of(&server, &key);
    neighbours.are_served().await;
    let neighbours_left = neighbours.leave().await;
    bench.cli(&format!(
        "accounts add --preset anthropic-compatible --name fast --base-url {} --api-key sk-dummy --priority 1",
        torrent.base_url
    ));
    let begun = tokio::time::Instant::now();
    while torrent.written() == 0 {
        assert!(begun.elapsed() < PATIENCE, "the new account is not asked");
        let _client = asking(&server, &key).await;
        sleep(Duration::from_millis(50)).await;
    }
    let asked = torrent.ended.load(Ordering::SeqCst);
    let _client = asking(&server, &key).await;
    eventually("it is given up", || (torrent.ended.load(Ordering::SeqCst) > asked).then_some(())).await;
    eventually("nothing is under way", || {
        (bench.cli("status")["server"]["in_flight"].as_u64() == Some(0)).then_some(())
    })
    .await;
    server.stop().await;
    assert!(bench.rows().await.len() > neighbours_left);
}
