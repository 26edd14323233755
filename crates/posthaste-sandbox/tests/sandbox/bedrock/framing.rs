//! Reading event streams, from the format's description alone.

use serde_json::Value;

/// One message: its type, the name of its event or exception, and its payload.
pub(super) struct Message {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) payload: Value,
}

/// All messages; both checksums of each must be right.
pub(super) fn messages(mut bytes: &[u8]) -> Vec<Message> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let length = number(&bytes[..4]);
        let (message, rest) = bytes.split_at(length);
        messages.push(read(message));
        bytes = rest;
    }
    messages
}

fn read(message: &[u8]) -> Message {
    assert_eq!(number(&message[8..12]), crc32(&message[..8]), "the prelude's checksum");
    let (body, checksum) = message.split_at(message.len() - 4);
    assert_eq!(number(checksum), crc32(body), "the message's checksum");
    let (mut headers, payload) = body[12..].split_at(number(&message[4..8]));
    let mut kind = String::new();
    let mut name = String::new();
    while !headers.is_empty() {
        let (key, rest) = headers[1..].split_at(usize::from(headers[0]));
        assert_eq!(rest[0], 7, "headers are texts");
        let length = number(&[0, 0, rest[1], rest[2]]);
        let (value, rest) = rest[3..].split_at(length);
        let value = String::from_utf8(value.to_vec()).expect("UTF-8");
        match key {
            b":message-type" => kind = value,
            b":event-type" | b":exception-type" => name = value,
            b":content-type" => assert_eq!(value, "application/json"),
            other => panic!("unknown header {other:?}"),
        }
        headers = rest;
    }
    Message { kind, name, payload: serde_json::from_slice(payload).expect("JSON") }
}

fn number(bytes: &[u8]) -> usize {
    let number = u32::from_be_bytes(bytes.try_into().expect("four bytes"));
    usize::try_from(number).expect("32 bits")
}

/// The checksum of IEEE 802.3, bit by bit.
fn crc32(bytes: &[u8]) -> usize {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    usize::try_from(!crc).expect("32 bits")
}
