//! Frames to neutral events.
//!
//! A block begins with the first piece that it has: only then is it known whether reasoning is readable. Whatever a vendor
//! leaves out of the deltas is taken from the event that ends a part, an item or the answer.

use std::collections::BTreeMap;

use posthaste_wire::{Frame, UpstreamError, read_error};
use serde_json::value::RawValue;

use super::frame::{EventIn, ResponseIn, is_told_elsewhere};
use crate::{
    EventDecoder, Loss, TranslateError,
    ir::{Block, Citation, Content, Delta, Event, Part, Start, Stop, Thinking, ToolCall},
    json::{self, Str},
    openai_responses::{
        DIALECT,
        item::{BETWEEN_PARTS, Item, citation, item},
        response::{stop_reason, usage},
    },
};

/// Reads the stream of an answer.
#[derive(Debug, Default)]
pub(in crate::openai_responses) struct Decoder {
    state: State,
    /// How many blocks began.
    blocks: usize,
    /// The items that began, by their place in the answer.
    items: BTreeMap<u64, Progress>,
}

/// How far the stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first event.
    #[default]
    Waiting,
    /// Between the first event and the last.
    Open,
    /// The last event or an error came: nothing that follows counts.
    Ended,
}

/// How far an item is.
#[derive(Debug, Default)]
struct Progress {
    /// Its blocks, by their place in it; reasoning and calls have one at most.
    blocks: BTreeMap<u64, Opened>,
    /// The part of a summary that the last piece of thoughts belongs to.
    thought: Option<(Thought, u64)>,
    /// It is at its end.
    done: bool,
}

/// A block of an item.
#[derive(Debug)]
struct Opened {
    index: usize,
    /// Something came of it.
    told: bool,
    /// A source came of it.
    cited: bool,
    open: bool,
}

/// The place where thoughts are shown. A vendor that shows both tells the same twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thought {
    Summary,
    Itself,
}

impl EventDecoder for Decoder {
    fn push(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<(), TranslateError> {
        // Some vendors put Chat's terminator behind the last event.
        if self.state == State::Ended || frame.data.trim_ascii() == b"[DONE]" {
            return Ok(());
        }
        let unreadable = |source| TranslateError::unreadable(DIALECT, source);
        let event: EventIn<'_> = json::read(frame.data).map_err(unreadable)?;
        self.event(event, frame, out).map_err(unreadable)
    }

    fn finish(&mut self, _: &mut Vec<Event>) -> Result<(), TranslateError> {
        if self.state == State::Ended { Ok(()) } else { Err(TranslateError::Truncated) }
    }
}

type Read<T> = Result<T, serde_json::Error>;

impl Decoder {
    fn event(&mut self, event: EventIn<'_>, frame: Frame<'_>, out: &mut Vec<Event>) -> Read<()> {
        let (item, part) = (event.output_index, event.content_index);
        match &*event.kind {
            "response.output_text.delta" => self.piece(item, part, Kind::Text, event.piece()?, out),
            "response.refusal.delta" => self.piece(item, part, Kind::Refusal, event.piece()?, out),
            "response.output_text.done" => self.whole(item, part, Kind::Text, event.text, out),
            "response.refusal.done" => self.whole(item, part, Kind::Refusal, event.refusal, out),
            "response.output_text.annotation.added" => self.annotation(item, part, event.annotation, out),
            "response.content_part.done" => self.close(item, part, out),
            "response.reasoning_summary_text.delta" => {
                self.thought(item, (Thought::Summary, event.summary_index), event.piece()?, out);
            }
            "response.reasoning_text.delta" => {
                self.thought(item, (Thought::Itself, part), event.piece()?, out);
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                self.arguments(item, event.piece()?, out);
            }
            "response.function_call_arguments.done" => self.all_arguments(item, event.arguments, out),
            "response.custom_tool_call_input.done" => self.all_arguments(item, event.input, out),
            "response.output_item.added" => return self.added(item, event.item, out),
            "response.output_item.done" => return self.item_done(item, event.item, out),
            "response.created" | "response.queued" | "response.in_progress" => {
                self.start(event.response, out)
            }
            "response.completed" | "response.incomplete" => return self.end(event.response, out),
            "response.failed" | "error" => self.fail(read_error(DIALECT, frame.data), out),
            "keepalive" | "ping" => out.push(Event::Ping),
            kind if is_told_elsewhere(kind) => {}
            "" => match read_error(DIALECT, frame.data) {
                Some(error) => self.fail(Some(error), out),
                None => out.push(Event::Lost(Loss::unknown("event"))),
            },
            other => out.push(Event::Lost(Loss::unknown(format!("event.{other}")))),
        }
        Ok(())
    }

    fn start(&mut self, response: Option<ResponseIn<'_>>, out: &mut Vec<Event>) {
        if self.state == State::Waiting {
            self.state = State::Open;
            let (id, model) = response.map(|response| (response.id, response.model)).unwrap_or_default();
            out.push(Event::Start(Start { id: id.into_string(), model: model.into_string(), usage: None }));
        }
    }

