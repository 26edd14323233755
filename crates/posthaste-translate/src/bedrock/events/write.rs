//! Neutral events to frames.

use std::borrow::Cow;

use posthaste_core::{FaultKind, Usage};
use posthaste_wire::{UpstreamError, converse_exception, write_frame};
use serde::Serialize;

use super::in_turn::InTurn;
use crate::{
    EventEncoder, Loss,
    bedrock::{
        block::{CitationOut, citation_out, sealed},
        response::{MetricsOut, StopOut, UsageOut},
    },
    failure::kind_of,
    ir::{Block, Delta, Event, Stop},
    json,
    loss::Losses,
};

/// Writes the stream of an answer.
#[derive(Debug, Default)]
pub(in crate::bedrock) struct Encoder {
    in_turn: InTurn,
    stop: Option<Stop>,
    out: Frames,
}

impl EventEncoder for Encoder {
    fn push(&mut self, event: &Event, out: &mut Vec<u8>) {
        let Self { in_turn, out: frames, .. } = self;
        if frames.state == State::Ended {
            return;
        }
        match event {
            Event::Start(start) => {
                frames.usage = start.usage.unwrap_or_default();
                frames.start(out);
            }
            Event::BlockStart { .. } | Event::Delta { .. } | Event::BlockEnd { .. } => {
                frames.start(out);
                in_turn.push(event, |event| frames.block_event(event, out));
            }
            Event::Usage(usage) => frames.usage = *usage,
            Event::Finish(stop) => self.stop = Some(stop.clone()),
            // There is nothing to say that clients would pass over.
            Event::Ping => {}
            Event::Error(error) => frames.error(error, out),
            Event::Lost(loss) => frames.losses.add(loss.clone()),
            Event::Done => self.end(out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.out.state == State::Open {
            self.end(out);
        }
    }

    fn losses(&self) -> &[Loss] {
        self.out.losses.as_slice()
    }
}

impl Encoder {
    /// The end, if a stop reason came; else nothing, since an end must not be made up.
    fn end(&mut self, out: &mut Vec<u8>) {
        let Some(stop) = self.stop.take() else { return };
        let Self { in_turn, out: frames, .. } = self;
        frames.start(out);
        in_turn.finish(|event| frames.block_event(event, out));
        frames.end(&stop, out);
    }
}

/// How far the stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing is written.
    #[default]
    Waiting,
    /// `messageStart` is written.
    Open,
    /// `metadata` or an exception is written.
    Ended,
}

/// What was written so far.
#[derive(Debug, Default)]
struct Frames {
    state: State,
    /// Whether the client has seen the open block.
    shown: bool,
    /// Whether what the block holds cannot be shown.
    left_out: bool,
    /// Whether the block holds thoughts.
    thinks: bool,
    /// How many blocks the client has seen, the open one included.
    blocks: usize,
    calls_tools: bool,
    refuses: bool,
    usage: Usage,
    losses: Losses,
    scratch: Vec<u8>,
}

impl Frames {
    fn start(&mut self, out: &mut Vec<u8>) {
        if self.state == State::Waiting {
            self.state = State::Open;
            self.write("messageStart", &MessageStartOut { role: "assistant" }, out);
        }
    }

    fn block_event(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::BlockStart { block, .. } => self.block_start(block, out),
            Event::Delta { delta, .. } if !self.left_out => self.delta(delta, out),
            Event::BlockEnd { .. } if self.shown => {
                let content_block_index = self.index();
                self.write("contentBlockStop", &BlockStopOut { content_block_index }, out);
            }
            _ => {}
        }
    }

