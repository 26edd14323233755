//! HTTP/2 byte by byte (RFC 9113, RFC 7541), for what no client library would send.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::connect;
use crate::support::{PATIENCE, Server};

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GO_AWAY: u8 = 7;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// The setting that says how much of a stream may be sent unasked.
pub(super) const INITIAL_WINDOW_SIZE: u16 = 4;

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// A header that nobody remembers.
pub(super) fn header(name: &str, value: &str) -> Vec<u8> {
    let mut field = vec![0];
    text(name, &mut field);
    text(value, &mut field);
    field
}

/// A header that the decoder's table keeps, as its newest entry.
pub(super) fn remembered(name: &str, value: &str) -> Vec<u8> {
    let mut field = vec![0x40];
    text(name, &mut field);
    text(value, &mut field);
    field
}

/// The table's newest entry.
pub(super) const NEWEST: u8 = 0x80 | 62;

fn text(text: &str, out: &mut Vec<u8>) {
    // An integer of seven bits and its rest.
    if text.len() < 127 {
        out.push(u8::try_from(text.len()).unwrap());
    } else {
        out.push(127);
        let mut rest = text.len() - 127;
        while rest >= 128 {
            out.push(u8::try_from(rest % 128).unwrap() | 128);
            rest /= 128;
        }
        out.push(u8::try_from(rest).unwrap());
    }
    out.extend_from_slice(text.as_bytes());
}

/// The headers of a question.
pub(super) fn question(key: &str) -> Vec<u8> {
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "relay"),
        (":path", "/v1/messages"),
        ("x-api-key", key),
        ("content-type", "application/json"),
    ];
    fields.iter().flat_map(|(name, value)| header(name, value)).collect()
}

/// A connection that has begun, with these settings.
pub(super) async fn begun(server: &Server, settings: &[(u16, u32)]) -> TcpStream {
    let mut stream = connect(server).await;
    let payload: Vec<u8> = settings
        .iter()
        .flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat())
        .collect();
    let beginning = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &frame(SETTINGS, 0, 0, &payload)[..]].concat();
    stream.write_all(&beginning).await.unwrap();
    stream
}

/// Whether everything could be written; `false` when the relay has closed, or takes no more.
pub(super) async fn taken(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    matches!(timeout(Duration::from_secs(3), stream.write_all(bytes)).await, Ok(Ok(())))
}

/// Reads until stream 1 has an answer or a reset, or the connection a good bye or its end.
pub(super) async fn answered(stream: &mut TcpStream) {
    let reading = async {
        let mut head = [0; 9];
        while stream.read_exact(&mut head).await.is_ok() {
            let [a, b, c, kind, ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            if stream.read_exact(&mut payload).await.is_err()
                || [HEADERS, RST_STREAM, GO_AWAY].contains(&kind)
            {
                return;
            }
        }
    };
    timeout(PATIENCE, reading).await.expect("an answer or an end");
}

/// Reads until the relay closes; gives the kinds of the frames that came.
pub(super) async fn closed(mut stream: TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    // A reset is an end as well.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("the connection is closed");
    let (mut kinds, mut rest) = (Vec::new(), &said[..]);
    while let [a, b, c, kind, ..] = *rest {
        kinds.push(kind);
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        rest = rest.get(9 + length..).unwrap_or_default();
    }
    kinds
}
