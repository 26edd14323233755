//! The message splitter.

use std::mem;

use serde::Serialize;

use super::{
    ERROR_CODE, ERROR_MESSAGE, EVENT_TYPE, EXCEPTION_TYPE, MESSAGE_TYPE, Message,
    invoke::Unwrapper,
    message::{PRELUDE_LEN, Prelude},
};
use crate::{Frame, FramingError, fault::to_json};

/// Cuts an AWS event stream into frames, whatever the chunks look like.
///
/// An event becomes a frame named by its `:event-type`, an exception one of the kind
/// [`Exception`](crate::FrameKind::Exception) named by its `:exception-type`, an unmodelled error one named by its
/// `:error-code`. A message that lies within one chunk is handed out as slices of that chunk; only what a chunk's end
/// cuts off is kept, so never more than one message ([`MAX_HEADERS`](super::MAX_HEADERS) and
/// [`MAX_PAYLOAD`](super::MAX_PAYLOAD) at most).
#[derive(Debug, Default)]
pub struct EventStreamSplitter {
    /// The message that the last chunk cut off.
    kept: Vec<u8>,
    /// Set where `chunk` messages are unwrapped.
    unwrapper: Option<Unwrapper>,
    /// Where the last boundary lay in the chunk pushed last.
    boundary: Option<usize>,
    /// Why the stream cannot be read any further.
    broken: Option<FramingError>,
}

impl EventStreamSplitter {
    /// A splitter at the start of a stream whose events are wanted as they are.
    pub fn new() -> Self {
        Self::default()
    }

    /// A splitter at the start of an InvokeModelWithResponseStream answer with Anthropic events inside.
    ///
    /// Its frames look as in Anthropic's own stream: a `chunk` becomes the event within, named by that event's `type`;
    /// an exception becomes an `error` event in Anthropic's words, still of the kind
    /// [`Exception`](crate::FrameKind::Exception).
    pub fn of_invoke_chunks() -> Self {
        Self { unwrapper: Some(Unwrapper::default()), ..Self::default() }
    }

    /// Takes the next bytes and hands out the frames that they complete.
    ///
    /// # Errors
    /// When they are no event stream; every later call then fails too.
    pub fn push(&mut self, chunk: &[u8], mut on_frame: impl FnMut(Frame<'_>)) -> Result<(), FramingError> {
        self.scan(chunk, |frame, _| on_frame(frame))
    }

    /// Takes the end of the stream. Nothing can be made of a message that was cut off.
    ///
    /// # Errors
    /// [`FramingError::Truncated`] when the stream ended within a message.
    pub fn finish(&mut self, _on_frame: impl FnMut(Frame<'_>)) -> Result<(), FramingError> {
        match self.broken {
            Some(error) => Err(error),
            None if self.kept.is_empty() => Ok(()),
            None => Err(FramingError::Truncated),
        }
    }

    /// Whether no message is begun: here another one may stand. Never so once the stream is broken.
    pub fn at_boundary(&self) -> bool {
        self.broken.is_none() && self.kept.is_empty()
    }

    /// The last offset in the chunk pushed last at which no message was open, 0 left aside; `None` where there was none.
    pub(crate) fn last_boundary(&self) -> Option<usize> {
        self.boundary
    }

    /// [`push`](Self::push), also telling where in the chunk each message ends.
    pub(crate) fn scan(
        &mut self,
        chunk: &[u8],
        mut on_frame: impl FnMut(Frame<'_>, usize),
    ) -> Result<(), FramingError> {
        self.boundary = None;
        if let Some(error) = self.broken {
            return Err(error);
        }
        self.scan_messages(chunk, &mut on_frame).inspect_err(|error| {
            self.kept = Vec::new();
            self.broken = Some(*error);
        })
    }

    fn scan_messages(
        &mut self,
        chunk: &[u8],
        on_frame: &mut impl FnMut(Frame<'_>, usize),
    ) -> Result<(), FramingError> {
        let mut at = 0;
        if !self.kept.is_empty() {
            at = self.complete_kept(chunk)?;
            let mut kept = mem::take(&mut self.kept);
            match Message::decode(&kept)? {
                Some((message, _)) => {
                    self.hand_out(&message, &mut |frame| on_frame(frame, at))?;
                    self.boundary = Some(at);
                    kept.clear();
                    self.kept = kept;
                }
                None => {
                    self.kept = kept;
                    return Ok(());
                }
            }
        }
        while let Some((message, length)) = Message::decode(&chunk[at..])? {
            at += length;
            self.hand_out(&message, &mut |frame| on_frame(frame, at))?;
            self.boundary = Some(at);
        }
        self.kept.extend_from_slice(&chunk[at..]);
        Ok(())
    }

    /// Adds to the kept message what belongs to it, and tells how much that was.
    fn complete_kept(&mut self, chunk: &[u8]) -> Result<usize, FramingError> {
        let mut at = 0;
        loop {
            let wanted = Prelude::read(&self.kept)?.map_or(PRELUDE_LEN, |prelude| prelude.total);
            let missing = wanted - self.kept.len();
            let piece = &chunk[at..][..missing.min(chunk.len() - at)];
            if piece.is_empty() {
                return Ok(at);
            }
            self.kept.extend_from_slice(piece);
            at += piece.len();
        }
    }

    fn hand_out(
        &mut self,
        message: &Message<'_>,
        on_frame: &mut impl FnMut(Frame<'_>),
    ) -> Result<(), FramingError> {
        let error_payload;
        let frame = match message.text(MESSAGE_TYPE) {
            Some("event") => Frame::new(name(message, EVENT_TYPE), message.payload),
            Some("exception") => Frame::exception(name(message, EXCEPTION_TYPE), message.payload),
            Some("error") => {
                let mut payload = message.payload;
                if payload.is_empty() {
                    error_payload = message_json(message.text(ERROR_MESSAGE).unwrap_or_default());
                    payload = &error_payload;
                }
                Frame::exception(name(message, ERROR_CODE), payload)
            }
            _ => return Err(FramingError::UnknownMessage),
        };
        match &mut self.unwrapper {
            None => on_frame(frame),
            Some(unwrapper) => on_frame(unwrapper.unwrap(frame)?),
        }
        Ok(())
    }
}

/// A header as an event's name, which is one line and not empty.
fn name<'a>(message: &Message<'a>, header: &str) -> Option<&'a str> {
    message.text(header).filter(|name| !name.is_empty() && !name.contains(['\r', '\n']))
}

/// The payload of an exception that has nothing but a message.
pub(crate) fn message_json(message: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Payload<'a> {
        message: &'a str,
    }
    to_json(&Payload { message })
}
