//! What must be true of anything that the crates write.

use posthaste_wire::FrameSplitter;
use serde::de::IgnoredAny;

/// Says that a body is one JSON text.
///
/// # Panics
/// When it is not.
pub fn is_json(body: &[u8], what: &str) {
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(body) {
        panic!("{what} is no JSON ({error}): {}", shown(body));
    }
}

/// Says that a body is an event stream in UTF-8 whose data are JSON, and that no frame is left open.
///
/// # Panics
/// When it is not.
pub fn is_event_stream(body: &[u8], what: &str) {
    assert!(std::str::from_utf8(body).is_ok(), "{what} is no UTF-8: {}", shown(body));
    let mut splitter = FrameSplitter::new();
    splitter
        .push(body, |frame| {
            if frame.data != b"[DONE]" {
                is_json(frame.data, what);
            }
        })
        .expect("a frame of at most 16 MiB");
    assert!(splitter.at_boundary(), "{what} ends inside a frame: {}", shown(body));
}

/// Says that what was written is in proportion to what was read.
///
/// # Panics
/// When it is not.
pub fn is_in_proportion(read: &[u8], written: &[u8], what: &str) {
    let most = GROWTH * read.len() + ALLOWANCE;
    assert!(written.len() <= most, "{what} of {} bytes from {}", written.len(), read.len());
}

/// A single letter of a stream can become a frame of server-sent events with all its names.
const GROWTH: usize = 256;
/// For what is written in any case, and for the least that a schema may grow to.
const ALLOWANCE: usize = 2 * 1024 * 1024;

/// Bytes as a person reads them in a report.
pub fn shown(body: &[u8]) -> String {
    body.escape_ascii().to_string()
}
