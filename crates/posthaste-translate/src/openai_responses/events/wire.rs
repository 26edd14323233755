//! The events as they are written.

use posthaste_wire::write_frame;
use serde::Serialize;

use crate::{
    json,
    openai_responses::item::{AnnotationOut, ItemOut, PartOut, SummaryOut},
};

/// Writes events one after the other, and counts them.
#[derive(Debug, Default)]
pub(super) struct Pen {
    sequence_number: u64,
    scratch: Vec<u8>,
}

impl Pen {
    /// Appends an event of this name.
    pub(super) fn write(&mut self, name: &'static str, body: &impl Serialize, out: &mut Vec<u8>) {
        self.scratch.clear();
        json::write(&mut self.scratch, &EventOut { kind: name, sequence_number: self.sequence_number, body });
        self.sequence_number += 1;
        write_frame(out, Some(name), &self.scratch);
    }
}

#[derive(Serialize)]
struct EventOut<'a, B> {
    #[serde(rename = "type")]
    kind: &'static str,
    sequence_number: u64,
    #[serde(flatten)]
    body: &'a B,
}

/// Where something belongs to.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Place<'a> {
    pub(super) item_id: &'a str,
    pub(super) output_index: usize,
}

#[derive(Serialize)]
pub(super) struct ResponseBody<R> {
    pub(super) response: R,
}

#[derive(Serialize)]
pub(super) struct ItemBody<'a> {
    pub(super) output_index: usize,
    pub(super) item: ItemOut<'a>,
}

#[derive(Serialize)]
pub(super) struct PartBody<'a> {
    #[serde(flatten)]
    pub(super) place: Place<'a>,
    pub(super) content_index: usize,
    pub(super) part: PartOut<'a>,
}

/// A piece of a part: only texts have probabilities.
#[derive(Serialize)]
pub(super) struct PieceBody<'a> {
    #[serde(flatten)]
    pub(super) place: Place<'a>,
    pub(super) content_index: usize,
    pub(super) delta: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logprobs: Option<[(); 0]>,
}

/// A whole part.
#[derive(Serialize)]
pub(super) struct WholeBody<'a> {
    #[serde(flatten)]
    pub(super) place: Place<'a>,
    pub(super) content_index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logprobs: Option<[(); 0]>,
}

#[derive(Serialize)]
pub(super) struct AnnotationBody<'a> {
    #[serde(flatten)]
    pub(super) place: Place<'a>,
    pub(super) content_index: usize,
    pub(super) annotation_index: usize,
    pub(super) annotation: &'a AnnotationOut<'a>,
}

/// The one part that a summary has here.
#[derive(Serialize)]
pub(super) struct SummaryPartBody<'a> {
    #[serde(flatten)]
    pub(super) place: Place<'a>,
    pub(super) summary_index: usize,
    pub(super) part: SummaryOut<'a>,
}

#[derive(Serialize)]
pub(super) struct SummaryBody<'a> {
    #[serde(flatten)]
    pub(super) place: Place<'a>,
    pub(super) summary_index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delta: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct CallPieceBody<'a> {
    #[serde(flatten)]
    pub(super) place: Place<'a>,
    pub(super) delta: &'a str,
}

#[derive(Serialize)]
pub(super) struct CallBody<'a> {
    #[serde(flatten)]
    pub(super) place: Place<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arguments: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<&'a str>,
}

/// An error with its fields in both places where they are read: the SDKs' types have them at the top, and their streams
/// raise at `error`.
#[derive(Serialize)]
pub(super) struct ErrorBody<'a> {
    pub(super) code: &'a str,
    pub(super) message: &'a str,
    pub(super) param: (),
    pub(super) error: ErrorOut<'a>,
}

#[derive(Serialize)]
pub(super) struct ErrorOut<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    pub(super) code: &'a str,
    pub(super) message: &'a str,
    pub(super) param: (),
}

/// Why an answer failed.
#[derive(Serialize)]
pub(super) struct FailureOut<'a> {
    pub(super) code: &'a str,
    pub(super) message: &'a str,
}
