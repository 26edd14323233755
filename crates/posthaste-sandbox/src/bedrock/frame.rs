//! Events of a stream (`application/vnd.amazon.eventstream`).

use bytes::Bytes;
use posthaste_wire::event_stream::{write_event, write_invoke_chunk};

use super::error;
use crate::answer::Stream;

/// A stream without events yet.
pub(super) const fn stream() -> Stream {
    Stream::new("application/vnd.amazon.eventstream", error::event, GARBAGE)
}

/// One event of Converse.
pub(super) fn event(name: &str, payload: &str) -> Bytes {
    let mut framed = Vec::with_capacity(payload.len() + 128);
    write_event(&mut framed, name, payload.as_bytes()).expect("a piece of an answer is short");
    framed.into()
}

/// One of the model's own events.
pub(super) fn chunk(inner: &str) -> Bytes {
    let mut framed = Vec::with_capacity(inner.len() * 4 / 3 + 128);
    write_invoke_chunk(&mut framed, inner.as_bytes()).expect("a piece of an answer is short");
    framed.into()
}

/// A head that promises much, with a checksum that is wrong.
const GARBAGE: &[u8] = b"\0\0\x7f\xff\0\0\0\x10\xde\xad\xbe\xef\x0d:message-type\x07\0\xff<html>\r\n\xff\xfe";
