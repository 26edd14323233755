//! Neutral events to frames.

use posthaste_core::{Dialect, FaultKind, Usage};
use posthaste_wire::{UpstreamError, fault};
use serde_json::value::RawValue;

use super::{
    items::{Item, Kind, Open, Said, done},
    wire::{ErrorBody, ErrorOut, FailureOut, ItemBody, Pen, ResponseBody},
};
use crate::{
    EventEncoder, Loss, StreamContext,
    failure::kind_of,
    ir::{Block, Delta, Event, Proof, Stop},
    loss::Losses,
    openai_responses::{
        item::{ItemOut, Kept, item_id},
        response::{Echo, End, ResponseOut, ToolUsageOut, UsageOut, explanation},
    },
};

/// Writes the stream of an answer.
///
/// The last events of a part, of an item and of the answer repeat all that was said, so the answer is held, once; what is
/// held grows with it and with nothing else.
#[derive(Debug)]
pub(in crate::openai_responses) struct Encoder {
    state: State,
    /// What the ids are made from.
    seed: String,
    id: String,
    model: String,
    created: i64,
    items: Vec<Item>,
    calls_tools: bool,
    refuses: bool,
    stop: Option<Stop>,
    usage: Usage,
    losses: Losses,
    pen: Pen,
}

/// How far the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is written.
    Waiting,
    /// `response.created` is written.
    Open,
    /// The last event is written.
    Ended,
}

