//! Neutral events to frames.

use posthaste_core::{Dialect, FaultKind, Usage};
use posthaste_wire::{UpstreamError, fault, write_frame};
use serde::Serialize;

use crate::{
    EventEncoder, Loss, StreamContext,
    failure::kind_of,
    ir::{Block, Citation, Delta, Event, Stop},
    json,
    loss::Losses,
    openai_chat::{
        citation::AnnotationOut,
        response::{ONE_CALL, UsageOut, finish_reason},
    },
};

/// Writes the stream of an answer.
///
/// All chunks begin alike, so that beginning is made once and copied.
#[derive(Debug)]
pub(in crate::openai_chat) struct Encoder {
    state: State,
    include_usage: bool,
    /// Whether the client knows one call, in the older form.
    old_functions: bool,
    /// A chunk up to its choices.
    head: Vec<u8>,
    /// The tool calls, in the order of their own index.
    calls: Vec<Call>,
    /// Characters of text so far, which the places of sources are counted in.
    written: usize,
    /// Where the last block of text began.
    text_began: usize,
    /// Sources of that block: their place is known at its end.
    citations: Vec<Citation>,
    refuses: bool,
    usage: Usage,
    losses: Losses,
    scratch: Vec<u8>,
}

/// A tool call that was begun.
#[derive(Debug)]
struct Call {
    /// Its neutral number.
    block: usize,
    /// Whether it has arguments yet.
    has_arguments: bool,
    /// Whether it is one of a free-text tool.
    free_text: bool,
}

/// How far the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is written.
    Waiting,
    /// The role is written.
    Open,
    /// The finish reason is written.
    Stopped,
    /// `[DONE]` or an error is written.
    Ended,
}

