//! What is bounded: time, size and number; and how it ends.

use std::time::Duration;

use futures_util::SinkExt;
use http::StatusCode;
use posthaste_core::{Area, AttemptOutcome};
use posthaste_http::{Drained, LinkPace, SeatLimits, SocketOptions};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::bench::{PATIENCE, Served, bearer, quick, served, setup};
use crate::{
    socket::Held,
    support::{Setup, chat_sse, good, secret},
};

fn limited(sockets: SocketOptions) -> Setup {
    Setup { sockets, ..setup() }
}

/// Gives a peer up soon.
fn impatient() -> SocketOptions {
    let millis = Duration::from_millis;
    SocketOptions { pace: LinkPace { beat: millis(20), silence: millis(200), least: millis(50) }, ..quick() }
}

#[tokio::test]
async fn whoever_asks_nothing_for_long_is_shown_out() {
    let served = served(limited(SocketOptions { idle: Duration::from_millis(100), ..quick() })).await;
    assert_eq!(served.asking().await.close_code().await, 1000);
    let token = served.token("board", &[Area::Usage.read()]).await;
    assert_eq!(served.open(&token).await.close_code().await, 1000);
    // Whoever watches need not ask.
    let mut watching = served.watching(&["totals"]).await;
    watching.of("totals").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    watching.say(&json!({"type": "ping"})).await;
    watching.of("pong").await;
}

