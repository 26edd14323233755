//! Neutral events to frames.

use std::borrow::Cow;

use posthaste_core::{Dialect, FaultKind, Usage};
use posthaste_wire::{UpstreamError, fault, write_frame};
use serde::Serialize;

use crate::{
    EventEncoder, Loss, StreamContext,
    anthropic::{
        block::CitationOut,
        response::{LAST_THOUGHT, StopOut, UsageOut},
    },
    conversation::as_word,
    failure::kind_of,
    held::Held,
    ir::{Block, Delta, Event, Stop},
    json,
    loss::Losses,
};

/// Writes the stream of an answer.
#[derive(Debug)]
pub(in crate::anthropic) struct Encoder {
    state: State,
    id: String,
    model: String,
    /// The block that the client sees open: the neutral number.
    open: Option<usize>,
    /// How many blocks were written.
    blocks: usize,
    /// Events of blocks that began while another was open: this dialect's blocks follow each other.
    held: Held,
    /// Whether the open block takes a signature: Google's proofs of a text have no place here.
    thinks: bool,
    /// Sealed thoughts behind other blocks: they are written when another block follows, since an answer may not end
    /// with a thought (see [`LAST_THOUGHT`]).
    sealed: Vec<String>,
    calls_tools: bool,
    refuses: bool,
    stop: Option<Stop>,
    usage: Usage,
    losses: Losses,
    scratch: Vec<u8>,
}

/// How far the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is written.
    Waiting,
    /// `message_start` is written.
    Open,
    /// `message_stop` or `error` is written.
    Ended,
}

impl Encoder {
    pub(in crate::anthropic) fn new(context: &StreamContext) -> Self {
        Self {
            state: State::Waiting,
            id: format!("msg_{}", context.id.simple()),
            model: context.model.as_str().to_owned(),
            open: None,
            blocks: 0,
            held: Held::default(),
            thinks: false,
            sealed: Vec::new(),
            calls_tools: false,
            refuses: false,
            stop: None,
            usage: Usage::default(),
            losses: Losses::default(),
            scratch: Vec::new(),
        }
    }
}

