//! Events as frames of a body.

use bytes::Bytes;
use posthaste_wire::write_frame;

/// As Google says it.
pub(crate) const PLAIN_CONTENT_TYPE: &str = "text/event-stream";
pub(crate) const CONTENT_TYPE: &str = "text/event-stream; charset=utf-8";

/// One event as it goes over the wire. `data` is JSON on one line.
pub(crate) fn frame(event: &str, data: &str) -> Bytes {
    framed(Some(event), data)
}

/// An event without a name.
pub(crate) fn unnamed(data: &str) -> Bytes {
    framed(None, data)
}

fn framed(event: Option<&str>, data: &str) -> Bytes {
    let length = "event: \ndata: \n\n".len() + event.unwrap_or_default().len() + data.len();
    let mut framed = Vec::with_capacity(length);
    write_frame(&mut framed, event, data.as_bytes());
    framed.into()
}
