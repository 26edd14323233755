//! Neutral events to frames.

use std::borrow::Cow;

use posthaste_core::{Dialect, FaultKind, Usage};
use posthaste_wire::{UpstreamError, fault, write_frame};
use serde::Serialize;

use crate::{
    EventEncoder, Loss, StreamContext,
    failure::kind_of,
    gemini::{
        grounding::{MetadataOut, Offsets},
        part::PartOut,
        response::{UsageOut, finish_reason},
    },
    ir::{Arguments, Block, Citation, Delta, Event, Proof, Stop, StopReason, ToolCall},
    json,
    loss::Losses,
};

/// Writes the stream of an answer: each chunk is an answer with what is new, the last one tells why it ended and what it
/// cost.
#[derive(Debug)]
pub(in crate::gemini) struct Encoder {
    state: State,
    include_thoughts: bool,
    /// A chunk from behind its candidate, the same in all.
    tail: Vec<u8>,
    /// Calls whose arguments are on their way: they are told whole.
    calls: Vec<Call>,
    /// The block of text that is open: its number and the byte of all text at which it began.
    text: Option<(usize, usize)>,
    /// Where the characters of all text lie, in which citations give their places.
    offsets: Offsets,
    /// The signature of thoughts, on its way to the part that they led to.
    pending: Option<String>,
    grounding: MetadataOut,
    /// Citations of the open block: those without a place speak of all its text, which is not there yet.
    cited: Vec<Citation>,
    refuses: bool,
    stop: Option<Stop>,
    usage: Usage,
    losses: Losses,
    scratch: Vec<u8>,
}

#[derive(Debug)]
struct Call {
    /// Its neutral number.
    block: usize,
    id: String,
    name: String,
    arguments: String,
    proof: Option<String>,
}

impl Call {
    /// Whether its arguments are an object, or nothing at all.
    fn is_whole(&self) -> bool {
        Arguments::new(self.arguments.as_str()).is_object()
    }
}

/// How far the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The last chunk is not written.
    Open,
    /// The last chunk or an error is written.
    Ended,
}

