//! Frames to neutral events.

use posthaste_core::Dialect;
use posthaste_wire::{Frame, UpstreamError, read_error};
use serde_json::value::RawValue;

use super::{
    calls::{Call, Progress, owner},
    chunk::{ChoiceIn, ChunkIn, DeltaIn, Piece, ToolCallIn},
};
use crate::{
    EventDecoder, Loss, TranslateError,
    ir::{Block, Content, Delta, Event, Start, Stop},
    json::{self, Str, TextOr},
    openai_chat::{
        citation::citation,
        part::parts,
        response::{is_failure, stop_reason, usage},
        thoughts::ThoughtsIn,
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
            self.odd(frame, out);
            return Ok(());
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

impl Decoder {
    fn chunk(&mut self, chunk: ChunkIn<'_>, out: &mut Vec<Event>) -> Result<(), serde_json::Error> {
        if self.state == State::Waiting {
            // Azure's first chunk tells of the prompt alone and has neither id nor model.
            if chunk.id.as_deref().is_none_or(str::is_empty) && chunk.is_empty() {
                return Ok(());
            }
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
        if choice.logprobs.is_some() {
            out.push(Event::Lost(Loss::dropped("choices.logprobs")));
        }
        // Some vendors write an empty reason into every chunk.
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
            if is_failure(&reason) {
                self.fail(cut(&reason), out);
                return Ok(());
            }
            self.close_prose(out);
            self.close_calls(out, |_| true);
            self.state = State::Stopped;
            out.push(Event::Finish(Stop::new(stop_reason(&reason))));
        }
        Ok(())
    }

    fn delta(&mut self, delta: DeltaIn<'_>, out: &mut Vec<Event>) -> Result<(), serde_json::Error> {
        let thoughts = ThoughtsIn {
            reasoning_content: delta.reasoning_content,
            reasoning: delta.reasoning,
            reasoning_text: delta.reasoning_text,
            reasoning_details: delta.reasoning_details,
        };
        if let Some(text) = thoughts.text() {
            self.think(text, out);
        }
        if thoughts.is_sealed() {
            out.push(Event::Lost(Loss::dropped("content.reasoning_details")));
        }
        self.content(delta.content, out)?;
        if let Some(text) = delta.refusal.filter(|text| !text.is_empty()) {
            let index = self.prose(Prose::Refusal, out);
            out.push(Event::Delta { index, delta: Delta::Refusal(text.into_string()) });
        }
        for call in delta.tool_calls.unwrap_or_default() {
            self.tool_call(call, out)?;
        }
        // The older form of a call: there is only one, and it has neither index nor id.
        if let Some(function) = delta.function_call {
            let call = ToolCallIn { index: None, id: None, function: Some(function), custom: None };
            self.tool_call(call, out)?;
        }
        self.annotations(delta.annotations.unwrap_or_default(), out);
        if delta.audio.is_some() {
            out.push(Event::Lost(Loss::dropped("content.audio")));
        }
        Ok(())
    }

    fn think(&mut self, text: String, out: &mut Vec<Event>) {
        let index = self.prose(Prose::Thinking, out);
        out.push(Event::Delta { index, delta: Delta::Thinking(text) });
    }

    /// Sources of the text that is open; they come with it or behind it.
    fn annotations(&mut self, annotations: Vec<&RawValue>, out: &mut Vec<Event>) {
        for raw in annotations {
            out.push(match self.prose {
                Some((index, Prose::Text)) => Event::Delta { index, delta: Delta::Citation(citation(raw)) },
                _ => Event::Lost(Loss::dropped("content.annotations")),
            });
        }
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
                Content::Thinking(thinking) if thinking.text.is_empty() => {}
                Content::Thinking(thinking) => self.think(thinking.text, out),
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
        self.close_calls(out, Call::is_whole);
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
        let key = wire.index;
        let id = wire.id.clone().unwrap_or_default();
        let Piece { name, text, free_text } = wire.take()?;
        if owner(&mut self.calls, key, &id).is_none() {
            let Some(name) = name.filter(|name| !name.is_empty()) else {
                out.push(Event::Lost(Loss::dropped("content.tool_calls")));
                return Ok(());
            };
            self.begin_call(key, &id, name.into_string(), free_text, out);
        }
        let Some(call) = owner(&mut self.calls, key, &id) else { return Ok(()) };
        if text.is_empty() {
            return Ok(());
        }
        call.progress.feed(&text);
        let index = call.block;
        if call.open {
            out.push(Event::Delta { index, delta: Delta::Arguments(text) });
        } else if !text.trim().is_empty() {
            out.push(Event::Lost(Loss::dropped("content.tool_calls.function.arguments")));
        }
        Ok(())
    }

    /// A call whose arguments are whole ends where another begins; one that is not may be interleaved with it. Of free
    /// text nobody can tell.
    fn begin_call(
        &mut self,
        key: Option<u64>,
        id: &str,
        name: String,
        free_text: bool,
        out: &mut Vec<Event>,
    ) {
        self.close_prose(out);
        self.close_calls(out, Call::is_whole);
        let block = self.begin(Block::ToolCall { id: id.to_owned(), name, free_text, proof: None }, out);
        let progress = Progress::default();
        self.calls.push(Call { key, id: id.to_owned(), block, open: true, free_text, progress });
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
    fn odd(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) {
        match read_error(Dialect::OpenAiChat, frame.data) {
            Some(error) => self.fail(error, out),
            None if frame.event == Some("error") => self.fail(unnamed_error(), out),
            None => out.push(Event::Lost(Loss::unknown("event"))),
        }
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        self.state = State::Ended;
        out.push(Event::Error(error));
    }
}

/// The error that stands behind a finish reason.
fn cut(reason: &str) -> UpstreamError {
    let message = "the upstream failed before the answer was whole";
    UpstreamError::new("server_error", Some(reason.to_owned()), message)
}

fn unnamed_error() -> UpstreamError {
    UpstreamError::new("server_error", None, "")
}
