//! The items of a stream that is written: what their last events repeat of them.

use serde_json::value::{RawValue, to_raw_value};

use super::wire::{
    AnnotationBody, CallBody, CallPieceBody, ItemBody, PartBody, Pen, PieceBody, Place, SummaryBody,
    SummaryPartBody, WholeBody,
};
use crate::{
    ir::{Arguments, Citation},
    openai_responses::{
        item::{AnnotationOut, ItemOut, Kept, PartOut, SummaryOut},
        split_name,
    },
};

/// An item that has begun.
#[derive(Debug)]
pub(super) enum Item {
    /// It goes on.
    Open(Open),
    /// It is at its end: as the last event repeats it.
    Done(Box<RawValue>),
}

impl Item {
    /// The item, if it is at its end.
    pub(super) fn finished(&self) -> Option<&RawValue> {
        match self {
            Self::Done(item) => Some(item),
            Self::Open(_) => None,
        }
    }
}

/// An item that goes on. Its text is held once: as it comes, then as the finished part or item.
#[derive(Debug)]
pub(super) struct Open {
    id: String,
    kind: Kind,
    /// The neutral block that is written into it; none between the parts of a message.
    block: Option<usize>,
    /// The text of that block.
    text: String,
    citations: Vec<Citation>,
    /// The proof of thoughts.
    proof: Option<String>,
    /// The finished parts of a message.
    parts: Vec<Box<RawValue>>,
}

/// The kind of an item.
#[derive(Debug)]
pub(super) enum Kind {
    Message(Said),
    Reasoning,
    Call { call_id: String, name: String, free_text: bool },
}

/// What the open part of a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Text,
    Refusal,
}

impl Open {
    /// Begins an item.
    pub(super) fn begin(
        id: String,
        kind: Kind,
        block: usize,
        position: usize,
        pen: &mut Pen,
        out: &mut Vec<u8>,
    ) -> Self {
        let open = Self {
            id,
            kind,
            block: Some(block),
            text: String::new(),
            citations: Vec::new(),
            proof: None,
            parts: Vec::new(),
        };
        let item = match &open.kind {
            Kind::Message(_) => ItemOut::streamed_message(&open.id, IN_PROGRESS, Vec::new()),
            Kind::Reasoning => ItemOut::streamed_reasoning(&open.id, "", None),
            Kind::Call { call_id, name, free_text } => {
                ItemOut::streamed_call(&open.id, IN_PROGRESS, call_id, name, *free_text, "")
            }
        };
        pen.write("response.output_item.added", &ItemBody { output_index: position, item }, out);
        if matches!(open.kind, Kind::Message(_)) {
            open.part_added(position, pen, out);
        }
        open
    }

    /// Whether a neutral block is written into it now.
    pub(super) fn holds(&self, block: usize) -> bool {
        self.block == Some(block)
    }

    /// Whether it is a message between two parts.
    pub(super) const fn is_idle(&self) -> bool {
        self.block.is_none()
    }

    /// Begins another part of a message.
    pub(super) fn go_on(
        &mut self,
        said: Said,
        block: usize,
        position: usize,
        pen: &mut Pen,
        out: &mut Vec<u8>,
    ) {
        self.kind = Kind::Message(said);
        self.block = Some(block);
        self.part_added(position, pen, out);
    }

