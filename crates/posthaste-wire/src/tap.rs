//! Watching a stream that passes through unchanged.

mod sighting;

use bytes::Bytes;
use posthaste_core::{AnswerWords, Dialect, Packing, Surface, Usage, UsageSource};
use serde::de::IgnoredAny;

pub(crate) use self::sighting::Sighting;
use crate::{
    Frame, Framing, FramingError, JsonArrayWriter, Repacker, Splitter, UpstreamError, anthropic, bedrock,
    gemini, openai_chat, openai_responses, words,
};

/// How far a stream has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Progress {
    /// Nothing has come that the client would notice as content: another account may still take over.
    Opening,
    /// Content is on its way.
    Content,
    /// The terminator came.
    Ended,
    /// An error event came.
    Failed,
}

/// Watches a stream of one dialect, whatever its chunks look like, and changes nothing.
///
/// Content is not parsed: a frame is read as JSON only until the first content, and where it may hold usage, a stop
/// reason or an error. What comes after the terminator counts for nothing.
#[derive(Debug)]
pub struct StreamTap {
    dialect: Dialect,
    /// Whether each frame is in the envelope of Code Assist.
    enveloped: bool,
    splitter: Splitter,
    seen: Sighting,
    terminated_at: Option<usize>,
    /// How the upstream closed, once it has.
    closed: Option<Closed>,
    /// What the answer says of itself, where somebody wants to know.
    words: Option<Box<AnswerWords>>,
}

impl StreamTap {
    /// A tap at the start of a stream of the upstream's dialect, framed as server-sent events.
    pub fn new(dialect: Dialect) -> Self {
        Self::with_framing(dialect, Framing::Sse)
    }

    /// A tap at the start of a stream of the upstream's dialect in any framing.
    pub fn with_framing(dialect: Dialect, framing: Framing) -> Self {
        Self {
            dialect,
            enveloped: false,
            splitter: Splitter::new(framing),
            seen: Sighting::default(),
            terminated_at: None,
            closed: None,
            words: None,
        }
    }

    /// The same that also listens for what the answer says of itself, if that is `wanted`. It costs a search of each frame.
    #[must_use]
    pub fn listening(self, wanted: bool) -> Self {
        Self { words: wanted.then(Box::default), ..self }
    }

    /// What the answer said of itself so far; `None` where nobody listens, or after this was asked once.
    pub fn take_words(&mut self) -> Option<AnswerWords> {
        self.words.take().map(|words| *words)
    }

    /// A tap at the start of a stream as an upstream of this surface packs and frames it.
    pub fn of(surface: Surface) -> Self {
        let enveloped = surface.packing == Packing::CodeAssist;
        Self { enveloped, ..Self::with_framing(surface.dialect, Framing::of(surface)) }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When a frame is too long, or the bytes are not framed as they should be; the stream cannot be watched any further,
    /// what was seen stays.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Progress, FramingError> {
        let Self { dialect, enveloped, splitter, seen, terminated_at, words, .. } = self;
        *terminated_at = None;
        let scanned = splitter.scan(chunk, |frame, end| {
            if !seen.ended {
                if let Some(words) = words {
                    words::listen(*dialect, frame.data, words);
                }
                read(*dialect, *enveloped, frame, seen);
                *terminated_at = seen.ended.then_some(end);
            }
        });
        if let Splitter::JsonArray(array) = splitter
            && let Some(end) = array.closed_at()
            && seen.stopped()
        {
            seen.ended = true;
            *terminated_at = Some(end);
        }
        // Only now: the end may stand in the same chunk, before what is no part of the array.
        scanned?;
        Ok(self.progress())
    }