/// A peer that has vanished: it is there for the kernel, and says nothing any more.
async fn vanished(served: &Served, secret: &str, say: &str) -> TcpStream {
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    let head = format!(
        "GET /ws HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nauthorization: Bearer {secret}\r\n\r\n",
        served.address
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // RFC 6455 §5.2: a text in one frame, masked with zeros, which leave it as it is.
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend(u16::try_from(say.len()).unwrap().to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(say.as_bytes());
    stream.write_all(&frame).await.unwrap();
    stream
}

#[tokio::test]
async fn a_peer_that_has_vanished_holds_nothing_for_long() {
    let held = Held::new();
    let answer = Box::new(held.answering(chat_sse(&["hel", "lo"]), 2));
    let served = served(Setup { answer, ..limited(impatient()) }).await;
    let text = json!({"type": "text", "model": crate::support::GPT, "content": "hello"}).to_string();
    let mut stream = vanished(&served, &good(), &text).await;
    let asked = async {
        while served.rig.relay.in_flight() == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, asked).await.unwrap();
    held.let_go().await;
    served.let_go().await;
    assert_eq!(served.rig.rows().await[0].outcome, AttemptOutcome::Cancelled);
    // And the connection itself is gone.
    let closed = async { while stream.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {} };
    timeout(PATIENCE, closed).await.expect("it is closed");
}

#[tokio::test]
async fn a_peer_that_answers_pings_is_kept() {
    let held = Held::new();
    let answer = Box::new(held.answering(chat_sse(&["hel", "lo"]), 2));
    let served = served(Setup { answer, ..limited(impatient()) }).await;
    let mut socket = served.asking().await;
    socket.ask(json!({})).await;
    assert_eq!(socket.message().await["type"], "delta");
    // Reading answers pings; five times the silence that would be the end.
    assert!(timeout(Duration::from_secs(1), socket.message()).await.is_err(), "nothing is said");
    held.go.notify_one();
    assert_eq!(socket.answer().await.last().unwrap()["type"], "done");
}

#[tokio::test]
async fn a_peer_that_takes_nothing_in_holds_nothing_for_long() {
    let pieces = vec!["x".repeat(64 * 1024); 1_000];
    let pieces: Vec<_> = pieces.iter().map(String::as_str).collect();
    let held = Held::new();
    let frames = chat_sse(&pieces);
    let all = frames.len() - 1;
    let answer = Box::new(held.answering(frames, all));
    let served = served(Setup { answer, ..limited(impatient()) }).await;
    let text = json!({"type": "text", "model": crate::support::GPT, "content": "hello"}).to_string();
    let _stream = vanished(&served, &good(), &text).await;
    let asked = async {
        while served.rig.relay.in_flight() == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, asked).await.unwrap();
    served.let_go().await;
    assert_eq!(served.rig.rows().await[0].outcome, AttemptOutcome::Cancelled);
}

#[tokio::test]
async fn what_is_too_large_ends_the_connection_with_a_reason() {
    let served = served(Setup { max_body_bytes: 1024 * 1024, ..setup() }).await;
    let token = served.token("board", &[Area::Usage.read()]).await;
    let mut operator = served.open(&token).await;
    operator.0.send(Message::text("x".repeat(65 * 1024))).await.unwrap();
    assert_eq!(operator.error().await["code"], "too_large");
    assert_eq!(operator.close_code().await, 1009);
    let mut client = served.asking().await;
    client.ask(json!({"content": "x".repeat(512 * 1024)})).await;
    assert_eq!(client.answer().await.last().unwrap()["type"], "done", "a key's holder may say more");
    client.0.send(Message::text("x".repeat(2 * 1024 * 1024))).await.ok();
    assert_eq!(client.of("error").await["content"]["code"], "too_large");
    assert_eq!(client.close_code().await, 1009);
    let mut stranger = served.try_open(&[]).await.unwrap();
    stranger.message().await;
    stranger.0.send(Message::text("x".repeat(257 * 1024))).await.ok();
    assert_eq!(stranger.error().await["code"], "too_large");
    assert_eq!(stranger.close_code().await, 1008);
}

#[tokio::test]
async fn garbage_is_refused_or_ends_the_connection() {
    let served = served(setup()).await;
    let mut socket = served.asking().await;
    for garbage in ["", "{", "\u{0}", "[[[[", "{\"type\":", "null", "\"type\""] {
        socket.0.send(Message::text(garbage)).await.unwrap();
        assert_eq!(socket.error().await["code"], "invalid_request", "{garbage:?}");
    }
    socket.0.send(Message::binary(Bytes::from_static(&[0xff, 0]))).await.unwrap();
    assert_eq!(socket.error().await["code"], "invalid_request");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    socket.0.send(Message::text(format!("{{\"type\":\"ping\",\"content\":{deep}}}"))).await.unwrap();
    assert_eq!(socket.error().await["code"], "invalid_request", "no stack is lost on it");
    // What is no WebSocket any more: a reserved opcode, and a frame that is not masked.
    for raw in [&[0x83, 0x80, 0, 0, 0, 0][..], &[0x81, 0x01, b'x'][..], &[0xff; 64][..]] {
        let mut stream = vanished(&served, &good(), r#"{"type":"ping"}"#).await;
        stream.write_all(raw).await.unwrap();
        let closed = async { while stream.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {} };
        timeout(PATIENCE, closed).await.expect("it is closed");
    }
    socket.ask(json!({})).await;
    assert_eq!(socket.answer().await.last().unwrap()["type"], "done");
}

#[tokio::test]
async fn there_are_so_many_places_and_no_more() {
    let seats = SeatLimits { of_one: 2, of_strangers: 1, of_all: 4 };
    let served = served(limited(SocketOptions { seats, ..quick() })).await;
    let first = served.asking().await;
    let _second = served.asking().await;
    let good = [bearer(&good())];
    assert_eq!(served.refused(&good).await, StatusCode::TOO_MANY_REQUESTS);
    let mut stranger = served.try_open(&[]).await.unwrap();
    assert_eq!(served.refused(&[]).await, StatusCode::TOO_MANY_REQUESTS, "one stranger at a time");
    // Responses' own WebSockets are counted as well.
    let (narrow, path) = (secret("narrow"), "/openai/v1/responses");
    let (_responses, _) = served.try_at(served.address, path, &[bearer(&narrow)]).await.unwrap();
    assert_eq!(
        served.refused(&[bearer(&secret("once"))]).await,
        StatusCode::TOO_MANY_REQUESTS,
        "four in all"
    );
    stranger.message().await;
    drop(first);
    // A place is free when its holder has gone, and the stranger takes one of its own.
    let taken = async {
        while served.try_open(&good).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, taken).await.expect("a place becomes free");
}

#[tokio::test]
async fn shutting_down_lets_the_answer_end_and_says_good_bye() {
    let held = Held::new();
    let answer = Box::new(held.answering(chat_sse(&["hel", "lo"]), 2));
    let served = served(Setup { answer, ..setup() }).await;
    let (mut idle, mut busy) = (served.asking().await, served.asking().await);
    let mut watching = served.watching(&["notices"]).await;
    busy.ask(json!({"id": "a"})).await;
    assert_eq!(busy.message().await["type"], "delta");
    busy.ask(json!({"id": "b"})).await;
    // So that it is known to have come before the end.
    busy.say(&json!({"type": "ping"})).await;
    busy.of("pong").await;
    served.stop.cancel();
    assert_eq!(idle.close_code().await, 1001);
    assert_eq!(watching.close_code().await, 1001);
    busy.ask(json!({"id": "c"})).await;
    let refused = busy.message().await;
    assert_eq!((&refused["id"], &refused["content"]["code"]), (&json!("c"), &json!("overloaded")));
    held.go.notify_one();
    assert_eq!(busy.answer().await.last().unwrap()["type"], "done");
    let refused = busy.message().await;
    assert_eq!((&refused["id"], &refused["content"]["code"]), (&json!("b"), &json!("overloaded")));
    assert_eq!(busy.close_code().await, 1001);
    busy.gone().await;
    let drained = timeout(PATIENCE, served.serving).await.unwrap().unwrap();
    assert_eq!(drained, Drained { cut_off: 0 });
}
