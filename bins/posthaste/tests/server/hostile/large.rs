//! C4: bodies up to the bound and over it; and C5 over a socket.

use posthaste_testkit::ScriptedUpstream;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{connect, head, memory_kib, neighbours::Neighbours};
use crate::support::{Bench, MODEL, PATIENCE, Server, furnished};

const MIB: usize = 1024 * 1024;

/// A question of exactly so many bytes.
fn question(bytes: usize) -> Vec<u8> {
    let mut body = format!(
        "{{\"model\":\"{MODEL}\",\"max_tokens\":1,\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]}}"
    )
    .into_bytes();
    body.resize(bytes, b' ');
    body
}

/// Sends a body, its length told before or in chunks; gives the answer's beginning and how much was taken.
async fn send(server: &Server, path: &str, key: &str, body: &[u8], chunked: bool) -> (String, usize) {
    let framing = if chunked {
        "Transfer-Encoding: chunked\r\n".to_owned()
    } else {
        format!("Content-Length: {}\r\n", body.len())
    };
    let head = head(key, &format!("Connection: close\r\n{framing}")).replacen("/v1/messages", path, 1);
    let (mut reader, mut writer) = connect(server).await.into_split();
    let writing = async {
        let mut written = 0;
        let mut going = writer.write_all(head.as_bytes()).await.is_ok();
        for piece in body.chunks(64 * 1024) {
            let framed = if chunked {
                [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
            } else {
                piece.to_vec()
            };
            going = going && writer.write_all(&framed).await.is_ok();
            written += if going { piece.len() } else { 0 };
        }
        if chunked && going {
            let _ = writer.write_all(b"0\r\n\r\n").await;
        }
        written
    };
    let reading = async {
        let mut said = Vec::new();
        // A reset behind the answer is an end as well.
        let _ = timeout(PATIENCE * 4, reader.read_to_end(&mut said)).await.expect("the connection ends");
        String::from_utf8(said).unwrap()
    };
    let (written, said) = tokio::join!(writing, reading);
    (said, written)
}

#[tokio::test(flavor = "multi_thread")]
async fn c4_bodies_up_to_the_bound_are_served_and_larger_ones_refused_in_the_dialect() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    for (bytes, chunked) in [(32 * MIB, false), (64 * MIB, false), (32 * MIB, true)] {
        let (said, _) = send(&server, "/v1/messages", &key, &question(bytes), chunked).await;
        assert!(said.starts_with("HTTP/1.1 200 "), "{bytes}: {said}");
        assert_eq!(upstream.received().last().unwrap().body.len(), bytes);
    }
    let asked = upstream.received().len();
    for (path, words) in [
        ("/v1/messages", "\"type\":\"request_too_large\""),
        ("/v1/chat/completions", "\"type\":\"invalid_request_error\""),
        ("/v1/responses", "\"type\":\"invalid_request_error\""),
        (&format!("/v1beta/models/{MODEL}:generateContent"), "\"code\":413"),
        (&format!("/bedrock/model/{MODEL}/converse"), "\"message\""),
    ] {
        for chunked in [false, true] {
            let (said, _) = send(&server, path, &key, &question(64 * MIB + 1), chunked).await;
            assert!(said.starts_with("HTTP/1.1 413 "), "{path}, chunked: {chunked}: {said}");
            assert!(said.contains(words), "{path}: {said}");
        }
    }
    assert_eq!(upstream.received().len(), asked);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c4_ten_gigabytes_that_are_told_before_are_refused_before_they_come() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    let mut stream = connect(&server).await;
    stream.write_all(head(&key, "Content-Length: 10737418240\r\n").as_bytes()).await.unwrap();
    let mut said = vec![0; 4096];
    let read =
        timeout(PATIENCE, stream.read(&mut said)).await.expect("not a byte of it is waited for").unwrap();
    assert!(said[..read].starts_with(b"HTTP/1.1 413 "));
    assert!(upstream.received().is_empty());
    server.stop().await;
}

/// Sixteen bombs that would each unpack to 10 GiB beside clients who are served: the relay never holds more of one than twice what a
/// body may be.
#[tokio::test(flavor = "multi_thread")]
async fn c5_bombs_do_not_fill_the_memory() {
    let bench = Bench::new();
    let upstream = ScriptedUpstream::start(crate::support::serving).await;
    bench.add_account("one", &upstream);
    let key = bench.create_key("team");
    let server = bench.serve();
    let neighbours = Neighbours::of(&server, &key);
    neighbours.are_served().await;
    let before = memory_kib(&server);
    let bomb = zstd_bomb();
    for round in 0..16 {
        let layers = if round % 2 == 0 { "zstd" } else { "zstd, zstd" };
        let body = if round % 2 == 0 { bomb.clone() } else { zstd_raw(&bomb) };
        let more =
            format!("Connection: close\r\nContent-Encoding: {layers}\r\nContent-Length: {}\r\n", body.len());
        let mut stream = connect(&server).await;
        stream.write_all(head(&key, &more).as_bytes()).await.unwrap();
        stream.write_all(&body).await.unwrap();
        let mut said = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("an answer");
        assert!(said.starts_with(b"HTTP/1.1 413 "), "{}", String::from_utf8_lossy(&said));
    }
    // The allocator gives back what was freed a moment later, as others allocate.
    let mut grown = Vec::new();
    for _ in 0..20 {
        grown.push(memory_kib(&server).saturating_sub(before));
        neighbours.are_served().await;
    }
    assert!(grown.last() < Some(&(160 * 1024)), "so many KiB more than before: {grown:?}");
    neighbours.leave().await;
    server.stop().await;
}

/// A frame of 81,920 blocks that each repeat one byte 131,072 times: 320 KiB for 10 GiB (RFC 8878 §3.1.1).
fn zstd_bomb() -> Vec<u8> {
    let blocks = 10 * 1024 * MIB / (128 * 1024);
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    for block in 1..=blocks {
        let head = (128 * 1024) << 3 | 1 << 1 | u32::from(block == blocks);
        frame.extend_from_slice(&head.to_le_bytes()[..3]);
        frame.push(b' ');
    }
    frame
}

/// The same bytes in raw blocks.
fn zstd_raw(plain: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    let blocks = plain.chunks(64 * 1024).count();
    for (number, block) in plain.chunks(64 * 1024).enumerate() {
        let head = u32::try_from(block.len()).unwrap() << 3 | u32::from(number + 1 == blocks);
        frame.extend_from_slice(&head.to_le_bytes()[..3]);
        frame.extend_from_slice(block);
    }
    frame
}
