//! Converse's answer as a stream of events. Texts and thoughts have no event for their start.

use serde::Serialize;

use super::{
    Finished, frame,
    wire::{self, Metrics, StopFields, UsageFields},
};
use crate::{
    answer::Stream,
    brain::{Part, slices, words},
    seal,
};

/// Every event, in order.
pub(super) fn render(finished: &Finished) -> Stream {
    let mut writer = Writer { stream: frame::stream() };
    writer.push("messageStart", MessageStart { role: "assistant" });
    for (index, part) in finished.reply.parts.iter().enumerate() {
        writer.part(index, part, &finished.salt(index));
        writer.push("contentBlockStop", ContentBlockStop { content_block_index: index });
    }
    writer.push("messageStop", StopFields::of(finished));
    let usage = finished.usage.as_ref().map(UsageFields::of);
    writer.push("metadata", Metadata { metrics: Metrics::NONE, usage });
    writer.stream
}

struct Writer {
    stream: Stream,
}

impl Writer {
    fn push(&mut self, name: &str, body: impl Serialize) {
        // Padding, so that the size of an event does not tell what is in it.
        let p = &PADDING[..self.stream.events.len() % PADDING.len()];
        let payload = serde_json::to_string(&Padded { body, p }).expect("an event becomes JSON");
        self.stream.push(frame::event(name, &payload), name == "contentBlockDelta");
    }

    fn delta(&mut self, content_block_index: usize, delta: Delta<'_>) {
        self.push("contentBlockDelta", ContentBlockDelta { content_block_index, delta });
    }

    fn part(&mut self, index: usize, part: &Part, salt: &str) {
        match part {
            Part::Text(text) => words(text).into_iter().for_each(|text| self.delta(index, Delta::Text(text))),
            Part::Thinking { text, omitted } => {
                let shown = if *omitted { "" } else { text.as_str() };
                for text in words(shown) {
                    self.delta(index, Delta::ReasoningContent(Reasoning::Text(text)));
                }
                let signature = seal::sign(shown, salt);
                self.delta(index, Delta::ReasoningContent(Reasoning::Signature(&signature)));
            }
            Part::RedactedThinking { text } => {
                let redacted = wire::redacted(text, salt);
                self.delta(index, Delta::ReasoningContent(Reasoning::RedactedContent(&redacted)));
            }
            Part::ToolCall { id, name, input, .. } => {
                let start = Start { tool_use: ToolUseStart { name, tool_use_id: id } };
                self.push("contentBlockStart", ContentBlockStart { content_block_index: index, start });
                for input in slices(input) {
                    self.delta(index, Delta::ToolUse { input });
                }
            }
        }
    }
}

#[derive(Serialize)]
struct Padded<'a, B> {
    #[serde(flatten)]
    body: B,
    p: &'a str,
}

#[derive(Serialize)]
struct MessageStart {
    role: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContentBlockStart<'a> {
    content_block_index: usize,
    start: Start<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Start<'a> {
    tool_use: ToolUseStart<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolUseStart<'a> {
    name: &'a str,
    tool_use_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContentBlockDelta<'a> {
    content_block_index: usize,
    delta: Delta<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Delta<'a> {
    Text(&'a str),
    ToolUse { input: &'a str },
    ReasoningContent(Reasoning<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Reasoning<'a> {
    Text(&'a str),
    Signature(&'a str),
    RedactedContent(&'a str),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContentBlockStop {
    content_block_index: usize,
}

#[derive(Serialize)]
struct Metadata {
    metrics: Metrics,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageFields>,
}

const PADDING: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