    fn place(&self, output_index: usize) -> Place<'_> {
        Place { item_id: &self.id, output_index }
    }

    fn part_added(&self, position: usize, pen: &mut Pen, out: &mut Vec<u8>) {
        let part = self.part(Vec::new());
        let body = PartBody { place: self.place(position), content_index: self.parts.len(), part };
        pen.write("response.content_part.added", &body, out);
    }

    /// The open part of a message, as far as it is.
    fn part<'a>(&'a self, annotations: Vec<AnnotationOut<'a>>) -> PartOut<'a> {
        match self.kind {
            Kind::Message(Said::Refusal) => PartOut::refusal(&self.text),
            _ => PartOut::output_text(&self.text, annotations, true, Kept::NONE),
        }
    }

    /// Takes a piece of what the block holds.
    pub(super) fn push(&mut self, piece: &str, position: usize, pen: &mut Pen, out: &mut Vec<u8>) {
        let place = Place { item_id: &self.id, output_index: position };
        match self.kind {
            Kind::Message(said) => {
                let logprobs = (said == Said::Text).then_some([]);
                let body = PieceBody { place, content_index: self.parts.len(), delta: piece, logprobs };
                let name = match said {
                    Said::Text => "response.output_text.delta",
                    Said::Refusal => "response.refusal.delta",
                };
                pen.write(name, &body, out);
            }
            Kind::Reasoning => {
                if self.text.is_empty() {
                    let part = SummaryOut::SummaryText { text: "" };
                    let body = SummaryPartBody { place, summary_index: 0, part };
                    pen.write("response.reasoning_summary_part.added", &body, out);
                }
                let body = SummaryBody { place, summary_index: 0, delta: Some(piece), text: None };
                pen.write("response.reasoning_summary_text.delta", &body, out);
            }
            Kind::Call { free_text, .. } => {
                let name = if free_text {
                    "response.custom_tool_call_input.delta"
                } else {
                    "response.function_call_arguments.delta"
                };
                pen.write(name, &CallPieceBody { place, delta: piece }, out);
            }
        }
        self.text.push_str(piece);
    }

    /// Takes a source of the text, whose place in it is known at its end only.
    pub(super) fn cite(&mut self, citation: Citation) {
        self.citations.push(citation);
    }

    /// Takes the proof of the thoughts; that of anything else has no place here.
    pub(super) fn prove(&mut self, proof: &str) {
        if matches!(self.kind, Kind::Reasoning) {
            self.proof = Some(proof.to_owned());
        }
    }

    /// Ends the block. A message waits whether another part follows; any other item is done, and given.
    pub(super) fn end_block(
        &mut self,
        position: usize,
        pen: &mut Pen,
        out: &mut Vec<u8>,
    ) -> Option<Box<RawValue>> {
        match &self.kind {
            Kind::Message(said) => {
                self.end_part(*said, position, pen, out);
                self.block = None;
                self.text.clear();
                self.citations.clear();
                None
            }
            Kind::Reasoning => {
                self.end_summary(position, pen, out);
                let item = ItemOut::streamed_reasoning(&self.id, &self.text, self.proof.as_deref());
                Some(done(item, position, pen, out))
            }
            Kind::Call { free_text, .. } => {
                if self.text.is_empty() && !free_text {
                    // Clients parse the arguments.
                    self.push("{}", position, pen, out);
                }
                self.end_call(position, pen, out)
            }
        }
    }

    fn end_part(&mut self, said: Said, position: usize, pen: &mut Pen, out: &mut Vec<u8>) {
        let (place, content_index) = (self.place(position), self.parts.len());
        let characters = if self.citations.is_empty() { 0 } else { self.text.chars().count() };
        let told = |citation| AnnotationOut::new(citation, false, characters);
        let annotations: Vec<_> = self.citations.iter().filter_map(told).collect();
        for (annotation_index, annotation) in annotations.iter().enumerate() {
            let body = AnnotationBody { place, content_index, annotation_index, annotation };
            pen.write("response.output_text.annotation.added", &body, out);
        }
        let (text, refusal) = (Some(self.text.as_str()), None);
        let (name, text, refusal, logprobs) = match said {
            Said::Text => ("response.output_text.done", text, refusal, Some([])),
            Said::Refusal => ("response.refusal.done", refusal, text, None),
        };
        pen.write(name, &WholeBody { place, content_index, text, refusal, logprobs }, out);
        let part = to_raw_value(&self.part(annotations)).expect("wire types have string keys");
        let body = PartBody { place, content_index, part: PartOut::Raw(&part) };
        pen.write("response.content_part.done", &body, out);
        self.parts.push(part);
    }

    /// Thoughts without a readable text have no part that could end.
    fn end_summary(&self, position: usize, pen: &mut Pen, out: &mut Vec<u8>) {
        if self.text.is_empty() {
            return;
        }
        let (place, text) = (self.place(position), self.text.as_str());
        let body = SummaryBody { place, summary_index: 0, delta: None, text: Some(text) };
        pen.write("response.reasoning_summary_text.done", &body, out);
        let part = SummaryOut::SummaryText { text };
        pen.write(
            "response.reasoning_summary_part.done",
            &SummaryPartBody { place, summary_index: 0, part },
            out,
        );
    }

    fn end_call(&self, position: usize, pen: &mut Pen, out: &mut Vec<u8>) -> Option<Box<RawValue>> {
        let Kind::Call { call_id, name, free_text } = &self.kind else { return None };
        let (place, text) = (self.place(position), self.text.as_str());
        let whole = *free_text || Arguments::new(text).is_object();
        if *free_text {
            let body = CallBody { place, name: None, arguments: None, input: Some(text) };
            pen.write("response.custom_tool_call_input.done", &body, out);
        } else {
            let body = CallBody { place, name: Some(split_name(name).1), arguments: Some(text), input: None };
            pen.write("response.function_call_arguments.done", &body, out);
        }
        // What the cap cut is told as such, for there is no other sign of it.
        let status = if whole { COMPLETED } else { "incomplete" };
        Some(done(
            ItemOut::streamed_call(&self.id, status, call_id, name, *free_text, text),
            position,
            pen,
            out,
        ))
    }

    /// Ends a message.
    pub(super) fn end_message(&self, position: usize, pen: &mut Pen, out: &mut Vec<u8>) -> Box<RawValue> {
        let content = self.parts.iter().map(|part| PartOut::Raw(part)).collect();
        done(ItemOut::streamed_message(&self.id, COMPLETED, content), position, pen, out)
    }
}

/// Ends an item, and gives it as the last event repeats it.
pub(super) fn done(item: ItemOut<'_>, position: usize, pen: &mut Pen, out: &mut Vec<u8>) -> Box<RawValue> {
    let item = to_raw_value(&item).expect("wire types have string keys");
    let body = ItemBody { output_index: position, item: ItemOut::Raw(&item) };
    pen.write("response.output_item.done", &body, out);
    item
}

const IN_PROGRESS: &str = "in_progress";
const COMPLETED: &str = "completed";
