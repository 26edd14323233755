//! Framing of server-sent events.

use bytes::Bytes;

/// One event as it goes over the wire. `data` is JSON on one line.
pub(crate) fn frame(event: &str, data: &str) -> Bytes {
    Bytes::from(format!("event: {event}\ndata: {data}\n\n"))
}