    /// A call shows its name at once; what else an item brings comes later.
    fn added(&mut self, place: u64, raw: Option<&RawValue>, out: &mut Vec<Event>) -> Read<()> {
        let Some(raw) = raw else { return Ok(()) };
        self.start(None, out);
        let progress = self.items.entry(place).or_default();
        if progress.done {
            // A vendor that does not count its items.
            *progress = Progress::default();
        }
        // What is added may be half of what its type requires.
        if let Ok(Item::Model(Part { content: Content::ToolCall(call), .. })) = item(raw) {
            self.open_call(place, &call, out);
        }
        Ok(())
    }

    fn open_call(&mut self, place: u64, call: &ToolCall, out: &mut Vec<Event>) {
        let (id, name) = (call.id.clone(), call.name.clone());
        self.open(place, 0, Block::ToolCall { id, name, free_text: call.free_text, proof: None }, out);
    }

    /// The block at a place of an item, opened if it is not.
    fn open(&mut self, place: u64, part: u64, block: Block, out: &mut Vec<Event>) -> Option<&mut Opened> {
        self.start(None, out);
        let progress = self.items.entry(place).or_default();
        if progress.done {
            return None;
        }
        let blocks = &mut self.blocks;
        Some(progress.blocks.entry(part).or_insert_with(|| {
            let index = *blocks;
            *blocks += 1;
            out.push(Event::BlockStart { index, block });
            Opened { index, told: false, cited: false, open: true }
        }))
    }

    fn piece(&mut self, place: u64, part: u64, kind: Kind, text: String, out: &mut Vec<Event>) {
        if text.is_empty() {
            return;
        }
        match self.open(place, part, kind.block(), out) {
            Some(opened) if opened.open => {
                opened.told = true;
                let index = opened.index;
                out.push(Event::Delta { index, delta: kind.delta(text) });
            }
            _ => {}
        }
    }

    /// The whole text, for a vendor that sent it in no pieces.
    fn whole(&mut self, place: u64, part: u64, kind: Kind, text: Option<Str<'_>>, out: &mut Vec<Event>) {
        if !self.is_told(place, part) {
            self.piece(place, part, kind, text.unwrap_or_default().into_string(), out);
        }
    }

    fn is_told(&self, place: u64, part: u64) -> bool {
        let opened = self.items.get(&place).and_then(|progress| progress.blocks.get(&part));
        opened.is_some_and(|opened| opened.told)
    }

    fn annotation(&mut self, place: u64, part: u64, raw: Option<&RawValue>, out: &mut Vec<Event>) {
        let Some(raw) = raw else { return };
        self.cite(place, part, citation(raw), out);
    }

    fn cite(&mut self, place: u64, part: u64, citation: Citation, out: &mut Vec<Event>) {
        match self.open(place, part, Block::Text, out) {
            Some(opened) if opened.open => {
                opened.cited = true;
                let index = opened.index;
                out.push(Event::Delta { index, delta: Delta::Citation(citation) });
            }
            _ => {}
        }
    }

    fn close(&mut self, place: u64, part: u64, out: &mut Vec<Event>) {
        // Thoughts of open models are parts as well, and go on until their item is done.
        let Some(progress) = self.items.get_mut(&place).filter(|progress| progress.thought.is_none()) else {
            return;
        };
        if let Some(opened) = progress.blocks.get_mut(&part).filter(|opened| opened.open) {
            opened.open = false;
            out.push(Event::BlockEnd { index: opened.index });
        }
    }

    fn thought(&mut self, place: u64, from: (Thought, u64), text: String, out: &mut Vec<Event>) {
        if text.is_empty() {
            return;
        }
        let last = self.items.get(&place).and_then(|progress| progress.thought);
        let text = match last {
            Some((thought, _)) if thought != from.0 => return,
            Some((_, part)) if part != from.1 => format!("{BETWEEN_PARTS}{text}"),
            _ => text,
        };
        let Some(Opened { index, open: true, .. }) = self.open(place, 0, Block::Thinking, out) else {
            return;
        };
        let index = *index;
        out.push(Event::Delta { index, delta: Delta::Thinking(text) });
        if let Some(progress) = self.items.get_mut(&place) {
            progress.thought = Some(from);
        }
    }

    /// Arguments of a call that never began are nobody's.
    fn arguments(&mut self, place: u64, piece: String, out: &mut Vec<Event>) {
        let opened = self.items.get_mut(&place).and_then(|progress| progress.blocks.get_mut(&0));
        match opened.filter(|opened| opened.open) {
            Some(opened) if !piece.is_empty() => {
                opened.told = true;
                out.push(Event::Delta { index: opened.index, delta: Delta::Arguments(piece) });
            }
            Some(_) => {}
            None => out.push(Event::Lost(Loss::dropped("content.function_call.arguments"))),
        }
    }

    fn all_arguments(&mut self, place: u64, arguments: Option<Str<'_>>, out: &mut Vec<Event>) {
        if let Some(arguments) = arguments.filter(|_| !self.is_told(place, 0)) {
            self.arguments(place, arguments.into_string(), out);
        }
    }