impl Encoder {
    pub(in crate::openai_chat) fn new(context: &StreamContext) -> Self {
        let mut head = Vec::with_capacity(160);
        let id = format!("chatcmpl-{}", context.id.simple());
        json::write(
            &mut head,
            &HeadOut {
                id: &id,
                object: "chat.completion.chunk",
                created: context.created.as_secs(),
                model: context.model.as_str(),
            },
        );
        // The object goes on with its choices.
        head.pop();
        Self {
            state: State::Waiting,
            include_usage: context.include_usage,
            old_functions: context.old_functions,
            head,
            calls: Vec::new(),
            written: 0,
            text_began: 0,
            citations: Vec::new(),
            refuses: false,
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
            Event::BlockStart { index, block } => self.block_start(*index, block, out),
            Event::Delta { index, delta } => self.delta(*index, delta, out),
            Event::BlockEnd { index } => self.block_end(*index, out),
            Event::Usage(usage) => self.usage = *usage,
            Event::Finish(stop) => self.stop(stop, out),
            Event::Ping => out.extend_from_slice(b": ping\n\n"),
            Event::Error(error) => self.error(error, out),
            Event::Lost(loss) => self.losses.add(loss.clone()),
            Event::Done => self.end(out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.end(out);
    }

    fn losses(&self) -> &[Loss] {
        self.losses.as_slice()
    }
}

impl Encoder {
    fn start(&mut self, out: &mut Vec<u8>) {
        if self.state == State::Waiting {
            self.state = State::Open;
            let delta = DeltaOut { role: Some("assistant"), content: Some(""), ..DeltaOut::default() };
            self.chunk(&delta, None, out);
        }
    }

    fn block_start(&mut self, index: usize, block: &Block, out: &mut Vec<u8>) {
        match block {
            Block::Text => self.text_began = self.written,
            Block::Thinking => {}
            Block::Refusal => self.refuses = true,
            // Has no place here; the relay remembers it.
            Block::RedactedThinking(_) => {}
            Block::Opaque { kind, .. } => self.losses.add(Loss::dropped(format!("content.{kind}"))),
            Block::ToolCall { id, name, free_text, .. } => {
                self.start(out);
                self.calls.push(Call { block: index, has_arguments: false, free_text: *free_text });
                self.call(self.calls.len() - 1, Some((id, name)), "", out);
            }
        }
    }

    /// A piece of a call; id and name stand in the first.
    fn call(&mut self, index: usize, named: Option<(&str, &str)>, text: &str, out: &mut Vec<u8>) {
        let (id, name) = named.unzip();
        let empty = DeltaOut::default();
        let delta = if !self.old_functions {
            let call = ToolCallOut::new(index, self.calls[index].free_text, id, name, text);
            DeltaOut { tool_calls: Some([call]), ..empty }
        } else if index == 0 {
            DeltaOut { function_call: Some(FunctionOut { name, arguments: text }), ..empty }
        } else {
            return self.losses.degraded("content.tool_calls", ONE_CALL);
        };
        self.chunk(&delta, None, out);
    }

    /// Clients parse the arguments: a function's call without any gets an empty object.
    fn block_end(&mut self, index: usize, out: &mut Vec<u8>) {
        let is_bare = |call: &Call| call.block == index && !call.has_arguments && !call.free_text;
        if self.calls.iter().any(is_bare) {
            self.delta(index, &Delta::Arguments("{}".to_owned()), out);
        }
        self.cite(out);
    }

    /// The sources of the text that ended.
    fn cite(&mut self, out: &mut Vec<u8>) {
        let citations = std::mem::take(&mut self.citations);
        let place = (self.text_began, self.written);
        let annotations: Vec<_> =
            citations.iter().filter_map(|citation| AnnotationOut::new(citation, place)).collect();
        self.losses.dropped_if(annotations.len() < citations.len(), "content.citations");
        if !annotations.is_empty() {
            self.chunk(&DeltaOut { annotations, ..DeltaOut::default() }, None, out);
        }
    }

    fn delta(&mut self, index: usize, delta: &Delta, out: &mut Vec<u8>) {
        self.start(out);
        let empty = DeltaOut::default();
        let delta = match delta {
            Delta::Text(text) => {
                self.written += text.chars().count();
                return self.prose("content", text, out);
            }
            Delta::Thinking(text) => return self.prose("reasoning_content", text, out),
            Delta::Refusal(text) => DeltaOut { refusal: Some(text), ..empty },
            Delta::Arguments(arguments) => {
                // Of a block that was left out.
                let Some(index) = self.calls.iter().rposition(|call| call.block == index) else { return };
                self.calls[index].has_arguments = true;
                return self.call(index, None, arguments, out);
            }
            // Has no place here; the relay remembers it.
            Delta::Proof(_) => return,
            Delta::Citation(citation) => return self.citations.push(citation.clone()),
        };
        self.chunk(&delta, None, out);
    }

    fn stop(&mut self, stop: &Stop, out: &mut Vec<u8>) {
        if self.state == State::Stopped {
            return;
        }
        self.start(out);
        self.cite(out);
        if let Some(explanation) = stop.explanation.as_deref().filter(|_| !self.refuses) {
            self.chunk(&DeltaOut { refusal: Some(explanation), ..DeltaOut::default() }, None, out);
        }
        let reason = stop.reason.clone().given(!self.calls.is_empty());
        let reason = finish_reason(&reason, self.old_functions, &mut self.losses);
        self.chunk(&DeltaOut::default(), Some(reason), out);
        self.state = State::Stopped;
    }

    /// The end, if a finish reason came; else nothing, since an end must not be made up.
    fn end(&mut self, out: &mut Vec<u8>) {
        if self.state != State::Stopped {
            return;
        }
        if self.include_usage {
            self.usage_chunk(out);
        }
        self.state = State::Ended;
        write_frame(out, None, b"[DONE]");
    }

    /// A chunk that brings text alone, as nearly all do.
    fn prose(&mut self, field: &str, text: &str, out: &mut Vec<u8>) {
        self.scratch.clear();
        self.scratch.extend_from_slice(&self.head);
        for piece in [",\"choices\":[{\"index\":0,\"delta\":{\"", field, "\":"] {
            self.scratch.extend_from_slice(piece.as_bytes());
        }
        json::write(&mut self.scratch, &text);
        self.scratch.extend_from_slice(b"},\"logprobs\":null,\"finish_reason\":null}]");
        self.end_chunk(out);
    }

    fn chunk(&mut self, delta: &DeltaOut<'_>, finish_reason: Option<&'static str>, out: &mut Vec<u8>) {
        self.scratch.clear();
        self.scratch.extend_from_slice(&self.head);
        self.scratch.extend_from_slice(b",\"choices\":");
        json::write(&mut self.scratch, &[ChoiceOut { index: 0, delta, logprobs: (), finish_reason }]);
        self.end_chunk(out);
    }

    fn end_chunk(&mut self, out: &mut Vec<u8>) {
        let tail: &[u8] = if self.include_usage { b",\"usage\":null}" } else { b"}" };
        self.scratch.extend_from_slice(tail);
        write_frame(out, None, &self.scratch);
    }

    fn usage_chunk(&mut self, out: &mut Vec<u8>) {
        self.scratch.clear();
        self.scratch.extend_from_slice(&self.head);
        self.scratch.extend_from_slice(b",\"choices\":[],\"usage\":");
        json::write(&mut self.scratch, &UsageOut::new(&self.usage));
        self.scratch.push(b'}');
        write_frame(out, None, &self.scratch);
    }

    /// Clients tell a failed stream from a whole one by the missing `[DONE]`.
    fn error(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        self.state = State::Ended;
        let (kind, code) = error_kind(error);
        let error = ErrorOut { message: &error.message, kind, param: (), code };
        self.scratch.clear();
        json::write(&mut self.scratch, &FailureOut { error });
        write_frame(out, None, &self.scratch);
    }
}

/// OpenAI's type and code for an error, which clients choose their retries by.
fn error_kind(error: &UpstreamError) -> (&str, Option<&str>) {
    let code = error.code.as_deref();
    match kind_of(error) {
        // What is wrong with a request is told by codes of the vendor's own.
        Some(FaultKind::InvalidRequest) => {
            ("invalid_request_error", code.filter(|code| code.parse::<u16>().is_err()))
        }
        Some(kind) => {
            let words = fault::words(Dialect::OpenAiChat, kind);
            (words.kind, words.code)
        }
        None => (&error.kind, code),
    }
}

#[derive(Serialize)]
struct HeadOut<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
}

#[derive(Serialize)]
struct ChoiceOut<'a> {
    index: u32,
    delta: &'a DeltaOut<'a>,
    logprobs: (),
    finish_reason: Option<&'static str>,
}

#[derive(Default, Serialize)]
struct DeltaOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[ToolCallOut<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<FunctionOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<AnnotationOut<'a>>,
}

#[derive(Serialize)]
struct ToolCallOut<'a> {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(flatten)]
    tool: ToolOut<'a>,
}

/// A piece of what a function or a free-text tool is called with.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ToolOut<'a> {
    Function(FunctionOut<'a>),
    Custom(CustomOut<'a>),
}

impl<'a> ToolCallOut<'a> {
    fn new(index: usize, free_text: bool, id: Option<&'a str>, name: Option<&'a str>, text: &'a str) -> Self {
        let (kind, tool) = if free_text {
            ("custom", ToolOut::Custom(CustomOut { name, input: text }))
        } else {
            ("function", ToolOut::Function(FunctionOut { name, arguments: text }))
        };
        Self { index, id, kind: id.map(|_| kind), tool }
    }
}

#[derive(Serialize)]
struct FunctionOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

#[derive(Serialize)]
struct CustomOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    input: &'a str,
}

#[derive(Serialize)]
struct FailureOut<'a> {
    error: ErrorOut<'a>,
}

#[derive(Serialize)]
struct ErrorOut<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    param: (),
    code: Option<&'a str>,
}
