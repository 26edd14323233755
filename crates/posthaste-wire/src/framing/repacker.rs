//! From one framing into another.

use super::{FrameWriter, Framing, FramingError, Splitter};

/// Puts the events of a stream into another framing while it comes in, without reading what they say.
///
/// Comments of server-sent events have no counterpart elsewhere and vanish; so do ids, headers and padding. Where both
/// framings are the same the bytes should rather pass as they are.
#[derive(Debug)]
pub struct Repacker {
    splitter: Splitter,
    writer: FrameWriter,
}

impl Repacker {
    /// A repacker at the start of both streams.
    pub fn new(from: Framing, to: Framing) -> Self {
        Self { splitter: Splitter::new(from), writer: FrameWriter::new(to) }
    }

    /// A repacker whose output follows a whole frame that was passed on otherwise.
    pub fn resumed(from: Framing, to: Framing) -> Self {
        Self { writer: FrameWriter::resumed(to), ..Self::new(from, to) }
    }

    /// Takes the next bytes and appends the frames that they complete.
    ///
    /// # Errors
    /// When they are no stream of the framing that they should be, or a frame is too long for the other. What was appended
    /// until then is whole.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), FramingError> {
        let Self { splitter, writer } = self;
        let mut written = Ok(());
        let split = splitter.push(chunk, |frame| {
            if written.is_ok() {
                written = writer.write(frame, out);
            }
        });
        written.and(split)
    }

    /// Takes the end of the stream and appends the other's.
    ///
    /// # Errors
    /// As [`push`](Self::push), and when the stream was cut off; then no end is written, so that the other side can tell.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), FramingError> {
        let Self { splitter, writer } = self;
        let mut written = Ok(());
        let split = splitter.finish(|frame| {
            if written.is_ok() {
                written = writer.write(frame, out);
            }
        });
        written.and(split)?;
        writer.finish(out);
        Ok(())
    }
}
