//! Server-sent events: cutting a byte stream into frames, and writing one.
//!
//! After the HTML standard's "event stream interpretation" (<https://html.spec.whatwg.org/multipage/server-sent-events.html>),
//! with two allowances for what vendors send: a last frame may lack its blank line, and data is kept as bytes.

mod splitter;

use memchr::memchr2;

pub use self::splitter::FrameSplitter;
pub use crate::frame::Frame;

/// A frame, or a comment between frames, grew past [`FrameSplitter::MAX_FRAME`]. The stream cannot be read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame of the event stream is longer than {} bytes", FrameSplitter::MAX_FRAME)]
pub struct FrameTooLong;

/// Appends one event, blank line included. Line breaks inside `data` become several `data:` lines.
///
/// `event` must not hold line breaks, as no event name that came from a [`Frame`] does.
pub fn write_frame(out: &mut Vec<u8>, event: Option<&str>, mut data: &[u8]) {
    if let Some(event) = event {
        debug_assert!(!event.contains(['\r', '\n']), "an event's name is one line");
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(event.as_bytes());
        out.push(b'\n');
    }
    while let Some(end) = memchr2(b'\n', b'\r', data) {
        write_data_line(out, &data[..end]);
        let break_len = if data[end..].starts_with(b"\r\n") { 2 } else { 1 };
        data = &data[end + break_len..];
    }
    write_data_line(out, data);
    out.push(b'\n');
}

fn write_data_line(out: &mut Vec<u8>, line: &[u8]) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(line);
    out.push(b'\n');
}

#[cfg(test)]
mod tests;
