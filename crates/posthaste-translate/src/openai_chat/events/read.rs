//! Frames to neutral events.

use posthaste_core::Dialect;
use posthaste_wire::{Frame, UpstreamError, read_error};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::calls::{Call, Progress, owner};
use crate::{
    EventDecoder, Loss, TranslateError,
    ir::{Block, Content, Delta, Event, Start, Stop},
    json::{self, Str, TextOr},
    openai_chat::{
        part::{arguments, parts},
        response::{stop_reason, usage},
    },
};

/// Reads the stream of an answer.
#[derive(Debug, Default)]
pub(in crate::openai_chat) struct Decoder {
    state: State,
    /// How many blocks began.
    blocks: usize,
    /// The open block of text, thoughts or refusal.
    prose: Option<(usize, Prose)>,
    calls: Vec<Call>,
}

/// How far the stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first chunk.
    #[default]
    Waiting,
    /// Between the first chunk and a finish reason.
    Open,
    /// The finish reason is known; usage and `[DONE]` may follow.
    Stopped,
    /// `[DONE]` or an error came: nothing that follows counts.
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prose {
    Text,
    Thinking,
    Refusal,
}

impl EventDecoder for Decoder {
    fn push(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<(), TranslateError> {
        if self.state == State::Ended {
            return Ok(());
        }
        if frame.data.trim_ascii() == b"[DONE]" {
            self.end(out);
            return Ok(());
        }
        let unreadable = |source| TranslateError::unreadable(Dialect::OpenAiChat, source);
        let chunk: ChunkIn<'_> = json::read(frame.data).map_err(unreadable)?;
        if chunk.error.is_some() || chunk.choices.is_none() && chunk.usage.is_none() {
            return self.odd(frame, out);
        }
        self.chunk(chunk, out).map_err(unreadable)
    }

    fn finish(&mut self, out: &mut Vec<Event>) -> Result<(), TranslateError> {
        match self.state {
            State::Ended => Ok(()),
            State::Stopped => {
                self.end(out);
                Ok(())
            }
            State::Waiting | State::Open => Err(TranslateError::Truncated),
        }
    }
}

#[derive(Deserialize)]
struct ChunkIn<'a> {
    #[serde(borrow)]
    id: Option<Str<'a>>,
    #[serde(borrow)]
    model: Option<Str<'a>>,
    #[serde(borrow)]
    choices: Option<Vec<ChoiceIn<'a>>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    x_groq: Option<ExtensionIn<'a>>,
}

/// Groq's place for usage.
#[derive(Deserialize)]
struct ExtensionIn<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ChoiceIn<'a> {
    #[serde(default)]
    index: u64,
    #[serde(borrow)]
    delta: Option<DeltaIn<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Str<'a>>,
    /// Older Moonshot models' place for usage.
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct DeltaIn<'a> {
    #[serde(borrow, default)]
    content: TextOr<'a, Vec<&'a RawValue>>,
    #[serde(borrow)]
    reasoning_content: Option<Str<'a>>,
    #[serde(borrow)]
    reasoning: Option<Str<'a>>,
    #[serde(borrow)]
    refusal: Option<Str<'a>>,
    #[serde(borrow)]
    tool_calls: Option<Vec<ToolCallIn<'a>>>,
    #[serde(borrow)]
    annotations: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    function_call: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ToolCallIn<'a> {
    index: Option<u64>,
    #[serde(borrow)]
    id: Option<Str<'a>>,
    #[serde(borrow)]
    function: Option<FunctionIn<'a>>,
}

#[derive(Deserialize)]
struct FunctionIn<'a> {
    #[serde(borrow)]
    name: Option<Str<'a>>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

impl Decoder {
    fn chunk(&mut self, chunk: ChunkIn<'_>, out: &mut Vec<Event>) -> Result<(), serde_json::Error> {
        if self.state == State::Waiting {
            self.state = State::Open;
            let text = |text: Option<Str<'_>>| text.map(Str::into_string).unwrap_or_default();
            out.push(Event::Start(Start { id: text(chunk.id), model: text(chunk.model), usage: None }));
        }
        let mut counts = chunk.usage.or(chunk.x_groq.and_then(|extension| extension.usage));
        for choice in chunk.choices.unwrap_or_default() {
            if choice.index != 0 {
                out.push(Event::Lost(Loss::dropped("choices")));
                continue;
            }
            counts = counts.or(choice.usage);
            self.choice(choice, out)?;
        }
        out.extend(counts.map(|counts| Event::Usage(usage(counts))));
        Ok(())
    }

