//! One splitter for every framing.

use super::{Framing, FramingError};
use crate::{EventStreamSplitter, Frame, FrameSplitter, JsonArraySplitter};

/// Cuts a stream of any framing into frames, whatever the chunks look like.
#[derive(Debug)]
pub enum Splitter {
    /// Of server-sent events.
    Sse(FrameSplitter),
    /// Of an AWS event stream.
    EventStream(EventStreamSplitter),
    /// Of an AWS event stream with Anthropic's events inside.
    InvokeChunks(EventStreamSplitter),
    /// Of a JSON array.
    JsonArray(JsonArraySplitter),
}

impl Splitter {
    /// A splitter at the start of a stream.
    pub fn new(framing: Framing) -> Self {
        match framing {
            Framing::Sse => Self::Sse(FrameSplitter::new()),
            Framing::EventStream => Self::EventStream(EventStreamSplitter::new()),
            Framing::InvokeChunks => Self::InvokeChunks(EventStreamSplitter::of_invoke_chunks()),
            Framing::JsonArray => Self::JsonArray(JsonArraySplitter::new()),
        }
    }

    /// What it cuts.
    pub const fn framing(&self) -> Framing {
        match self {
            Self::Sse(_) => Framing::Sse,
            Self::EventStream(_) => Framing::EventStream,
            Self::InvokeChunks(_) => Framing::InvokeChunks,
            Self::JsonArray(_) => Framing::JsonArray,
        }
    }

    /// Takes the next bytes and hands out the frames that they complete.
    ///
    /// # Errors
    /// When they are no stream of this framing; every later call then fails too.
    pub fn push(&mut self, chunk: &[u8], mut on_frame: impl FnMut(Frame<'_>)) -> Result<(), FramingError> {
        self.scan(chunk, |frame, _| on_frame(frame))
    }

    /// Takes the end of the stream. Of server-sent events a last frame that lacks its blank line is handed out.
    ///
    /// # Errors
    /// [`FramingError::Truncated`] when the framing shows that something is missing, which it never does of server-sent
    /// events. Whether the answer was whole all the same is for its dialect to say.
    pub fn finish(&mut self, on_frame: impl FnMut(Frame<'_>)) -> Result<(), FramingError> {
        match self {
            Self::Sse(splitter) => splitter.finish(on_frame).map_err(FramingError::from),
            Self::EventStream(splitter) | Self::InvokeChunks(splitter) => splitter.finish(on_frame),
            Self::JsonArray(splitter) => splitter.finish(on_frame),
        }
    }

    /// Whether no frame is begun: here another frame may stand. Never so once the stream is broken.
    pub fn at_boundary(&self) -> bool {
        match self {
            Self::Sse(splitter) => splitter.at_boundary(),
            Self::EventStream(splitter) | Self::InvokeChunks(splitter) => splitter.at_boundary(),
            Self::JsonArray(splitter) => splitter.at_boundary(),
        }
    }

    /// The last offset in the chunk pushed last at which no frame was open, 0 left aside; `None` where there was none.
    pub(crate) fn last_boundary(&self) -> Option<usize> {
        match self {
            Self::Sse(splitter) => splitter.last_boundary(),
            Self::EventStream(splitter) | Self::InvokeChunks(splitter) => splitter.last_boundary(),
            Self::JsonArray(splitter) => splitter.last_boundary(),
        }
    }

    /// [`push`](Self::push), also telling where in the chunk each frame ends.
    pub(crate) fn scan(
        &mut self,
        chunk: &[u8],
        on_frame: impl FnMut(Frame<'_>, usize),
    ) -> Result<(), FramingError> {
        match self {
            Self::Sse(splitter) => splitter.scan(chunk, on_frame).map_err(FramingError::from),
            Self::EventStream(splitter) | Self::InvokeChunks(splitter) => splitter.scan(chunk, on_frame),
            Self::JsonArray(splitter) => splitter.scan(chunk, on_frame),
        }
    }
}
