//! Frames to neutral events.

use posthaste_wire::{Frame, UpstreamError, read_error_frame, spoiled};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    EventDecoder, Loss, TranslateError,
    bedrock::{
        DIALECT,
        block::{citation, sealed},
        response::{stop, usage},
    },
    ir::{Block, Delta, Event, Json, Proof, Start},
    json::{self, Rest, Str, wire_object},
};

/// Reads the stream of an answer.
#[derive(Debug, Default)]
pub(in crate::bedrock) struct Decoder {
    state: State,
    open: Option<Open>,
}

/// How far the stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before `messageStart`.
    #[default]
    Waiting,
    /// Between `messageStart` and a stop reason.
    Open,
    /// The stop reason is known, `metadata` is not there yet.
    Stopped,
    /// `metadata` or an exception came: nothing that follows counts.
    Ended,
}

/// The block that goes on. Blocks follow each other, and most begin with their first delta.
#[derive(Debug)]
struct Open {
    index: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text,
    Thinking,
    /// Sealed thoughts so far, which the IR takes whole.
    Redacted(String),
    ToolCall,
    Opaque,
}

impl EventDecoder for Decoder {
    fn push(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<(), TranslateError> {
        if self.state == State::Ended {
            return Ok(());
        }
        let unreadable = |source| TranslateError::unreadable(DIALECT, source);
        let event: EventIn<'_> = json::read(frame.data).map_err(unreadable)?;
        match frame.event.unwrap_or("message") {
            "contentBlockDelta" => self.delta(event, out),
            "contentBlockStart" => self.block_start(event, out),
            "contentBlockStop" => {
                if self.open.as_ref().is_some_and(|open| Some(open.index) == event.index) {
                    self.close(out);
                }
            }
            "messageStart" => self.start(out),
            "messageStop" => self.message_stop(event, out),
            "metadata" => self.metadata(event, out),
            name => {
                if let Some(error) = read_error_frame(DIALECT, frame) {
                    self.fail(error, out);
                } else if name.ends_with("Exception") || name == "error" {
                    self.fail(UpstreamError::new(name, None, ""), out);
                } else {
                    out.push(Event::Lost(Loss::unknown(format!("event.{name}"))));
                }
            }
        }
        Ok(())
    }

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

/// Every event in one; `p` is padding against those who measure lengths.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventIn<'a> {
    #[serde(rename = "contentBlockIndex")]
    index: Option<usize>,
    #[serde(borrow)]
    start: Option<StartIn<'a>>,
    #[serde(borrow)]
    delta: Option<DeltaIn<'a>>,
    #[serde(borrow)]
    stop_reason: Option<Str<'a>>,
    #[serde(borrow)]
    additional_model_response_fields: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    trace: Option<&'a RawValue>,
}

wire_object! {
    /// The union of what begins a block.
    struct StartIn<'a> {
        tool_use: Option<ToolUseIn<'a>> = "toolUse",
    }
}

wire_object! {
    struct ToolUseIn<'a> {
        id: Str<'a> = "toolUseId",
        name: Str<'a> = "name",
        kind: Option<Str<'a>> = "type",
    }
}

wire_object! {
    /// The union of what is added to a block.
    struct DeltaIn<'a> {
        text: Option<Str<'a>> = "text",
        tool_use: Option<InputIn<'a>> = "toolUse",
        reasoning: Option<ReasoningIn<'a>> = "reasoningContent",
        citation: Option<&'a RawValue> = "citation",
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct InputIn<'a> {
    #[serde(borrow)]
    input: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ReasoningIn<'a> {
    #[serde(borrow)]
    text: Option<Str<'a>>,
    #[serde(borrow)]
    signature: Option<Str<'a>>,
    #[serde(borrow)]
    redacted_content: Option<Str<'a>>,
}

impl Decoder {
    fn start(&mut self, out: &mut Vec<Event>) {
        if self.state == State::Waiting {
            self.state = State::Open;
            out.push(Event::Start(Start::default()));
        }
    }

    fn block_start(&mut self, event: EventIn<'_>, out: &mut Vec<Event>) {
        let (Some(index), Some(start)) = (event.index, event.start) else { return };
        let (kind, block) = match start.tool_use {
            Some(ToolUseIn { id, name, kind: None, .. }) => (Kind::ToolCall, call(id, name)),
            Some(ToolUseIn { id, name, kind: Some(kind), .. }) if &*kind == "tool_use" => {
                (Kind::ToolCall, call(id, name))
            }
            // One that the vendor runs itself.
            Some(ToolUseIn { kind, .. }) => (Kind::Opaque, opaque(kind.as_deref().unwrap_or_default())),
            None => (Kind::Opaque, opaque(&first_name(start.rest))),
        };
        self.begin(index, kind, block, out);
    }

    fn delta(&mut self, event: EventIn<'_>, out: &mut Vec<Event>) {
        let (Some(index), Some(delta)) = (event.index, event.delta) else { return };
        let DeltaIn { text, tool_use, reasoning, citation: source, rest } = delta;
        if let Some(text) = text {
            self.text(index, text, out);
        } else if let Some(InputIn { input }) = tool_use {
            self.arguments(index, input, out);
        } else if let Some(reasoning) = reasoning {
            self.reasoning(index, reasoning, out);
        } else if let Some(raw) = source {
            self.open_as(index, |kind| matches!(kind, Kind::Text), || (Kind::Text, Block::Text), out);
            out.push(Event::Delta { index, delta: Delta::Citation(citation(raw)) });
        } else if !self.is_open(index, |kind| matches!(kind, Kind::Opaque)) {
            out.push(Event::Lost(Loss::unknown(format!("event.contentBlockDelta.{}", first_name(rest)))));
        }
    }

