//! A response as a stream of events (<https://platform.openai.com/docs/api-reference/responses-streaming>).

use serde::Serialize;

use super::{
    Finished,
    output::Item,
    wire::{self, Part, Response},
};
use crate::{
    answer::Stream,
    brain::{slices, words},
    sse,
};

/// Every event, in order.
pub(super) fn render(finished: &Finished<'_>, stream: &mut Stream) {
    let mut writer = Writer { stream };
    writer.push("response.created", false, InResponse { response: Response::opening(finished) });
    writer.push("response.in_progress", false, InResponse { response: Response::opening(finished) });
    for (index, item) in finished.output.items.iter().enumerate() {
        let added = InOutput { output_index: index, item: wire::Item::opening(item) };
        writer.push("response.output_item.added", false, added);
        writer.item(index, item);
        let complete = finished.output.is_complete(index);
        let done = InOutput { output_index: index, item: wire::Item::whole(item, complete) };
        writer.push("response.output_item.done", false, done);
    }
    let end = if finished.status() == "completed" { "response.completed" } else { "response.incomplete" };
    writer.push(end, false, InResponse { response: Response::whole(finished) });
}

struct Writer<'s> {
    stream: &'s mut Stream,
}

impl Writer<'_> {
    fn push(&mut self, r#type: &'static str, is_delta: bool, body: impl Serialize) {
        let event = Event { r#type, sequence_number: self.stream.events.len(), body };
        let data = serde_json::to_string(&event).expect("an event becomes JSON");
        self.stream.push(sse::frame(r#type, &data), is_delta);
    }

    fn item(&mut self, output_index: usize, item: &Item) {
        match item {
            Item::Reasoning { id, summary, content, .. } => {
                let place = Place { item_id: id, output_index };
                if let Some(summary) = summary {
                    self.summary(place, summary);
                }
                if let Some(content) = content {
                    self.content(place, content, "response.reasoning_text", |text| Part::ReasoningText {
                        text,
                    });
                }
            }
            Item::Message { id, text, is_refusal: false } => {
                let place = Place { item_id: id, output_index };
                self.content(place, text, "response.output_text", |text| Part::of(text, false));
            }
            Item::Message { id, text, is_refusal: true } => {
                let place = Place { item_id: id, output_index };
                self.content(place, text, "response.refusal", |text| Part::of(text, true));
            }
            Item::Call { id, name, arguments, free_text, .. } => {
                self.call(Place { item_id: id, output_index }, name, arguments, *free_text);
            }
        }
    }

    fn summary(&mut self, place: Place<'_>, summary: &str) {
        let part =
            |text| InSummary { place, summary_index: 0, body: PartBody { part: Part::SummaryText { text } } };
        self.push("response.reasoning_summary_part.added", false, part(""));
        for delta in words(summary) {
            let delta = InSummary { place, summary_index: 0, body: DeltaBody { delta } };
            self.push("response.reasoning_summary_text.delta", true, delta);
        }
        let text = InSummary { place, summary_index: 0, body: TextBody { text: summary } };
        self.push("response.reasoning_summary_text.done", false, text);
        self.push("response.reasoning_summary_part.done", false, part(summary));
    }

    /// A part of an item, whose text comes in events that `kind` names.
    fn content(&mut self, place: Place<'_>, text: &str, kind: &str, part: fn(&str) -> Part<'_>) {
        let (delta_event, done_event) = match kind {
            "response.reasoning_text" => ("response.reasoning_text.delta", "response.reasoning_text.done"),
            "response.refusal" => ("response.refusal.delta", "response.refusal.done"),
            _ => ("response.output_text.delta", "response.output_text.done"),
        };
        let opening = InContent { place, content_index: 0, body: PartBody { part: part("") } };
        self.push("response.content_part.added", false, opening);
        for delta in words(text) {
            if kind == "response.output_text" {
                let body = TextDeltaBody { delta, logprobs: [] };
                self.push(delta_event, true, InContent { place, content_index: 0, body });
            } else {
                self.push(
                    delta_event,
                    true,
                    InContent { place, content_index: 0, body: DeltaBody { delta } },
                );
            }
        }
        match kind {
            "response.refusal" => {
                let body = RefusalBody { refusal: text };
                self.push(done_event, false, InContent { place, content_index: 0, body });
            }
            "response.reasoning_text" => {
                self.push(done_event, false, InContent { place, content_index: 0, body: TextBody { text } });
            }
            _ => {
                let body = TextDoneBody { text, logprobs: [] };
                self.push(done_event, false, InContent { place, content_index: 0, body });
            }
        }
        let done = InContent { place, content_index: 0, body: PartBody { part: part(text) } };
        self.push("response.content_part.done", false, done);
    }

    fn call(&mut self, place: Place<'_>, name: &str, arguments: &str, free_text: bool) {
        let delta_event = if free_text {
            "response.custom_tool_call_input.delta"
        } else {
            "response.function_call_arguments.delta"
        };
        for delta in slices(arguments) {
            self.push(delta_event, true, InItem { place, body: DeltaBody { delta } });
        }
        if free_text {
            let done = InItem { place, body: InputBody { input: arguments } };
            self.push("response.custom_tool_call_input.done", false, done);
        } else {
            let done = InItem { place, body: ArgumentsBody { name, arguments } };
            self.push("response.function_call_arguments.done", false, done);
        }
    }
}

#[derive(Serialize)]
struct Event<B> {
    r#type: &'static str,
    sequence_number: usize,
    #[serde(flatten)]
    body: B,
}

#[derive(Serialize)]
struct InResponse<'a> {
    response: Response<'a>,
}

#[derive(Serialize)]
struct InOutput<'a> {
    output_index: usize,
    item: wire::Item<'a>,
}

#[derive(Clone, Copy, Serialize)]
struct Place<'a> {
    item_id: &'a str,
    output_index: usize,
}

#[derive(Serialize)]
struct InItem<'a, B> {
    #[serde(flatten)]
    place: Place<'a>,
    #[serde(flatten)]
    body: B,
}

#[derive(Serialize)]
struct InContent<'a, B> {
    #[serde(flatten)]
    place: Place<'a>,
    content_index: usize,
    #[serde(flatten)]
    body: B,
}

#[derive(Serialize)]
struct InSummary<'a, B> {
    #[serde(flatten)]
    place: Place<'a>,
    summary_index: usize,
    #[serde(flatten)]
    body: B,
}

#[derive(Serialize)]
struct PartBody<'a> {
    part: Part<'a>,
}

#[derive(Serialize)]
struct DeltaBody<'a> {
    delta: &'a str,
}

#[derive(Serialize)]
struct TextDeltaBody<'a> {
    delta: &'a str,
    logprobs: [(); 0],
}

#[derive(Serialize)]
struct TextBody<'a> {
    text: &'a str,
}

#[derive(Serialize)]
struct TextDoneBody<'a> {
    text: &'a str,
    logprobs: [(); 0],
}

#[derive(Serialize)]
struct RefusalBody<'a> {
    refusal: &'a str,
}

#[derive(Serialize)]
struct ArgumentsBody<'a> {
    name: &'a str,
    arguments: &'a str,
}

#[derive(Serialize)]
struct InputBody<'a> {
    input: &'a str,
}
