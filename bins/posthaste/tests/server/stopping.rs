//! An orderly end.

use std::time::Duration;

use posthaste_core::AttemptOutcome;
use posthaste_testkit::{Script, anthropic_sse};
use rustix::process::Signal;
use tokio::{net::TcpStream, time::sleep};

use crate::support::{Bench, USAGE, eventually, furnished, streamed, whole};

/// A stream whose pieces come slowly.
fn slow_stream() -> Script {
    Script::sse(&anthropic_sse(&["a", "b", "c", "d"], USAGE)).pausing(Duration::from_millis(150))
}

/// A stream that says something and then nothing more.
fn stalling_stream() -> Script {
    Script::sse(&anthropic_sse(&["a", "b"], USAGE)[..4]).stall()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_under_way_ends_whole_while_new_connections_are_refused() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let mut server = bench.serve();
    assert_eq!(server.post(&key, &whole()).await.unwrap().status, 200, "the first request");
    upstream.enqueue(slow_stream());
    let mut answer = server.post(&key, &streamed()).await.unwrap();
    let first = answer.piece().await.unwrap().unwrap();

    server.signal(Signal::TERM);
    let address = server.address().to_owned();
    let mut refused = false;
    while !refused {
        refused = TcpStream::connect(&address).await.is_err();
        sleep(Duration::from_millis(5)).await;
    }
    assert!(server.ended().is_none(), "the stream is still under way");
    let rest = answer.text().await.unwrap();
    let sent: Vec<u8> = anthropic_sse(&["a", "b", "c", "d"], USAGE).concat();
    assert_eq!([&first[..], rest.as_bytes()].concat(), sent);

    let status = server.end().await;
    assert_eq!(status.code(), Some(0), "{}", server.log());
    let rows = bench.rows().await;
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.outcome == AttemptOutcome::Complete && row.usage == USAGE), "{rows:?}");
    assert!(!bench.data().join("admin.sock").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_cuts_what_is_left_and_books_it() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let mut server = bench.serve();
    upstream.enqueue(stalling_stream());
    let mut answer = server.post(&key, &streamed()).await.unwrap();
    answer.piece().await.unwrap().unwrap();

    server.signal(Signal::TERM);
    eventually("the signal is noticed", || server.log().contains("stopping").then_some(())).await;
    assert!(server.ended().is_none(), "the stream is still under way");
    server.signal(Signal::TERM);
    assert!(answer.text().await.is_err(), "a cut stream must not look like a whole one");
    let status = server.end().await;
    assert_eq!(status.code(), Some(1), "{}", server.log());
    let rows = bench.rows().await;
    assert_eq!(rows.iter().map(|row| row.outcome).collect::<Vec<_>>(), [AttemptOutcome::Cancelled]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_grace_time_cuts_what_is_left_and_books_it() {
    let (bench, upstream, key) = furnished(Bench::new().with("POSTHASTE_SERVER__SHUTDOWN_GRACE", "1s")).await;
    let mut server = bench.serve();
    upstream.enqueue(stalling_stream());
    let mut answer = server.post(&key, &streamed()).await.unwrap();
    answer.piece().await.unwrap().unwrap();
    server.signal(Signal::INT);
    assert!(answer.text().await.is_err(), "a cut stream must not look like a whole one");
    let status = server.end().await;
    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert!(server.log().contains("cut off"), "{}", server.log());
    let rows = bench.rows().await;
    assert_eq!(rows.iter().map(|row| row.outcome).collect::<Vec<_>>(), [AttemptOutcome::Cancelled]);
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_do_not_hold_up_the_end() {
    let (bench, _upstream, key) = furnished(Bench::new()).await;
    let mut server = bench.serve();
    // The client's pool keeps this one open; the other one has sent nothing yet.
    let client = server.client();
    assert!(!client.post(&key, &whole()).await.unwrap().text().await.unwrap().is_empty());
    let _silent = TcpStream::connect(server.address()).await.unwrap();
    server.signal(Signal::TERM);
    assert_eq!(server.end().await.code(), Some(0), "{}", server.log());
}
