//! One writer for every framing.

use std::borrow::Cow;

use super::{Framing, FramingError};
use crate::{
    Frame, FrameKind, JsonArrayWriter, anthropic,
    event_stream::{message_json, type_of, write_event, write_exception, write_invoke_chunk},
    write_frame,
};

/// Writes frames in any framing.
///
/// | framing | a frame becomes |
/// |---|---|
/// | server-sent events | an event of its name |
/// | AWS event stream | an event message of its name (`message` without one), an exception message when it is one or its name ends in `Exception` |
/// | the same with Anthropic's events | a `chunk` message; an `error` event becomes a `modelStreamErrorException` |
/// | JSON array | an element; names are left out, the data must be JSON |
#[derive(Clone, Copy, Debug)]
pub struct FrameWriter {
    framing: Framing,
    array: JsonArrayWriter,
}

impl FrameWriter {
    /// A writer at the start of a stream.
    pub const fn new(framing: Framing) -> Self {
        Self { framing, array: JsonArrayWriter::new() }
    }

    /// A writer that goes on after a whole frame that somebody else wrote.
    pub const fn resumed(framing: Framing) -> Self {
        Self { framing, array: JsonArrayWriter::resumed() }
    }

    /// Appends one frame.
    ///
    /// # Errors
    /// When it is too long for the framing; then nothing is appended.
    pub fn write(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) -> Result<(), FramingError> {
        match self.framing {
            Framing::Sse => write_frame(out, frame.event, frame.data),
            Framing::EventStream => write_message(frame, out)?,
            Framing::InvokeChunks => write_chunk(frame, out)?,
            Framing::JsonArray => self.array.write(frame.data, out),
        }
        Ok(())
    }

    /// Appends what ends a stream, where the framing has such a thing.
    pub fn finish(self, out: &mut Vec<u8>) {
        if self.framing == Framing::JsonArray {
            self.array.finish(out);
        }
    }
}

fn write_message(frame: Frame<'_>, out: &mut Vec<u8>) -> Result<(), FramingError> {
    let name = frame.event.unwrap_or(UNNAMED);
    if is_exception(frame.kind, name) {
        write_exception(out, name, frame.data)?;
    } else {
        write_event(out, name, frame.data)?;
    }
    Ok(())
}

fn write_chunk(frame: Frame<'_>, out: &mut Vec<u8>) -> Result<(), FramingError> {
    // Some vendors that speak Anthropic's dialect leave the names out.
    let name = frame.event.map(Cow::Borrowed).or_else(|| type_of(frame.data)).unwrap_or_default();
    if name == "error" {
        let message = anthropic::error::read(frame.data).map(|error| error.message).unwrap_or_default();
        write_exception(out, STREAM_ERROR, &message_json(&message))?;
    } else if is_exception(frame.kind, &name) {
        write_exception(out, &name, frame.data)?;
    } else {
        write_invoke_chunk(out, frame.data)?;
    }
    Ok(())
}

fn is_exception(kind: FrameKind, name: &str) -> bool {
    kind == FrameKind::Exception || name.ends_with("Exception")
}

/// What a server-sent event without a name is called (HTML standard, "dispatch the event").
const UNNAMED: &str = "message";

/// "An error occurred while streaming the response", one of the exceptions of InvokeModelWithResponseStream.
const STREAM_ERROR: &str = "modelStreamErrorException";
