//! C8: what HTTP/2 can be made to do.

use std::time::Duration;

use posthaste_testkit::{Script, ScriptedUpstream, anthropic_sse};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, sleep},
};

use super::{
    frames::{
        CONTINUATION, DATA, END_HEADERS, END_STREAM, GO_AWAY, HEADERS, INITIAL_WINDOW_SIZE, NEWEST, PING,
        RST_STREAM, SETTINGS, answered, begun, closed, frame, header, question, remembered, taken,
    },
    memory_kib,
    neighbours::Neighbours,
};
use crate::support::{Bench, USAGE, furnished, serving, streamed};

#[tokio::test(flavor = "multi_thread")]
async fn c8_requests_that_are_reset_at_once_end_the_connection() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    let neighbours = Neighbours::of(&server, &key);
    for at_once in [1, 64] {
        let mut stream = begun(&server, &[]).await;
        let (mut number, mut made) = (1, 0);
        let head = question(&key);
        loop {
            let mut burst = Vec::new();
            for _ in 0..at_once {
                burst.extend(frame(HEADERS, END_HEADERS, number, &head));
                burst.extend(frame(RST_STREAM, 0, number, &8_u32.to_be_bytes()));
                number += 2;
                made += 1;
            }
            if !taken(&mut stream, &burst).await {
                break;
            }
            assert!(made < 100_000, "it is listened to for ever");
        }
    }
    neighbours.are_served().await;
    let served = neighbours.leave().await;
    assert_eq!(upstream.received().len(), served, "what has no body asks nobody");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c8_heads_without_end_end_the_connection() {
    let (bench, _upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    let neighbours = Neighbours::of(&server, &key);
    neighbours.are_served().await;
    let before = memory_kib(&server);
    let long = header("x-long", &"a".repeat(16_000));
    for piece in [&long[..], b""] {
        let mut stream = begun(&server, &[]).await;
        assert!(taken(&mut stream, &frame(HEADERS, 0, 1, &question(&key))).await);
        let mut sent = 0;
        while taken(&mut stream, &frame(CONTINUATION, 0, 1, piece)).await {
            sent += 1;
            assert!(sent < 10_000, "it is listened to for ever");
        }
    }
    let grown = memory_kib(&server).saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB");
    neighbours.are_served().await;
    neighbours.leave().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c8_headers_that_unpack_to_megabytes_are_refused() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    let before = memory_kib(&server);
    for _ in 0..32 {
        let mut stream = begun(&server, &[]).await;
        let mut block = question(&key);
        block.extend(remembered("x-bomb", &"a".repeat(4_000)));
        block.extend(vec![NEWEST; 10_000]);
        let request = [
            frame(HEADERS, END_HEADERS, 1, &block),
            frame(DATA, END_STREAM, 1, crate::support::whole().to_string().as_bytes()),
        ]
        .concat();
        let _ = stream.write_all(&request).await;
        answered(&mut stream).await;
    }
    let grown = memory_kib(&server).saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB for 32 times 40 MB");
    assert!(upstream.received().is_empty(), "none of them was served");
    server.stop().await;
}

/// Who sends and does not read is not read either, as soon as the answers lie in the way.
#[tokio::test(flavor = "multi_thread")]
async fn c8_settings_and_pings_are_not_collected() {
    let (bench, _upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    let neighbours = Neighbours::of(&server, &key);
    neighbours.are_served().await;
    let before = memory_kib(&server);
    let setting = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255]);
    let ping = frame(PING, 0, 0, b"posthast");
    for flood in [setting.repeat(4_096), ping.repeat(4_096)] {
        let mut stream = begun(&server, &[]).await;
        let mut sent = 0;
        while taken(&mut stream, &flood).await {
            sent += flood.len();
            assert!(sent < 256 * 1024 * 1024, "it is taken without end");
        }
    }
    let grown = memory_kib(&server).saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB");
    neighbours.are_served().await;
    neighbours.leave().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c8_floods_whose_answers_are_read_leave_others_served() {
    let (bench, _upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    let neighbours = Neighbours::of(&server, &key);
    let mut floods = tokio::task::JoinSet::new();
    for (kind, payload) in [(SETTINGS, &[0, 4, 0, 0, 255, 255][..]), (PING, b"posthast")] {
        let (mut reader, mut writer) = begun(&server, &[]).await.into_split();
        let flood = frame(kind, 0, 0, payload).repeat(1_024);
        floods.spawn(async move { while writer.write_all(&flood).await.is_ok() {} });
        floods.spawn(async move {
            let mut space = vec![0; 64 * 1024];
            while reader.read(&mut space).await.is_ok_and(|read| read > 0) {}
        });
    }
    for _ in 0..3 {
        neighbours.are_served().await;
        sleep(Duration::from_millis(200)).await;
    }
    floods.shutdown().await;
    neighbours.leave().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c8_bodies_in_pieces_of_nothing_end_the_connection() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    let mut stream = begun(&server, &[]).await;
    assert!(taken(&mut stream, &frame(HEADERS, END_HEADERS, 1, &question(&key))).await);
    let pieces = frame(DATA, 0, 1, b"").repeat(1_024);
    let mut sent = 0;
    while taken(&mut stream, &pieces).await {
        sent += 1_024;
        assert!(sent < 10_000_000, "it is listened to for ever");
    }
    assert!(upstream.received().is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c8_an_answer_for_which_there_is_never_a_window_is_given_up() {
    let bench = Bench::new()
        .with("POSTHASTE_SERVER__UNREAD_TIMEOUT", "2s")
        .with("POSTHASTE_SERVER__HEADER_READ_TIMEOUT", "1s");
    let upstream = ScriptedUpstream::start(|request| {
        if request.json()["stall"] == true {
            Script::sse(&anthropic_sse(&["a", "b"], USAGE)[..4]).stall()
        } else {
            serving(request)
        }
    })
    .await;
    bench.add_account("one", &upstream);
    let key = bench.create_key("team");
    let server = bench.serve();
    let neighbours = Neighbours::of(&server, &key);
    let mut stream = begun(&server, &[(INITIAL_WINDOW_SIZE, 0)]).await;
    let mut body = streamed();
    body["stall"] = true.into();
    let request = [
        frame(HEADERS, END_HEADERS, 1, &question(&key)),
        frame(DATA, END_STREAM, 1, body.to_string().as_bytes()),
    ]
    .concat();
    stream.write_all(&request).await.unwrap();
    let began = Instant::now();
    let kinds = closed(stream).await;
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(kinds.contains(&HEADERS) && !kinds.contains(&DATA), "{kinds:?}");
    upstream.wait_aborted(1).await;
    neighbours.are_served().await;
    neighbours.leave().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c8_what_is_no_frame_is_answered_with_a_good_bye() {
    let (bench, _upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    let head = question(&key);
    for (what, bytes) in [
        ("a frame that is too large", frame(DATA, 0, 1, &vec![0; 1024 * 1024])),
        ("a stream of even number", frame(HEADERS, END_HEADERS, 2, &head)),
        ("data of a stream that was never opened", frame(DATA, 0, 7, b"x")),
        ("a continuation of nothing", frame(CONTINUATION, END_HEADERS, 1, &head)),
        ("a ping of the wrong length", frame(PING, 0, 0, b"short")),
        ("settings of a stream", frame(SETTINGS, 0, 1, &[])),
        ("an acknowledgement of nothing, twice", frame(SETTINGS, 1, 0, &[]).repeat(2)),
        ("headers that cannot be unpacked", frame(HEADERS, END_HEADERS, 1, &[0xff; 64])),
        ("a window of more than all", frame(8, 0, 0, &0x7fff_ffff_u32.to_be_bytes())),
    ] {
        let mut stream = begun(&server, &[]).await;
        let _ = stream.write_all(&bytes).await;
        let kinds = closed(stream).await;
        assert!(kinds.is_empty() || kinds.contains(&GO_AWAY), "{what}: {kinds:?}");
    }
    assert_eq!(server.post(&key, &streamed()).await.unwrap().status, 200);
    server.stop().await;
}