    /// Only tools have a start; what else there is begins with its first delta.
    fn block_start(&mut self, block: &Block, out: &mut Vec<u8>) {
        (self.shown, self.left_out, self.thinks) = (false, false, false);
        match block {
            Block::Text => {}
            Block::Thinking => self.thinks = true,
            Block::Refusal => self.refuses = true,
            Block::RedactedThinking(proof) => {
                let data = sealed::write(proof);
                self.block_delta(DeltaOut::ReasoningContent(ReasoningOut::RedactedContent(data)), out);
            }
            Block::ToolCall { id, name, .. } => {
                self.calls_tools = true;
                self.show();
                let content_block_index = self.index();
                let start = StartOut { tool_use: ToolUseOut { tool_use_id: id, name } };
                self.write("contentBlockStart", &BlockStartOut { start, content_block_index }, out);
            }
            Block::Opaque { kind, .. } => {
                self.left_out = true;
                self.losses.add(Loss::dropped(format!("content.{kind}")));
            }
        }
    }

    fn delta(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        let delta = match delta {
            Delta::Text(text) | Delta::Refusal(text) => DeltaOut::Text(text),
            Delta::Thinking(text) => DeltaOut::ReasoningContent(ReasoningOut::Text(text)),
            // Texts have no proof here.
            Delta::Proof(_) if !self.thinks => return,
            Delta::Proof(proof) => DeltaOut::ReasoningContent(ReasoningOut::Signature(&proof.data)),
            Delta::Arguments(input) => DeltaOut::ToolUse(InputOut { input }),
            Delta::Citation(citation) => match citation_out(citation) {
                Some(citation) => DeltaOut::Citation(citation),
                None => return self.losses.dropped("content.citations"),
            },
        };
        self.block_delta(delta, out);
    }

    fn block_delta(&mut self, delta: DeltaOut<'_>, out: &mut Vec<u8>) {
        self.show();
        let content_block_index = self.index();
        self.write("contentBlockDelta", &BlockDeltaOut { delta, content_block_index }, out);
    }

    fn show(&mut self) {
        if !self.shown {
            self.shown = true;
            self.blocks += 1;
        }
    }

    fn index(&self) -> usize {
        self.blocks.saturating_sub(1)
    }

    fn end(&mut self, stop: &Stop, out: &mut Vec<u8>) {
        self.state = State::Ended;
        let reason = stop.reason.clone().given(self.calls_tools);
        self.write("messageStop", &StopOut::new(stop, reason, self.refuses), out);
        let metadata = MetadataOut { usage: UsageOut::new(&self.usage), metrics: MetricsOut::default() };
        self.write("metadata", &metadata, out);
    }

    fn error(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        self.state = State::Ended;
        self.write(exception(error), &ErrorOut { message: &error.message }, out);
    }

    fn write(&mut self, name: &str, event: &impl Serialize, out: &mut Vec<u8>) {
        self.scratch.clear();
        json::write(&mut self.scratch, event);
        write_frame(out, Some(name), &self.scratch);
    }
}

/// The exception for an error, which clients choose their retries by.
fn exception(error: &UpstreamError) -> &'static str {
    converse_exception(kind_of(error).unwrap_or(FaultKind::UpstreamFailed))
}

#[derive(Serialize)]
struct MessageStartOut {
    role: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlockStartOut<'a> {
    start: StartOut<'a>,
    content_block_index: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StartOut<'a> {
    tool_use: ToolUseOut<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolUseOut<'a> {
    tool_use_id: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlockDeltaOut<'a> {
    delta: DeltaOut<'a>,
    content_block_index: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum DeltaOut<'a> {
    Text(&'a str),
    ToolUse(InputOut<'a>),
    ReasoningContent(ReasoningOut<'a>),
    Citation(CitationOut<'a>),
}

#[derive(Serialize)]
struct InputOut<'a> {
    input: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum ReasoningOut<'a> {
    Text(&'a str),
    Signature(&'a str),
    RedactedContent(Cow<'a, str>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlockStopOut {
    content_block_index: usize,
}

#[derive(Serialize)]
struct MetadataOut {
    usage: UsageOut,
    metrics: MetricsOut,
}

#[derive(Serialize)]
struct ErrorOut<'a> {
    message: &'a str,
}