    fn choice(&mut self, choice: ChoiceIn<'_>, out: &mut Vec<Event>) -> Result<(), serde_json::Error> {
        if self.state != State::Open {
            return Ok(());
        }
        if let Some(delta) = choice.delta {
            self.delta(delta, out)?;
        }
        // Some vendors write an empty reason into every chunk.
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
            self.close_prose(out);
            self.close_calls(out, |_| true);
            self.state = State::Stopped;
            out.push(Event::Finish(Stop::new(stop_reason(&reason))));
        }
        Ok(())
    }

    fn delta(&mut self, delta: DeltaIn<'_>, out: &mut Vec<Event>) -> Result<(), serde_json::Error> {
        let told = |text: &Str<'_>| !text.is_empty();
        if let Some(text) = delta.reasoning_content.filter(told).or(delta.reasoning.filter(told)) {
            let index = self.prose(Prose::Thinking, out);
            out.push(Event::Delta { index, delta: Delta::Thinking(text.into_string()) });
        }
        self.content(delta.content, out)?;
        if let Some(text) = delta.refusal.filter(told) {
            let index = self.prose(Prose::Refusal, out);
            out.push(Event::Delta { index, delta: Delta::Refusal(text.into_string()) });
        }
        for call in delta.tool_calls.unwrap_or_default() {
            self.tool_call(call, out)?;
        }
        if delta.annotations.is_some_and(|annotations| !annotations.is_empty()) {
            out.push(Event::Lost(Loss::dropped("content.annotations")));
        }
        if delta.function_call.is_some() {
            out.push(Event::Lost(Loss::dropped("content.function_call")));
        }
        Ok(())
    }

    /// A text, or at some vendors a list of parts.
    fn content(
        &mut self,
        content: TextOr<'_, Vec<&RawValue>>,
        out: &mut Vec<Event>,
    ) -> Result<(), serde_json::Error> {
        for part in parts(content)? {
            match part.content {
                Content::Text(text) if text.is_empty() => {}
                Content::Text(text) => {
                    let index = self.prose(Prose::Text, out);
                    out.push(Event::Delta { index, delta: Delta::Text(text) });
                }
                Content::Opaque(opaque) => {
                    out.push(Event::Lost(Loss::dropped(format!("content.{}", opaque.kind))));
                }
                _ => out.push(Event::Lost(Loss::dropped("content"))),
            }
        }
        Ok(())
    }

    /// The open block of this kind; a block of another kind ends.
    fn prose(&mut self, kind: Prose, out: &mut Vec<Event>) -> usize {
        if let Some((index, _)) = self.prose.filter(|(_, open)| *open == kind) {
            return index;
        }
        self.close_prose(out);
        self.close_calls(out, |call| call.progress.is_whole());
        let block = match kind {
            Prose::Text => Block::Text,
            Prose::Thinking => Block::Thinking,
            Prose::Refusal => Block::Refusal,
        };
        let index = self.begin(block, out);
        self.prose = Some((index, kind));
        index
    }

    fn tool_call(&mut self, wire: ToolCallIn<'_>, out: &mut Vec<Event>) -> Result<(), serde_json::Error> {
        let id = wire.id.as_deref().unwrap_or_default();
        let (name, raw) = wire.function.map_or((None, None), |function| (function.name, function.arguments));
        if owner(&mut self.calls, wire.index, id).is_none() {
            let Some(name) = name.filter(|name| !name.is_empty()) else {
                out.push(Event::Lost(Loss::dropped("content.tool_calls")));
                return Ok(());
            };
            self.begin_call(wire.index, id, name.into_string(), out);
        }
        let piece = arguments(raw)?;
        let Some(call) = owner(&mut self.calls, wire.index, id) else { return Ok(()) };
        if piece.as_str().is_empty() {
            return Ok(());
        }
        call.progress.feed(piece.as_str());
        let index = call.block;
        if call.open {
            out.push(Event::Delta { index, delta: Delta::Arguments(piece.as_str().to_owned()) });
        } else if !piece.as_str().trim().is_empty() {
            out.push(Event::Lost(Loss::dropped("content.tool_calls.function.arguments")));
        }
        Ok(())
    }

    /// A call whose arguments are whole ends where another begins; one that is not may be interleaved with it.
    fn begin_call(&mut self, key: Option<u64>, id: &str, name: String, out: &mut Vec<Event>) {
        self.close_prose(out);
        self.close_calls(out, |call| call.progress.is_whole());
        let given = if id.is_empty() { format!("call_{}", self.calls.len()) } else { id.to_owned() };
        let block = self.begin(Block::ToolCall { id: given, name, free_text: false, proof: None }, out);
        let progress = Progress::default();
        self.calls.push(Call { key, id: id.to_owned(), block, open: true, progress });
    }

    fn begin(&mut self, block: Block, out: &mut Vec<Event>) -> usize {
        let index = self.blocks;
        self.blocks += 1;
        out.push(Event::BlockStart { index, block });
        index
    }

    fn close_prose(&mut self, out: &mut Vec<Event>) {
        out.extend(self.prose.take().map(|(index, _)| Event::BlockEnd { index }));
    }

    fn close_calls(&mut self, out: &mut Vec<Event>, which: impl Fn(&Call) -> bool) {
        for call in self.calls.iter_mut().filter(|call| call.open && which(call)) {
            call.open = false;
            out.push(Event::BlockEnd { index: call.block });
        }
    }

    /// `[DONE]` without a finish reason is no end: the stream is cut then, and [`finish`](EventDecoder::finish) says so.
    fn end(&mut self, out: &mut Vec<Event>) {
        if self.state == State::Stopped {
            self.state = State::Ended;
            out.push(Event::Done);
        }
    }

    /// Something that is no chunk: an error, or what a vendor puts between.
    fn odd(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<(), TranslateError> {
        match read_error(Dialect::OpenAiChat, frame.data) {
            Some(error) => self.fail(error, out),
            None => out.push(Event::Lost(Loss::unknown("event"))),
        }
        Ok(())
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        self.state = State::Ended;
        out.push(Event::Error(error));
    }
}