impl Encoder {
    pub(in crate::openai_responses) fn new(context: &StreamContext) -> Self {
        let seed = context.id.simple().to_string();
        Self {
            state: State::Waiting,
            id: format!("resp_{seed}"),
            seed,
            model: context.model.as_str().to_owned(),
            created: context.created.as_secs(),
            items: Vec::new(),
            calls_tools: false,
            refuses: false,
            stop: None,
            usage: Usage::default(),
            losses: Losses::default(),
            pen: Pen::default(),
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
            Event::Finish(stop) => self.stop = Some(stop.clone()),
            Event::Ping => out.extend_from_slice(b": ping\n\n"),
            Event::Error(error) => self.error(error, out),
            Event::Lost(loss) => self.losses.add(loss.clone()),
            Event::Done => self.end(out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.state != State::Ended {
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
        // Apart from the rest, which the body borrows.
        let mut pen = std::mem::take(&mut self.pen);
        let body = ResponseBody { response: self.response("in_progress", (), None) };
        pen.write("response.created", &body, out);
        pen.write("response.in_progress", &body, out);
        self.pen = pen;
    }

    fn block_start(&mut self, index: usize, block: &Block, out: &mut Vec<u8>) {
        self.start(out);
        match block {
            Block::Text => self.say(Said::Text, index, out),
            Block::Refusal => {
                self.refuses = true;
                self.say(Said::Refusal, index, out);
            }
            Block::Thinking => self.begin("rs", Kind::Reasoning, index, out),
            Block::RedactedThinking(proof) => self.redacted(proof, out),
            Block::ToolCall { id, name, free_text, .. } => {
                self.calls_tools = true;
                let kind = Kind::Call { call_id: id.clone(), name: name.clone(), free_text: *free_text };
                self.begin(if *free_text { "ctc" } else { "fc" }, kind, index, out);
            }
            Block::Opaque { kind, .. } => self.losses.add(Loss::dropped(format!("content.{kind}"))),
        }
    }

    /// Texts in a row are parts of one message.
    fn say(&mut self, said: Said, index: usize, out: &mut Vec<u8>) {
        let position = self.items.len().wrapping_sub(1);
        match self.items.last_mut() {
            Some(Item::Open(open)) if open.is_idle() => open.go_on(said, index, position, &mut self.pen, out),
            _ => self.begin("msg", Kind::Message(said), index, out),
        }
    }

    fn begin(&mut self, prefix: &str, kind: Kind, index: usize, out: &mut Vec<u8>) {
        self.close_idle(out);
        let position = self.items.len();
        let id = item_id(prefix, &self.seed, position);
        self.items.push(Item::Open(Open::begin(id, kind, index, position, &mut self.pen, out)));
    }

    fn redacted(&mut self, proof: &Proof, out: &mut Vec<u8>) {
        self.close_idle(out);
        let position = self.items.len();
        let id = proof.item.clone().unwrap_or_else(|| item_id("rs", &self.seed, position));
        let item = ItemOut::streamed_reasoning(&id, "", None);
        self.pen.write("response.output_item.added", &ItemBody { output_index: position, item }, out);
        let item = ItemOut::streamed_reasoning(&id, "", Some(&proof.data));
        self.items.push(Item::Done(done(item, position, &mut self.pen, out)));
    }

    /// Ends the messages that nothing follows in.
    fn close_idle(&mut self, out: &mut Vec<u8>) {
        for (position, item) in self.items.iter_mut().enumerate() {
            if let Item::Open(open) = item
                && open.is_idle()
            {
                *item = Item::Done(open.end_message(position, &mut self.pen, out));
            }
        }
    }

    fn delta(&mut self, index: usize, delta: &Delta, out: &mut Vec<u8>) {
        // Of a block that was left out.
        let Some((position, open)) = holder(&mut self.items, index) else { return };
        match delta {
            Delta::Text(piece) | Delta::Refusal(piece) | Delta::Thinking(piece) | Delta::Arguments(piece) => {
                open.push(piece, position, &mut self.pen, out)
            }
            Delta::Proof(proof) => open.prove(&proof.data),
            Delta::Citation(citation) if citation.url.is_some() => open.cite(citation.clone()),
            Delta::Citation(_) => self.losses.dropped("content.citations"),
        }
    }

    fn block_end(&mut self, index: usize, out: &mut Vec<u8>) {
        let Some((position, open)) = holder(&mut self.items, index) else { return };
        if let Some(item) = open.end_block(position, &mut self.pen, out) {
            self.items[position] = Item::Done(item);
        }
    }

    /// The end, if a stop reason came; else nothing, since an end must not be made up.
    fn end(&mut self, out: &mut Vec<u8>) {
        let Some(stop) = self.stop.take() else { return };
        self.start(out);
        self.close_all(out);
        if let Some(explanation) = explanation(&stop, self.refuses) {
            self.say(Said::Refusal, EXPLANATION, out);
            self.delta(EXPLANATION, &Delta::Refusal(explanation.to_owned()), out);
            self.block_end(EXPLANATION, out);
        }
        self.close_idle(out);
        let reason = stop.reason.given(self.calls_tools);
        let end = End::new(&reason, &mut self.losses);
        let name =
            if end.incomplete_details.is_none() { "response.completed" } else { "response.incomplete" };
        self.last(name, &end, out);
    }

    /// Ends what an upstream left open.
    fn close_all(&mut self, out: &mut Vec<u8>) {
        for position in 0..self.items.len() {
            if let Item::Open(open) = &mut self.items[position]
                && !open.is_idle()
                && let Some(item) = open.end_block(position, &mut self.pen, out)
            {
                self.items[position] = Item::Done(item);
            }
        }
    }

    fn last(&mut self, name: &'static str, end: &End, out: &mut Vec<u8>) {
        self.state = State::Ended;
        let mut pen = std::mem::take(&mut self.pen);
        let mut response = self.response(end.status, (), Some(&self.usage));
        response.incomplete_details = end.incomplete_details;
        pen.write(name, &ResponseBody { response }, out);
    }

    /// The SDKs raise at the first event; Codex waits for the second.
    fn error(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        self.state = State::Ended;
        let mut pen = std::mem::take(&mut self.pen);
        let (kind, code) = error_kind(error);
        let message = error.message.as_str();
        let body = ErrorBody { code, message, param: (), error: ErrorOut { kind, code, message, param: () } };
        pen.write("error", &body, out);
        let response = self.response("failed", FailureOut { code, message }, None);
        pen.write("response.failed", &ResponseBody { response }, out);
    }

    /// The answer as far as it is.
    fn response<E>(
        &self,
        status: &'static str,
        error: E,
        usage: Option<&Usage>,
    ) -> ResponseOut<'_, E, Vec<&RawValue>> {
        ResponseOut {
            id: &self.id,
            object: "response",
            created_at: self.created,
            status,
            error,
            incomplete_details: None,
            model: &self.model,
            output: self.items.iter().filter_map(Item::finished).collect(),
            usage: usage.map(UsageOut::new),
            tool_usage: usage.and_then(ToolUsageOut::new),
            service_tier: None,
            echo: Echo { said: Kept::NONE },
            extra: Kept::NONE,
        }
    }
}

/// No neutral block has this number.
const EXPLANATION: usize = usize::MAX;

/// The item that a neutral block is written into, and its place.
fn holder(items: &mut [Item], block: usize) -> Option<(usize, &mut Open)> {
    items.iter_mut().enumerate().rev().find_map(|(position, item)| match item {
        Item::Open(open) if open.holds(block) => Some((position, open)),
        _ => None,
    })
}

/// OpenAI's type and code for an error, which clients choose their retries by: Codex asks again unless it knows the code.
fn error_kind(error: &UpstreamError) -> (&str, &str) {
    let code = error.code.as_deref().filter(|code| code.parse::<u16>().is_err());
    match kind_of(error) {
        // What is wrong with a request is told by codes of the vendor's own.
        Some(FaultKind::InvalidRequest) => ("invalid_request_error", code.unwrap_or("invalid_prompt")),
        Some(kind) => {
            let words = fault::words(Dialect::OpenAiResponses, kind);
            (words.kind, words.code.unwrap_or(words.kind))
        }
        None if error.kind == "error" => ("server_error", code.unwrap_or("server_error")),
        None => (&error.kind, code.unwrap_or(&error.kind)),
    }
}