    /// Takes the upstream's close. A last frame without its blank line counts if its data is whole. That the framing shows
    /// something missing is no error here: what the answer lacks is told by [`closing`](Self::closing).
    ///
    /// # Errors
    /// When that frame is too long, or the stream was broken before.
    pub fn finish(&mut self) -> Result<Progress, FramingError> {
        let Self { dialect, enveloped, splitter, seen, closed, words, .. } = self;
        if closed.is_some() {
            return Ok(self.progress());
        }
        let mut close = match splitter.framing() {
            _ if splitter.at_boundary() => Closed::BetweenFrames,
            Framing::Sse => Closed::BeforeData,
            Framing::EventStream | Framing::InvokeChunks | Framing::JsonArray => Closed::InsideData,
        };
        let split = splitter.finish(|frame| {
            close = if is_whole(frame.data) { Closed::BeforeBlankLine } else { Closed::InsideData };
            if !seen.ended && close == Closed::BeforeBlankLine {
                if let Some(words) = words {
                    words::listen(*dialect, frame.data, words);
                }
                read(*dialect, *enveloped, frame, seen);
            }
        });
        match split {
            Ok(()) | Err(FramingError::Truncated) => {}
            Err(error) => return Err(error),
        }
        *closed = Some(close);
        // A dialect without a terminator is complete when it closes after its stop reason.
        if self.terminator().is_empty() && self.seen.stopped() && close != Closed::InsideData {
            self.seen.ended = true;
        }
        Ok(self.progress())
    }

    /// How far the stream has come.
    pub fn progress(&self) -> Progress {
        self.seen.progress()
    }

    /// Whether the bytes so far end between two events, so that something may be inserted.
    ///
    /// Elsewhere, of server-sent events, a blank line must come first; it ends the event that was begun. Of other framings
    /// nothing may be inserted there.
    pub fn at_boundary(&self) -> bool {
        self.closed.map_or_else(|| self.splitter.at_boundary(), |closed| closed == Closed::BetweenFrames)
    }

    /// The offset just past the last whole frame in the chunk pushed last; `None` if none ended there.
    ///
    /// A comment or a blank line between frames counts as one. Whoever passes on the bytes up to here, and holds the rest
    /// until a later chunk completes it, passes on whole frames only; what is held never grows past
    /// one frame of the largest size ([`FrameSplitter::MAX_FRAME`](crate::FrameSplitter::MAX_FRAME), or
    /// [`MAX_PAYLOAD`](crate::event_stream::MAX_PAYLOAD) and the headers) and the chunk. Also true of a chunk that was refused: what came before the frame that
    /// is too long is whole.
    pub fn last_boundary(&self) -> Option<usize> {
        self.splitter.last_boundary()
    }

    /// The offset just past the terminal frame in the chunk pushed last, if it lay in that chunk.
    ///
    /// Of a JSON array that is its end, once every choice has told why it stopped.
    pub fn terminated_at(&self) -> Option<usize> {
        self.terminated_at
    }

    /// What makes the stream complete, where the upstream closed after it had told why it stopped.
    ///
    /// `None` before [`finish`](Self::finish), when nothing is missing, and when the answer is not known to be whole:
    /// after an error, without a stop reason, or cut inside an event's data.
    pub fn closing(&self) -> Option<Bytes> {
        let closed = self.closed?;
        if self.seen.error.is_some() || closed == Closed::InsideData {
            return None;
        }
        if let Splitter::JsonArray(array) = &self.splitter {
            let lacks_end = !array.is_closed() && (self.seen.ended || self.seen.stopped());
            return lacks_end.then(|| self.late_terminator(closed));
        }
        match (self.seen.ended, closed) {
            (true, Closed::BeforeBlankLine) => Some(Bytes::from_static(BLANK_LINE)),
            (false, _) if self.seen.stopped() => Some(self.late_terminator(closed)),
            _ => None,
        }
    }

    fn late_terminator(&self, closed: Closed) -> Bytes {
        let terminator = self.terminator();
        match (self.splitter.framing(), closed) {
            (Framing::Sse, Closed::BetweenFrames) => Bytes::from_static(terminator),
            (Framing::Sse, _) => [BLANK_LINE, terminator].concat().into(),
            (framing, _) => repacked(terminator, framing).into(),
        }
    }

