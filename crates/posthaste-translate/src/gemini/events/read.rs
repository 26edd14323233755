//! Frames to neutral events.

use posthaste_core::Usage;
use posthaste_wire::{Frame, UpstreamError, read_error, spoiled, usage::GeminiUsage};
use serde_json::value::RawValue;

use super::pieces::Pieces;
use crate::{
    EventDecoder, Loss, TranslateError,
    gemini::{
        DIALECT,
        grounding::{Offsets, supports},
        ids::Ids,
        part::{CallIn, PartIn, content},
        response::{CandidateIn, ResponseIn, blocked, stop},
    },
    ir::{Block, Content, Delta, Event, Proof, Start, Stop},
    json::{self, Str, compact},
};

/// Reads the stream of an answer.
#[derive(Debug, Default)]
pub(in crate::gemini) struct Decoder {
    state: State,
    /// How many blocks began.
    blocks: usize,
    /// The open block of text or thoughts.
    prose: Option<(usize, Prose)>,
    /// Whether that block has its signature.
    signed: bool,
    /// The call whose arguments come in pieces.
    call: Option<OpenCall>,
    /// Where the characters of all text lie, in which citations give their places in bytes.
    text: Offsets,
    /// How many blocks of text there were: places are those of the only one.
    texts: usize,
    usage: Usage,
}

/// How far the stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first chunk.
    #[default]
    Waiting,
    /// Between the first chunk and a finish reason.
    Open,
    /// The finish reason is known; counts may follow.
    Stopped,
    /// An error came, or the stream closed: nothing that follows counts.
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prose {
    Text,
    Thinking,
}

#[derive(Debug)]
struct OpenCall {
    block: usize,
    pieces: Pieces,
}

impl EventDecoder for Decoder {
    fn push(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<(), TranslateError> {
        if self.state == State::Ended {
            return Ok(());
        }
        // Not of this dialect, but relays before us add it.
        if frame.data.trim_ascii() == b"[DONE]" {
            return Ok(());
        }
        // An error may come inside a list.
        if frame.data.trim_ascii_start().starts_with(b"[")
            && let Some(error) = read_error(DIALECT, frame.data)
        {
            self.fail(error, out);
            return Ok(());
        }
        let unreadable = |source| TranslateError::unreadable(DIALECT, source);
        let chunk: ResponseIn<'_> = json::read(frame.data).map_err(unreadable)?;
        if chunk.is_error {
            self.fail(
                read_error(DIALECT, frame.data).unwrap_or_else(|| failure("error", String::new())),
                out,
            );
            return Ok(());
        }
        self.chunk(chunk, out).map_err(unreadable)
    }

    /// There is no terminator: the stream is whole when it closes after a finish reason.
    fn finish(&mut self, out: &mut Vec<Event>) -> Result<(), TranslateError> {
        match self.state {
            State::Ended => Ok(()),
            State::Stopped => {
                self.state = State::Ended;
                out.push(Event::Done);
                Ok(())
            }
            State::Waiting | State::Open => Err(TranslateError::Truncated),
        }
    }
}

type Read<T> = Result<T, serde_json::Error>;

impl Decoder {
    fn chunk(&mut self, chunk: ResponseIn<'_>, out: &mut Vec<Event>) -> Read<()> {
        let counts = chunk.usage.and_then(|raw| serde_json::from_str::<GeminiUsage>(raw.get()).ok());
        if let Some(counts) = &counts {
            counts.merge_into(&mut self.usage);
        }
        if self.state == State::Waiting {
            self.state = State::Open;
            // What the answer costs so far is not what it costs.
            let known = Usage { output: 0, reasoning: 0, ..self.usage };
            let usage = Some(known).filter(|usage| !usage.is_empty());
            out.push(Event::Start(Start { id: chunk.response_id, model: chunk.model_version, usage }));
        }
        if counts.is_some() {
            out.push(Event::Usage(self.usage));
        }
        let candidates = chunk.candidates.unwrap_or_default();
        if let (true, Some(stop)) = (candidates.is_empty(), chunk.prompt_feedback.and_then(blocked)) {
            self.stop(stop, out);
        }
        for candidate in candidates {
            if candidate.index == 0 {
                self.candidate(candidate, out)?;
            } else {
                out.push(Event::Lost(Loss::dropped("candidates")));
            }
        }
        Ok(())
    }

    fn candidate(&mut self, candidate: CandidateIn<'_>, out: &mut Vec<Event>) -> Read<()> {
        if self.state != State::Open {
            return Ok(());
        }
        for raw in candidate.parts.0 {
            self.part(raw, out)?;
        }
        if let Some(grounding) = candidate.grounding {
            self.cite(grounding, out);
        }
        let Some(word) = candidate.finish_reason else { return Ok(()) };
        match spoiled(DIALECT, &word) {
            Some(error) => {
                let message = candidate.finish_message.unwrap_or(error.message);
                self.fail(UpstreamError { message, ..error }, out);
            }
            None => self.stop(stop(&word, candidate.finish_message), out),
        }
        Ok(())
    }