impl Encoder {
    pub(in crate::gemini) fn new(context: &StreamContext) -> Self {
        let id = context.id.simple().to_string();
        let mut tail = Vec::with_capacity(128);
        json::write(&mut tail, &TailOut { model_version: context.model.as_str(), response_id: &id });
        // The object began with its candidate.
        tail[0] = b',';
        Self {
            state: State::Open,
            include_thoughts: context.include_thoughts,
            tail,
            calls: Vec::new(),
            text: None,
            offsets: Offsets::default(),
            pending: None,
            grounding: MetadataOut::default(),
            cited: Vec::new(),
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
            Event::Start(start) => self.usage = start.usage.unwrap_or_default(),
            Event::BlockStart { index, block } => self.block_start(*index, block, out),
            Event::Delta { index, delta } => self.delta(*index, delta, out),
            Event::BlockEnd { index } => self.block_end(*index, out),
            Event::Usage(usage) => self.usage = *usage,
            Event::Finish(stop) => self.stop = Some(stop.clone()),
            // Google's Python SDK fails on comments.
            Event::Ping => out.push(b'\n'),
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
    fn block_start(&mut self, index: usize, block: &Block, out: &mut Vec<u8>) {
        match block {
            Block::Text => self.text = Some((index, self.offsets.len())),
            Block::Refusal => self.refuses = true,
            Block::Thinking => {}
            Block::RedactedThinking(proof) => self.hold(proof, out),
            Block::ToolCall { id, name, proof, .. } => self.calls.push(Call {
                block: index,
                id: id.clone(),
                name: name.clone(),
                arguments: String::new(),
                proof: proof.as_ref().map(|proof| proof.data.clone()),
            }),
            Block::Opaque { kind, value } if is_own(kind) => {
                self.chunk(&PartOut::Raw(value.as_raw()), out);
            }
            Block::Opaque { kind, .. } => self.losses.add(Loss::dropped(format!("content.{kind}"))),
        }
    }

    fn delta(&mut self, index: usize, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Text(text) | Delta::Refusal(text) => self.text(text, out),
            Delta::Thinking(text) if self.include_thoughts => {
                self.chunk(&PartOut::thought(text, None), out);
            }
            Delta::Thinking(_) => {}
            // Of a text: it is the last that is said of it.
            Delta::Proof(proof) if self.text.is_some_and(|(open, _)| open == index) => {
                self.chunk(&signed("", &proof.data), out);
            }
            Delta::Proof(proof) => self.hold(proof, out),
            Delta::Arguments(piece) => {
                if let Some(call) = self.calls.iter_mut().rfind(|call| call.block == index) {
                    call.arguments.push_str(piece);
                }
            }
            Delta::Citation(citation) => self.cited.push(citation.clone()),
        }
    }

    fn text(&mut self, text: &str, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        self.offsets.push(text);
        match self.pending.take() {
            Some(signature) => self.chunk(&signed(text, &signature), out),
            None => self.chunk(&PartOut::text(text), out),
        }
    }

    /// Two signatures have two places: the first one gets an empty text of its own.
    fn hold(&mut self, proof: &Proof, out: &mut Vec<u8>) {
        if let Some(earlier) = self.pending.replace(proof.data.clone()) {
            self.chunk(&signed("", &earlier), out);
        }
    }

    fn block_end(&mut self, index: usize, out: &mut Vec<u8>) {
        if let Some((_, start)) = self.text.take_if(|(open, _)| *open == index) {
            self.cite(start);
        }
        // Why a call is not whole tells the stop reason, which comes later.
        if let Some(position) = self.calls.iter().rposition(|call| call.block == index && call.is_whole()) {
            let call = self.calls.remove(position);
            self.call(call, out);
        }
    }

    fn call(&mut self, call: Call, out: &mut Vec<u8>) {
        if call.proof.is_some()
            && let Some(earlier) = self.pending.take()
        {
            self.chunk(&signed("", &earlier), out);
        }
        let signature = call.proof.or_else(|| self.pending.take());
        let whole = ToolCall::new(call.id, call.name, Arguments::new(call.arguments));
        let id = Some(Cow::Borrowed(whole.id.as_str()));
        self.chunk(&PartOut::call(&whole, id, signature.as_deref()), out);
    }

    /// Places are those of all text, since clients join it.
    fn cite(&mut self, start: usize) {
        let whole = (start, self.offsets.len());
        for citation in std::mem::take(&mut self.cited) {
            let bytes = citation.span.and_then(|(from, to)| {
                let before = self.offsets.characters_before(start)?;
                let first = self.offsets.bytes_before(before.checked_add(from)?)?;
                Some((first, self.offsets.bytes_before(before.checked_add(to)?)?))
            });
            if !self.grounding.add(&citation, 0, bytes.unwrap_or(whole), "") {
                self.losses.dropped("content.citations");
            }
        }
    }

    /// The last chunk, if a stop reason came; else nothing, since an end must not be made up.
    fn end(&mut self, out: &mut Vec<u8>) {
        let Some(stop) = self.stop.take() else { return };
        self.state = State::Ended;
        for call in std::mem::take(&mut self.calls) {
            // Nobody could run a call that the cap cut in the middle.
            if stop.reason == StopReason::MaxTokens && !call.is_whole() {
                self.losses.degraded("content.tool_calls", "left out a call that the cap cut");
            } else {
                self.call(call, out);
            }
        }
        if let Some((_, start)) = self.text.take() {
            self.cite(start);
        }
        let pending = self.pending.take();
        let part = pending.as_deref().map_or_else(|| PartOut::text(""), |signature| signed("", signature));
        let grounding = std::mem::take(&mut self.grounding);
        let candidate = CandidateOut {
            content: ContentOut { parts: [&part], role: "model" },
            finish_reason: Some(finish_reason(&stop, self.refuses, &mut self.losses)),
            finish_message: stop.explanation.as_deref(),
            index: 0,
            grounding_metadata: Some(grounding).filter(|grounding| !grounding.is_empty()),
        };
        let usage = UsageOut::new(&self.usage, None);
        write_chunk(&mut self.scratch, &candidate, Some(&usage), &self.tail, out);
    }

    fn chunk(&mut self, part: &PartOut<'_>, out: &mut Vec<u8>) {
        let content = ContentOut { parts: [part], role: "model" };
        let candidate = CandidateOut {
            content,
            finish_reason: None,
            finish_message: None,
            index: 0,
            grounding_metadata: None,
        };
        write_chunk(&mut self.scratch, &candidate, None, &self.tail, out);
    }

    fn error(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        self.state = State::Ended;
        let (code, status) = error_kind(error);
        self.scratch.clear();
        json::write(
            &mut self.scratch,
            &FailureOut { error: ErrorOut { code, message: &error.message, status } },
        );
        write_frame(out, None, &self.scratch);
    }
}

fn write_chunk(
    scratch: &mut Vec<u8>,
    candidate: &CandidateOut<'_>,
    usage: Option<&UsageOut<'_>>,
    tail: &[u8],
    out: &mut Vec<u8>,
) {
    scratch.clear();
    scratch.extend_from_slice(b"{\"candidates\":[");
    json::write(scratch, candidate);
    scratch.push(b']');
    if let Some(usage) = usage {
        scratch.extend_from_slice(b",\"usageMetadata\":");
        json::write(scratch, usage);
    }
    scratch.extend_from_slice(tail);
    write_frame(out, None, scratch);
}

fn signed<'a>(text: &'a str, signature: &'a str) -> PartOut<'a> {
    let mut part = PartOut::text(text);
    part.sign(signature);
    part
}

/// Whether a block is one of this dialect: its reader names it after its field.
fn is_own(kind: &str) -> bool {
    matches!(kind, "executableCode" | "codeExecutionResult" | "inlineData" | "fileData")
}

/// Google's code and status for an error, which clients choose their retries by.
fn error_kind(error: &UpstreamError) -> (u16, &'static str) {
    let words = fault::words(Dialect::GeminiGenerate, kind_of(error).unwrap_or(FaultKind::Internal));
    (words.status, words.kind)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TailOut<'a> {
    model_version: &'a str,
    response_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CandidateOut<'a> {
    content: ContentOut<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_message: Option<&'a str>,
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    grounding_metadata: Option<MetadataOut>,
}

#[derive(Serialize)]
struct ContentOut<'a> {
    parts: [&'a PartOut<'a>; 1],
    role: &'static str,
}

#[derive(Serialize)]
struct FailureOut<'a> {
    error: ErrorOut<'a>,
}

#[derive(Serialize)]
struct ErrorOut<'a> {
    code: u16,
    message: &'a str,
    status: &'static str,
}
