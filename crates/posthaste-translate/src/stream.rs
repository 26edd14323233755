//! A stream from one dialect to another.

use posthaste_core::Dialect;
use posthaste_wire::{Framing, FramingError, Splitter};

use crate::{
    EventDecoder, EventEncoder, Loss, Remembered, StreamContext, TranslateError, bridge::Unbridging,
    carrier::Closing, codec, free_text::AsObjects, ids::Naming, ir, memory::Remembering, policy,
};

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
        Self { from, splitter: Splitter::new(framing), pipe: Pipe::new(from, to, &context) }
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

    /// Whether the client was told that the upstream failed. Its own dialect may call that a reason to end an answer, where
    /// the client's has no word for it.
    pub fn has_failed(&self) -> bool {
        self.pipe.failed
    }

    /// What has to be remembered of the answer, since its client cannot carry it. To be asked once, at the end.
    pub fn take_remembered(&mut self) -> Vec<Remembered> {
        self.pipe.remembering.take().map(Remembering::into_noted).unwrap_or_default()
    }
}

/// What an event goes through: reader, passes, writer.
struct Pipe {
    from: Dialect,
    to: Dialect,
    decoder: Box<dyn EventDecoder>,
    events: Vec<ir::Event>,
    naming: Naming,
    unbridging: Unbridging,
    remembering: Option<Remembering>,
    closing: Closing,
    objects: AsObjects,
    /// Between the passes; kept so that nothing is allocated for an event.
    level: Vec<ir::Event>,
    closed: Vec<ir::Event>,
    encoder: Box<dyn EventEncoder>,
    failed: bool,
}

impl Pipe {
    fn new(from: Dialect, to: Dialect, context: &StreamContext) -> Self {
        Self {
            from,
            to,
            decoder: codec(from).event_decoder(),
            events: Vec::new(),
            naming: Naming::new(context.id),
            unbridging: Unbridging::new(context.bridge.clone()),
            remembering: Remembering::of_client(to, &context.maker),
            closing: Closing::new(to, context.maker.clone()),
            objects: AsObjects::new(to),
            level: Vec::new(),
            closed: Vec::new(),
            encoder: codec(to).event_encoder(context),
            failed: false,
        }
    }

    fn drain(&mut self, out: &mut Vec<u8>) {
        let Self { from, to, encoder, failed, .. } = self;
        for mut event in self.events.drain(..) {
            self.naming.event(&mut event);
            self.unbridging.event(event, &mut self.level);
        }
        for event in self.level.drain(..) {
            if let Some(remembering) = &mut self.remembering {
                remembering.event(&event);
            }
            self.closing.event(event, &mut self.closed);
        }
        for event in self.closed.drain(..) {
            self.objects.event(event, |event| {
                for loss in policy::answer::of_event(&event, *from, *to) {
                    encoder.push(&ir::Event::Lost(loss), out);
                }
                *failed |= matches!(event, ir::Event::Error(_));
                encoder.push(&event, out);
            });
        }
    }
}
