//! How the events of a stream are framed: reading, writing and changing it.

use posthaste_core::{Dialect, Packing, Surface};

mod error;
mod repacker;
mod splitter;
mod writer;

pub use self::{error::FramingError, repacker::Repacker, splitter::Splitter, writer::FrameWriter};

/// What stands around the events of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// Server-sent events.
    Sse,
    /// An AWS event stream whose messages are the events.
    EventStream,
    /// An AWS event stream whose `chunk` messages wrap Anthropic's events.
    InvokeChunks,
    /// A JSON array whose elements are the events.
    JsonArray,
}

impl Framing {
    /// The framing of a surface's streams.
    pub const fn of(surface: Surface) -> Self {
        match (surface.packing, surface.dialect) {
            (Packing::Invoke, _) => Self::InvokeChunks,
            (Packing::JsonArray, _) => Self::JsonArray,
            (_, Dialect::BedrockConverse) => Self::EventStream,
            _ => Self::Sse,
        }
    }

    /// The media type of such a stream.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream",
            Self::EventStream | Self::InvokeChunks => "application/vnd.amazon.eventstream",
            Self::JsonArray => "application/json",
        }
    }

    /// The framing of a stream with this `content-type`; parameters and case do not matter.
    ///
    /// An AWS event stream is taken as [`EventStream`](Self::EventStream): only who asked knows whether its chunks wrap
    /// other events. That the answer is a stream at all is taken for granted too: an answer in one piece is also
    /// `application/json`.
    pub fn of_content_type(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        [Self::Sse, Self::EventStream, Self::JsonArray]
            .into_iter()
            .find(|framing| framing.content_type().eq_ignore_ascii_case(essence))
    }
}

#[cfg(test)]
mod tests;
