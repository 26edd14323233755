//! Events as frames of a body.

use bytes::Bytes;
use posthaste_wire::write_frame;

/// One event as it goes over the wire. `data` is JSON on one line.
pub(crate) fn frame(event: &str, data: &str) -> Bytes {
    let mut framed = Vec::with_capacity("event: \ndata: \n\n".len() + event.len() + data.len());
    write_frame(&mut framed, Some(event), data.as_bytes());
    framed.into()
}