    /// Guardrails send empty texts where they mask.
    fn text(&mut self, index: usize, text: Str<'_>, out: &mut Vec<Event>) {
        if !text.is_empty() {
            self.open_as(index, |kind| matches!(kind, Kind::Text), || (Kind::Text, Block::Text), out);
            out.push(Event::Delta { index, delta: Delta::Text(text.into_string()) });
        }
    }

    fn arguments(&mut self, index: usize, input: Str<'_>, out: &mut Vec<Event>) {
        if self.is_open(index, |kind| matches!(kind, Kind::ToolCall)) {
            if !input.is_empty() {
                out.push(Event::Delta { index, delta: Delta::Arguments(input.into_string()) });
            }
        } else if !self.is_open(index, |kind| matches!(kind, Kind::Opaque)) {
            // Without a start there is no name to call.
            out.push(Event::Lost(Loss::unknown("event.contentBlockDelta.toolUse")));
        }
    }

    fn reasoning(&mut self, index: usize, wire: ReasoningIn<'_>, out: &mut Vec<Event>) {
        if let Some(data) = wire.redacted_content {
            match &mut self.open {
                Some(Open { index: open, kind: Kind::Redacted(whole) }) if *open == index => {
                    *whole = sealed::joined(whole, &data);
                }
                _ => {
                    self.close(out);
                    self.open = Some(Open { index, kind: Kind::Redacted(data.into_string()) });
                }
            }
            return;
        }
        let text = wire.text.filter(|text| !text.is_empty()).map(|text| Delta::Thinking(text.into_string()));
        let signature = wire.signature.filter(|signature| !signature.is_empty());
        let proof = signature.map(|data| Delta::Proof(Proof::of(DIALECT, data.into_string())));
        for delta in text.into_iter().chain(proof) {
            let thinking = || (Kind::Thinking, Block::Thinking);
            self.open_as(index, |kind| matches!(kind, Kind::Thinking), thinking, out);
            out.push(Event::Delta { index, delta });
        }
    }

    fn is_open(&self, index: usize, is: impl Fn(&Kind) -> bool) -> bool {
        self.open.as_ref().is_some_and(|open| open.index == index && is(&open.kind))
    }

    /// Begins the block that a delta belongs to, unless it goes on.
    fn open_as(
        &mut self,
        index: usize,
        is: impl Fn(&Kind) -> bool,
        begun: impl FnOnce() -> (Kind, Block),
        out: &mut Vec<Event>,
    ) {
        if !self.is_open(index, is) {
            let (kind, block) = begun();
            self.begin(index, kind, block, out);
        }
    }

    fn begin(&mut self, index: usize, kind: Kind, block: Block, out: &mut Vec<Event>) {
        self.start(out);
        self.close(out);
        self.open = Some(Open { index, kind });
        out.push(Event::BlockStart { index, block });
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        let Some(Open { index, kind }) = self.open.take() else { return };
        if let Kind::Redacted(data) = kind {
            self.start(out);
            let block = Block::RedactedThinking(sealed::read(&data));
            out.push(Event::BlockStart { index, block });
        }
        out.push(Event::BlockEnd { index });
    }

    fn message_stop(&mut self, event: EventIn<'_>, out: &mut Vec<Event>) {
        if let Some(reason) = event.stop_reason {
            self.start(out);
            self.close(out);
            if let Some(error) = spoiled(DIALECT, &reason) {
                return self.fail(error, out);
            }
            self.state = State::Stopped;
            out.push(Event::Finish(stop(reason, event.additional_model_response_fields)));
        }
    }

    /// The last event. Before a stop reason it ends nothing: the stream is cut then, and
    /// [`finish`](EventDecoder::finish) says so.
    fn metadata(&mut self, event: EventIn<'_>, out: &mut Vec<Event>) {
        if let Some(raw) = event.usage {
            out.push(Event::Usage(usage(raw)));
        }
        if event.trace.is_some() {
            out.push(Event::Lost(Loss::dropped("trace")));
        }
        if self.state == State::Stopped {
            self.state = State::Ended;
            out.push(Event::Done);
        }
    }

    /// Other dialects know an exception by the status that it would have had before the stream began.
    fn fail(&mut self, mut error: UpstreamError, out: &mut Vec<Event>) {
        self.state = State::Ended;
        if error.code.is_none() {
            let status = STATUSES.iter().find(|(kind, _)| *kind == error.kind);
            error.code = status.map(|(_, status)| (*status).to_owned());
        }
        out.push(Event::Error(error));
    }
}

/// The exceptions whose status means more than that something failed (service model, `httpStatusCode`).
const STATUSES: [(&str, &str); 3] = [
    ("ThrottlingException", "429"),
    ("ServiceUnavailableException", "503"),
    ("ModelNotReadyException", "429"),
];

fn call(id: Str<'_>, name: Str<'_>) -> Block {
    Block::ToolCall { id: id.into_string(), name: name.into_string(), free_text: false, proof: None }
}

fn opaque(kind: &str) -> Block {
    let value = Json::parse("{}").expect("an empty object is JSON");
    Block::Opaque { kind: kind.to_owned(), value }
}

/// A union's name for what it holds.
fn first_name(rest: Rest<'_>) -> String {
    rest.into_iter().next().map_or_else(|| "block".to_owned(), |(name, _)| name.into_string())
}
