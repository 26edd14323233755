//! What a stream is made of, whatever frames it.

/// One event. What a framing carries besides (comments, ids, headers, padding) is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The event's name; `None` when there is none, or none that is UTF-8.
    pub event: Option<&'a str>,
    /// The data; of server-sent events several `data:` lines are joined by LF.
    pub data: &'a [u8],
    /// Whether the framing itself calls it a failure.
    pub kind: FrameKind,
}

impl<'a> Frame<'a> {
    /// An ordinary event.
    pub const fn new(event: Option<&'a str>, data: &'a [u8]) -> Self {
        Self { event, data, kind: FrameKind::Event }
    }

    /// A failure that the framing tells apart from events.
    pub const fn exception(event: Option<&'a str>, data: &'a [u8]) -> Self {
        Self { event, data, kind: FrameKind::Exception }
    }
}

/// What the framing says of a frame. Server-sent events and JSON arrays know events only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// An event; it may still tell an error in its dialect's words.
    #[default]
    Event,
    /// An exception or error message of an AWS event stream, named by its type or code.
    Exception,
}
