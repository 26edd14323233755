//! A stream from one dialect to another.

use posthaste_core::Dialect;
use posthaste_wire::{Framing, FramingError, Splitter};

use crate::{EventDecoder, EventEncoder, Loss, StreamContext, TranslateError, codec, ir};

/// Translates an upstream's event stream while it comes in.
///
/// Where the chunks are cut makes no difference. After an error nothing more can be translated; what was written until then
/// stands, without an end.
pub struct StreamTranslator {
    from: Dialect,
    splitter: Splitter,
    pipe: Pipe,
}

impl StreamTranslator {
    /// A translator from the upstream's dialect to the client's; both streams are framed as server-sent events.
    pub fn new(from: Dialect, to: Dialect, context: StreamContext) -> Self {
        Self::with_framing(from, Framing::Sse, to, context)
    }

    /// A translator whose upstream frames its stream in any way. What is written is server-sent events; a
    /// [`Repacker`](posthaste_wire::Repacker) puts it into another framing.
    pub fn with_framing(from: Dialect, framing: Framing, to: Dialect, context: StreamContext) -> Self {
        let decoder = codec(from).event_decoder();
        let encoder = codec(to).event_encoder(&context);
        Self { from, splitter: Splitter::new(framing), pipe: Pipe { decoder, encoder, events: Vec::new() } }
    }

    /// Takes the upstream's next bytes and appends what the client gets for them.
    ///
    /// # Errors
    /// When they are not a stream of the upstream's dialect.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), TranslateError> {
        let Self { from, splitter, pipe } = self;
        let mut result = Ok(());
        let split = splitter.push(chunk, |frame| {
            if result.is_ok() {
                result = pipe.decoder.push(frame, &mut pipe.events);
                pipe.drain(out);
            }
        });
        result.and(split.map_err(|error| TranslateError::unreadable(*from, error)))
    }

    /// The upstream closed the stream: appends what the client's stream lacks.
    ///
    /// # Errors
    /// [`TranslateError::Truncated`] when the answer is not at its end; then no end is written.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), TranslateError> {
        let Self { from, splitter, pipe } = self;
        let mut result = Ok(());
        let split = splitter.finish(|frame| {
            if result.is_ok() {
                result = pipe.decoder.push(frame, &mut pipe.events);
                pipe.drain(out);
            }
        });
        result?;
        match split {
            // Whether the answer was whole before the cut, the decoder knows.
            Ok(()) | Err(FramingError::Truncated) => {}
            Err(error) => return Err(TranslateError::unreadable(*from, error)),
        }
        pipe.decoder.finish(&mut pipe.events)?;
        pipe.drain(out);
        pipe.encoder.finish(out);
        Ok(())
    }

    /// What was lost so far.
    pub fn losses(&self) -> &[Loss] {
        self.pipe.encoder.losses()
    }
}

struct Pipe {
    decoder: Box<dyn EventDecoder>,
    encoder: Box<dyn EventEncoder>,
    events: Vec<ir::Event>,
}

impl Pipe {
    fn drain(&mut self, out: &mut Vec<u8>) {
        for event in self.events.drain(..) {
            self.encoder.push(&event, out);
        }
    }
}