    /// The whole item: what of it is not told yet is told now, and its blocks end.
    fn item_done(&mut self, place: u64, raw: Option<&RawValue>, out: &mut Vec<Event>) -> Read<()> {
        let Some(raw) = raw else { return Ok(()) };
        self.start(None, out);
        if self.items.entry(place).or_default().done {
            return Ok(());
        }
        match item(raw)? {
            Item::Message { parts, .. } => self.message_done(place, parts, out),
            Item::Model(part) | Item::Result(part) | Item::Other(part) => self.part_done(place, part, out),
        }
        self.end_item(place, out);
        Ok(())
    }

    fn message_done(&mut self, place: u64, parts: Vec<Part>, out: &mut Vec<Event>) {
        for (number, part) in (0..).zip(parts) {
            let told = self.is_told(place, number);
            let cited = self.items.get(&place).and_then(|progress| progress.blocks.get(&number));
            let cited = cited.is_some_and(|opened| opened.cited);
            match part.content {
                Content::Text(text) if !told => self.piece(place, number, Kind::Text, text, out),
                Content::Refusal(text) if !told => self.piece(place, number, Kind::Refusal, text, out),
                Content::Text(_) | Content::Refusal(_) => {}
                Content::Opaque(opaque) => {
                    out.push(Event::Lost(Loss::dropped(format!("content.{}", opaque.kind))));
                }
                _ => out.push(Event::Lost(Loss::dropped("content"))),
            }
            for citation in part.citations.into_iter().filter(|_| !cited) {
                self.cite(place, number, citation, out);
            }
        }
    }

    fn part_done(&mut self, place: u64, part: Part, out: &mut Vec<Event>) {
        match part.content {
            Content::Thinking(Thinking { text, proof }) => {
                if self.items.get(&place).is_some_and(|progress| progress.thought.is_none()) {
                    self.thought(place, (Thought::Summary, 0), text, out);
                }
                let opened = self.items.get(&place).and_then(|progress| progress.blocks.get(&0));
                if let (Some(proof), Some(index)) = (proof, opened.map(|opened| opened.index)) {
                    out.push(Event::Delta { index, delta: Delta::Proof(proof) });
                }
            }
            Content::RedactedThinking(proof) => {
                let opened = self.items.get(&place).and_then(|progress| progress.blocks.get(&0));
                match opened.map(|opened| opened.index) {
                    Some(index) => out.push(Event::Delta { index, delta: Delta::Proof(proof) }),
                    None => {
                        self.open(place, 0, Block::RedactedThinking(proof), out);
                    }
                }
            }
            Content::ToolCall(call) => {
                if self.items.get(&place).is_none_or(|progress| progress.blocks.is_empty()) {
                    self.open_call(place, &call, out);
                }
                if !self.is_told(place, 0) {
                    self.arguments(place, call.arguments.as_str().to_owned(), out);
                }
            }
            Content::Opaque(opaque) => {
                let block = Block::Opaque { kind: opaque.kind, value: opaque.value };
                self.open(place, 0, block, out);
            }
            _ => out.push(Event::Lost(Loss::dropped("content"))),
        }
    }

    fn end_item(&mut self, place: u64, out: &mut Vec<Event>) {
        let Some(progress) = self.items.get_mut(&place) else { return };
        progress.done = true;
        for opened in std::mem::take(&mut progress.blocks).into_values().filter(|opened| opened.open) {
            out.push(Event::BlockEnd { index: opened.index });
        }
    }

    /// The last event. Its items count only where they did not come before: at ChatGPT's backend it has none.
    fn end(&mut self, response: Option<ResponseIn<'_>>, out: &mut Vec<Event>) -> Read<()> {
        let Some(response) = response else { return Ok(()) };
        let status = response.status.as_deref();
        let Some(reason) = stop_reason(status, response.incomplete_details.as_ref()) else { return Ok(()) };
        for (place, raw) in (0..).zip(response.output.unwrap_or_default()) {
            self.item_done(place, Some(raw), out)?;
        }
        let open: Vec<u64> = self.items.keys().copied().collect();
        open.into_iter().for_each(|place| self.end_item(place, out));
        self.start(None, out);
        if response.usage.is_some() {
            out.push(Event::Usage(usage(response.usage, response.tool_usage)));
        }
        out.push(Event::Finish(Stop::new(reason)));
        self.state = State::Ended;
        out.push(Event::Done);
        Ok(())
    }

    fn fail(&mut self, error: Option<UpstreamError>, out: &mut Vec<Event>) {
        self.state = State::Ended;
        out.push(Event::Error(error.unwrap_or_else(|| UpstreamError::new("error", None, ""))));
    }
}

/// What the model says in a message.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Text,
    Refusal,
}

impl Kind {
    const fn block(self) -> Block {
        match self {
            Self::Text => Block::Text,
            Self::Refusal => Block::Refusal,
        }
    }

    const fn delta(self, text: String) -> Delta {
        match self {
            Self::Text => Delta::Text(text),
            Self::Refusal => Delta::Refusal(text),
        }
    }
}