    fn terminator(&self) -> &'static [u8] {
        match self.dialect {
            Dialect::AnthropicMessages => anthropic::tap::TERMINATOR,
            Dialect::OpenAiChat => openai_chat::tap::TERMINATOR,
            Dialect::OpenAiResponses => openai_responses::tap::TERMINATOR,
            Dialect::GeminiGenerate => gemini::tap::TERMINATOR,
            Dialect::BedrockConverse => bedrock::tap::TERMINATOR,
        }
    }

    /// Whether the stream is a JSON array whose end has not come.
    pub fn lacks_array_end(&self) -> bool {
        matches!(&self.splitter, Splitter::JsonArray(array) if !array.is_closed())
    }

    /// The tokens counted so far.
    pub fn usage(&self) -> Usage {
        self.seen.usage
    }

    /// Whether [`usage`](Self::usage) is the upstream's last word, a part of it, or nothing at all.
    pub fn usage_source(&self) -> UsageSource {
        if self.seen.usage_final {
            UsageSource::Reported
        } else if self.seen.content || !self.seen.usage.is_empty() {
            UsageSource::Estimated
        } else {
            UsageSource::None
        }
    }

    /// The bytes of event data that brought content, as a measure for estimates. Comments, pings, event names and what
    /// came before the first content are left out, the JSON around the content is not; of a chat stream every chunk
    /// from the first content on is counted.
    pub fn content_bytes(&self) -> usize {
        self.seen.content_bytes
    }

    /// The answer's id, where later requests may name it: only Responses has such requests.
    pub fn answer_id(&self) -> Option<&str> {
        self.seen.answer_id.as_deref()
    }

    /// The error event, if one came.
    pub fn error(&self) -> Option<&UpstreamError> {
        self.seen.error.as_ref()
    }
}

/// Where in the framing the upstream closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closed {
    BetweenFrames,
    /// Inside a frame that has no data yet.
    BeforeData,
    /// After a frame's data, before its blank line.
    BeforeBlankLine,
    InsideData,
}

fn read(dialect: Dialect, enveloped: bool, frame: Frame<'_>, seen: &mut Sighting) {
    if enveloped {
        let data = gemini::code_assist::unwrap_response(frame.data);
        return read(dialect, false, Frame { data: &data, ..frame }, seen);
    }
    match dialect {
        Dialect::AnthropicMessages => anthropic::tap::read(frame, seen),
        Dialect::OpenAiChat => openai_chat::tap::read(frame, seen),
        Dialect::OpenAiResponses => {
            // The first event holds the whole answer so far, its id with it.
            if seen.answer_id.is_none() && !seen.content {
                seen.answer_id = openai_responses::response_id(frame.data);
            }
            openai_responses::tap::read(frame, seen);
        }
        Dialect::GeminiGenerate => gemini::tap::read(frame, seen),
        Dialect::BedrockConverse => bedrock::tap::read(frame, seen),
    }
}

/// The terminal frame in a framing other than server-sent events; a JSON array ends without one.
fn repacked(terminator: &[u8], framing: Framing) -> Vec<u8> {
    let mut out = Vec::new();
    if framing == Framing::JsonArray {
        JsonArrayWriter::resumed().finish(&mut out);
        return out;
    }
    Repacker::new(Framing::Sse, framing).push(terminator, &mut out).expect("a terminal frame is short");
    out
}

/// Whether data that may be cut off is all there: no part of a JSON object is a JSON object.
fn is_whole(data: &[u8]) -> bool {
    data.trim_ascii() == openai_chat::tap::DONE || serde_json::from_slice::<IgnoredAny>(data).is_ok()
}

/// Ends the event that was begun: one with data is dispatched by it, one without is passed over.
const BLANK_LINE: &[u8] = b"\n\n";

#[cfg(test)]
mod tests;