impl EventEncoder for Encoder {
    fn push(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.state == State::Ended {
            return;
        }
        match event {
            Event::Start(start) => {
                self.usage = start.usage.unwrap_or_default();
                self.start(out);
            }
            Event::BlockStart { .. } | Event::Delta { .. } | Event::BlockEnd { .. } => {
                self.start(out);
                self.in_turn(event, out);
            }
            Event::Usage(usage) => self.usage = *usage,
            Event::Finish(stop) => self.stop = Some(stop.clone()),
            Event::Ping => self.write(out, &EventOut::Ping),
            Event::Error(error) => self.error(error, out),
            Event::Lost(loss) => self.losses.add(loss.clone()),
            Event::Done => self.end(out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.state == State::Open {
            self.end(out);
        }
    }

    fn losses(&self) -> &[Loss] {
        self.losses.as_slice()
    }
}

impl Encoder {
    fn start(&mut self, out: &mut Vec<u8>) {
        if self.state != State::Waiting {
            return;
        }
        self.state = State::Open;
        let message = MessageOut {
            id: &self.id,
            kind: "message",
            role: "assistant",
            model: &self.model,
            content: [],
            stop_reason: (),
            stop_sequence: (),
            usage: UsageOut::new(&self.usage, None),
        };
        write_event(&mut self.scratch, out, &EventOut::MessageStart { message });
    }

    /// Writes an event of the open block, and holds back those of others until it ends.
    fn in_turn(&mut self, event: &Event, out: &mut Vec<u8>) {
        match (event, self.open) {
            (Event::BlockStart { index, block }, None) => self.block_start(*index, block, out),
            (Event::Delta { index, delta }, Some(open)) if *index == open => self.delta(delta, out),
            (Event::BlockEnd { index }, Some(open)) if *index == open => {
                self.block_stop(out);
                self.release(out);
            }
            (Event::BlockStart { .. } | Event::Delta { .. } | Event::BlockEnd { .. }, Some(_)) => {
                self.held.push(event);
            }
            // Of a block that was left out.
            _ => {}
        }
    }

    /// Writes the blocks that were held back, as far as they have come.
    fn release(&mut self, out: &mut Vec<u8>) {
        while self.open.is_none()
            && let Some(events) = self.held.next()
        {
            for event in events {
                self.turn_of_held(&event, out);
            }
        }
    }

    fn turn_of_held(&mut self, event: &Event, out: &mut Vec<u8>) {
        match (event, self.open) {
            (Event::BlockStart { index, block }, None) => self.block_start(*index, block, out),
            (Event::Delta { index, delta }, Some(open)) if *index == open => self.delta(delta, out),
            (Event::BlockEnd { index }, Some(open)) if *index == open => self.block_stop(out),
            // Of a block that was left out.
            _ => {}
        }
    }

    fn block_start(&mut self, index: usize, block: &Block, out: &mut Vec<u8>) {
        if !matches!(block, Block::RedactedThinking(_) | Block::Opaque { .. }) {
            self.write_sealed(out);
        }
        let content_block = match block {
            Block::Text => BlockOut::Text { text: "" },
            Block::Refusal => {
                self.refuses = true;
                BlockOut::Text { text: "" }
            }
            Block::Thinking => BlockOut::Thinking { thinking: "", signature: "" },
            Block::RedactedThinking(proof) if self.blocks > 0 => {
                self.sealed.push(proof.data.clone());
                return;
            }
            Block::RedactedThinking(proof) => BlockOut::RedactedThinking { data: &proof.data },
            Block::ToolCall { id, name, .. } => {
                self.calls_tools = true;
                // The client will send the id back, perhaps to Anthropic itself.
                BlockOut::ToolUse { id: as_word(id), name, input: Empty {} }
            }
            Block::Opaque { kind, .. } => {
                self.losses.add(Loss::dropped(format!("content.{kind}")));
                return;
            }
        };
        self.open = Some(index);
        self.thinks = matches!(block, Block::Thinking);
        self.blocks += 1;
        let event = EventOut::ContentBlockStart { index: self.blocks - 1, content_block };
        write_event(&mut self.scratch, out, &event);
    }

    fn write_sealed(&mut self, out: &mut Vec<u8>) {
        for data in std::mem::take(&mut self.sealed) {
            let content_block = BlockOut::RedactedThinking { data: &data };
            let start = EventOut::ContentBlockStart { index: self.blocks, content_block };
            write_event(&mut self.scratch, out, &start);
            self.write(out, &EventOut::ContentBlockStop { index: self.blocks });
            self.blocks += 1;
        }
    }

    fn delta(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        let delta = match delta {
            Delta::Text(text) | Delta::Refusal(text) => DeltaOut::Text { text },
            Delta::Thinking(thinking) => DeltaOut::Thinking { thinking },
            Delta::Proof(proof) if self.thinks => DeltaOut::Signature { signature: &proof.data },
            Delta::Proof(_) => return,
            Delta::Arguments(partial_json) => DeltaOut::InputJson { partial_json },
            Delta::Citation(citation) => {
                let Some(citation) = CitationOut::for_client(citation) else {
                    return self.losses.dropped("content.citations");
                };
                DeltaOut::Citations { citation }
            }
        };
        let event = EventOut::ContentBlockDelta { index: self.blocks - 1, delta };
        write_event(&mut self.scratch, out, &event);
    }

    fn block_stop(&mut self, out: &mut Vec<u8>) {
        self.open = None;
        let index = self.blocks - 1;
        self.write(out, &EventOut::ContentBlockStop { index });
    }

    /// The end, if a stop reason came; else nothing, since an end must not be made up.
    fn end(&mut self, out: &mut Vec<u8>) {
        let Some(stop) = self.stop.take() else { return };
        self.start(out);
        while self.open.is_some() {
            self.block_stop(out);
            self.release(out);
        }
        self.losses.dropped_if(!self.sealed.is_empty(), LAST_THOUGHT);
        self.state = State::Ended;
        let reason = stop.reason.clone().given(self.calls_tools);
        let delta = StopOut::new(&stop, reason, self.refuses);
        self.write(out, &EventOut::MessageDelta { delta, usage: UsageOut::new(&self.usage, None) });
        self.write(out, &EventOut::MessageStop);
    }

    fn error(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        self.state = State::Ended;
        let kind = error_kind(error);
        self.write(out, &EventOut::Error { error: ErrorOut { kind, message: &error.message } });
    }

    fn write(&mut self, out: &mut Vec<u8>, event: &EventOut<'_>) {
        write_event(&mut self.scratch, out, event);
    }
}

fn write_event(scratch: &mut Vec<u8>, out: &mut Vec<u8>, event: &EventOut<'_>) {
    scratch.clear();
    json::write(scratch, event);
    write_frame(out, Some(event.name()), scratch);
}

/// Anthropic's type for an error, which clients choose their retries by.
fn error_kind(error: &UpstreamError) -> &'static str {
    let kind = kind_of(error).unwrap_or(FaultKind::UpstreamFailed);
    fault::words(Dialect::AnthropicMessages, kind).kind
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum EventOut<'a> {
    MessageStart { message: MessageOut<'a> },
    ContentBlockStart { index: usize, content_block: BlockOut<'a> },
    ContentBlockDelta { index: usize, delta: DeltaOut<'a> },
    ContentBlockStop { index: usize },
    MessageDelta { delta: StopOut<'a>, usage: UsageOut<'a> },
    MessageStop,
    Ping,
    Error { error: ErrorOut<'a> },
}

impl EventOut<'_> {
    const fn name(&self) -> &'static str {
        match self {
            Self::MessageStart { .. } => "message_start",
            Self::ContentBlockStart { .. } => "content_block_start",
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::ContentBlockStop { .. } => "content_block_stop",
            Self::MessageDelta { .. } => "message_delta",
            Self::MessageStop => "message_stop",
            Self::Ping => "ping",
            Self::Error { .. } => "error",
        }
    }
}

#[derive(Serialize)]
struct MessageOut<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: [(); 0],
    stop_reason: (),
    stop_sequence: (),
    usage: UsageOut<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockOut<'a> {
    Text { text: &'a str },
    Thinking { thinking: &'a str, signature: &'a str },
    RedactedThinking { data: &'a str },
    ToolUse { id: Cow<'a, str>, name: &'a str, input: Empty },
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
#[serde(tag = "type")]
enum DeltaOut<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'a str },
    #[serde(rename = "citations_delta")]
    Citations { citation: CitationOut<'a> },
}

#[derive(Serialize)]
struct ErrorOut<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    message: &'a str,
}