    fn part(&mut self, raw: &RawValue, out: &mut Vec<Event>) -> Read<()> {
        let mut wire = PartIn::new(raw)?;
        let goes_on = self.call.is_some();
        if wire.call().is_some_and(|call| call.name.is_none() && goes_on || call.will_continue) {
            let proof = wire.take_proof();
            if let Some(call) = wire.call() {
                self.call_piece(call, proof, out);
            }
            return Ok(());
        }
        self.close_call(out);
        let part = content(wire, &mut Ids::of_answer())?;
        match part.content {
            Content::Text(text) => self.text(text, part.proof, out),
            Content::Thinking(thinking) => {
                let index = self.prose(Prose::Thinking, out);
                if !thinking.text.is_empty() {
                    out.push(Event::Delta { index, delta: Delta::Thinking(thinking.text) });
                }
                self.prove(index, thinking.proof, out);
            }
            Content::ToolCall(call) => {
                self.close_prose(out);
                let block =
                    Block::ToolCall { id: call.id, name: call.name, free_text: false, proof: call.proof };
                let index = self.begin(block, out);
                let arguments = compact(call.arguments.as_str()).into_owned();
                out.push(Event::Delta { index, delta: Delta::Arguments(arguments) });
                out.push(Event::BlockEnd { index });
            }
            Content::Opaque(opaque) => {
                self.close_prose(out);
                let index = self.begin(Block::Opaque { kind: opaque.kind, value: opaque.value }, out);
                out.push(Event::BlockEnd { index });
            }
            // Pictures and sound, which streams of other dialects have no blocks for.
            _ => {
                self.close_prose(out);
                let block = Block::Opaque { kind: "inlineData".to_owned(), value: raw.into() };
                let index = self.begin(block, out);
                out.push(Event::BlockEnd { index });
            }
        }
        Ok(())
    }

    fn text(&mut self, text: String, proof: Option<Proof>, out: &mut Vec<Event>) {
        if text.is_empty() && proof.is_none() {
            return;
        }
        let index = self.prose(Prose::Text, out);
        self.text.push(&text);
        if !text.is_empty() {
            out.push(Event::Delta { index, delta: Delta::Text(text) });
        }
        self.prove(index, proof, out);
    }

    /// A signed part is not joined with the next, but it may still be cited.
    fn prove(&mut self, index: usize, proof: Option<Proof>, out: &mut Vec<Event>) {
        if let Some(proof) = proof {
            out.push(Event::Delta { index, delta: Delta::Proof(proof) });
            self.signed = true;
        }
    }

    fn call_piece(&mut self, call: &mut CallIn<'_>, proof: Option<Proof>, out: &mut Vec<Event>) {
        if let Some(name) = call.name.take().filter(|name| !name.is_empty()).map(Str::into_string) {
            self.close_call(out);
            self.close_prose(out);
            let id = call.id.take().map(Str::into_string).unwrap_or_default();
            let block = self.begin(Block::ToolCall { id, name, free_text: false, proof }, out);
            self.call = Some(OpenCall { block, pieces: Pieces::default() });
        }
        let Some(open) = &mut self.call else {
            return out.push(Event::Lost(Loss::dropped("content.functionCall")));
        };
        for piece in &call.partial_args.0 {
            if !open.pieces.push(piece) {
                out.push(Event::Lost(Loss::dropped("content.functionCall.partialArgs")));
            }
        }
        if !call.will_continue {
            self.close_call(out);
        }
    }

    fn close_call(&mut self, out: &mut Vec<Event>) {
        if let Some(OpenCall { block: index, pieces }) = self.call.take() {
            out.push(Event::Delta { index, delta: Delta::Arguments(pieces.into_json()) });
            out.push(Event::BlockEnd { index });
        }
    }

    /// The sources of the text, which come with its end.
    fn cite(&mut self, raw: &RawValue, out: &mut Vec<Event>) {
        let supports = supports(raw);
        let Some((index, _)) = self.prose.filter(|(_, open)| *open == Prose::Text) else {
            if !supports.is_empty() {
                out.push(Event::Lost(Loss::dropped("content.groundingMetadata")));
            }
            return;
        };
        for support in supports {
            let (start, end) = support.bytes;
            let place = |byte| self.text.characters_before(byte).filter(|_| self.texts == 1);
            let span = place(start).zip(place(end)).filter(|(start, end)| start <= end);
            out.push(Event::Delta { index, delta: Delta::Citation(support.citation(span)) });
        }
    }

    /// The open block of this kind; a block of another kind ends.
    fn prose(&mut self, kind: Prose, out: &mut Vec<Event>) -> usize {
        if let Some((index, _)) = self.prose.filter(|(_, open)| *open == kind && !self.signed) {
            return index;
        }
        self.close_prose(out);
        let block = match kind {
            Prose::Text => {
                self.texts += 1;
                Block::Text
            }
            Prose::Thinking => Block::Thinking,
        };
        let index = self.begin(block, out);
        self.prose = Some((index, kind));
        index
    }

    fn begin(&mut self, block: Block, out: &mut Vec<Event>) -> usize {
        let index = self.blocks;
        self.blocks += 1;
        out.push(Event::BlockStart { index, block });
        index
    }

    fn close_prose(&mut self, out: &mut Vec<Event>) {
        self.signed = false;
        out.extend(self.prose.take().map(|(index, _)| Event::BlockEnd { index }));
    }

    fn stop(&mut self, stop: Stop, out: &mut Vec<Event>) {
        self.close_call(out);
        self.close_prose(out);
        self.state = State::Stopped;
        out.push(Event::Finish(stop));
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        self.state = State::Ended;
        out.push(Event::Error(error));
    }
}

fn failure(kind: &str, message: String) -> UpstreamError {
    UpstreamError::new(kind, None, message)
}
