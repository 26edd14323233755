//! An answer as a stream: server-sent events with CRLF, or a JSON array that comes piece by piece.

use bytes::Bytes;

use super::{
    Finished, error,
    wire::{self, Part},
};
use crate::{
    answer::{ErrorEvent, Stream},
    brain::{Stop, words},
    error::ApiError,
    sse,
};

/// How chunks are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Sse,
    Array,
}

impl Framing {
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Sse => sse::PLAIN_CONTENT_TYPE,
            Self::Array => "application/json; charset=UTF-8",
        }
    }

    pub(super) const fn error_event(self) -> ErrorEvent {
        match self {
            Self::Sse => |error, _, before| Self::Sse.frame(&error::body(error), before),
            Self::Array => array_error,
        }
    }

    /// Broken JSON, a NUL, bytes that are no UTF-8, a lone CR, and no end.
    pub(super) const fn garbage(self) -> &'static [u8] {
        match self {
            Self::Sse => b"data: {\"candidates\": [{\"cont\r\n\r\n\0\xff\xfe<html>\r: \r\ndata: [[[",
            Self::Array => b",\n{\"candidates\": [{\"cont\n,\n\0\xff\xfe<html>\r,\n[[[",
        }
    }

    fn frame(self, chunk: &str, before: usize) -> Bytes {
        match self {
            Self::Sse => format!("data: {chunk}\r\n\r\n"),
            Self::Array => format!("{}{chunk}", if before == 0 { "[" } else { ",\n" }),
        }
        .into()
    }
}

fn array_error(error: &ApiError, _: &str, before: usize) -> Bytes {
    let mut framed = Framing::Array.frame(&error::body(error), before).to_vec();
    framed.extend(b"\n]");
    framed.into()
}

/// Every chunk, in order.
pub(super) fn render(finished: &Finished<'_>, framing: Framing, stream: &mut Stream) {
    let mut push = |chunk: String, is_delta| {
        let framed = framing.frame(&chunk, stream.events.len());
        stream.push(framed, is_delta);
    };
    if finished.reply.stop == Stop::Refusal {
        push(wire::blocked(finished), false);
    } else {
        let candidates = finished.request.config.answers();
        for part in pieces(wire::parts(finished)) {
            for index in 0..candidates {
                push(wire::chunk(finished, index, part.clone(), false), true);
            }
        }
        for index in 0..candidates {
            let thought_signature = wire::ending_signature(finished);
            let end = Part { thought_signature, ..Part::text("") };
            push(wire::chunk(finished, index, end, true), false);
        }
    }
    if framing == Framing::Array {
        stream.push(Bytes::from_static(b"\n]"), false);
    }
}

/// Texts come in pieces, calls as a whole.
fn pieces(parts: Vec<Part<'_>>) -> Vec<Part<'_>> {
    parts.into_iter().flat_map(split).collect()
}

fn split(part: Part<'_>) -> Vec<Part<'_>> {
    match part.text {
        Some(text) => words(text).into_iter().map(|text| Part { text: Some(text), ..part.clone() }).collect(),
        None => vec![part],
    }
}
