//! An answer as a stream of chunks (<https://platform.openai.com/docs/api-reference/chat-streaming>).

use serde::Serialize;

use super::{
    Completion, REFUSAL,
    wire::{self, Call, CallBody, UsageFields},
};
use crate::{
    answer::Stream,
    azure::{Filtered, PromptFiltered},
    brain::{slices, words},
    openai::{CREATED, family, usage::Told},
    sse,
};

/// Every chunk, and the mark of the end.
pub(super) fn render(completion: &Completion<'_>, stream: &mut Stream) {
    let writer = Writer { completion };
    if completion.filtered {
        stream.push(sse::unnamed(&to_json(&PromptChunk::nothing())), false);
    }
    let choices = 0..completion.request.n;
    let choice = |delta, finish_reason| choices.clone().map(move |index| (index, delta, finish_reason));
    let opening = Delta { role: Some("assistant"), content: Some(""), ..Delta::default() };
    for (index, delta, finish) in choice(opening, None) {
        stream.push(writer.chunk(index, delta, finish), false);
    }
    for delta in writer.deltas() {
        // The choices of one request say the same, piece by piece.
        for (index, delta, finish) in choice(delta, None) {
            stream.push(writer.chunk(index, delta, finish), true);
        }
    }
    for (index, delta, finish) in choice(Delta::default(), Some(wire::finish_reason(completion))) {
        stream.push(writer.chunk(index, delta, finish), false);
    }
    if let Some(usage) = writer.usage_chunk() {
        stream.push(usage, false);
    }
    stream.push(sse::unnamed("[DONE]"), false);
}

struct Writer<'a> {
    completion: &'a Completion<'a>,
}

impl<'a> Writer<'a> {
    fn deltas(&self) -> Vec<Delta<'a>> {
        let completion = self.completion;
        let thoughts = completion.thoughts().map(words).unwrap_or_default().into_iter();
        let thoughts = thoughts.map(|text| Delta { reasoning_content: Some(text), ..Delta::default() });
        let text = completion.text().map(words).unwrap_or_default().into_iter();
        let text = text.map(|text| Delta { content: Some(text), ..Delta::default() });
        let refusal = if completion.is_refused() { words(REFUSAL) } else { Vec::new() };
        let refusal = refusal.into_iter().map(|text| Delta { refusal: Some(text), ..Delta::default() });
        let calls = wire::calls(completion).enumerate().flat_map(|(index, call)| self.call(index, &call));
        let calls = calls.map(|piece| Delta { tool_calls: Some([piece]), ..Delta::default() });
        thoughts.chain(text).chain(refusal).chain(calls).collect()
    }

    /// The first piece names the call, the others bring its arguments.
    fn call(&self, index: usize, call: &Call<'a>) -> Vec<CallPiece<'a>> {
        let model = self.completion.request.model;
        let (kind, name, arguments) = match &call.body {
            CallBody::Function { function } => ("function", function.name, function.arguments),
            CallBody::Custom { custom } => ("custom", custom.name, custom.input),
        };
        let piece = |id, name, arguments| CallPiece {
            index,
            id,
            r#type: id.map(|_| kind),
            function: (kind == "function").then_some(FunctionPiece { name, arguments }),
            custom: (kind == "custom").then_some(CustomPiece { name, input: arguments }),
        };
        if family::sends_whole_calls(model) {
            return vec![piece(Some(call.id), Some(name), arguments)];
        }
        let repeated = family::repeats_empty_ids(model).then_some("");
        let first = piece(Some(call.id), Some(name), "");
        let others = slices(arguments).into_iter().map(|slice| piece(repeated, None, slice));
        std::iter::once(first).chain(others).collect()
    }

    fn chunk(&self, index: u64, delta: Delta<'_>, finish_reason: Option<&str>) -> bytes::Bytes {
        let completion = self.completion;
        // DeepSeek and its like tell usage with the last choice, asked or not.
        let told_here = finish_reason.is_some() && family::is_reasoner(completion.request.model);
        let choice = Choice {
            index,
            delta,
            logprobs: (),
            finish_reason,
            content_filter_results: completion.filtered.then(Filtered::nothing),
        };
        let usage = match completion.usage {
            Some(usage) if told_here => Told::Now(UsageFields::of(&usage)),
            Some(_) if completion.request.include_usage == Some(true) => Told::Later,
            _ => Told::Absent,
        };
        sse::unnamed(&to_json(&self.envelope(&[choice], usage)))
    }

    fn usage_chunk(&self) -> Option<bytes::Bytes> {
        let asked = self.completion.request.include_usage == Some(true);
        if !asked || family::is_reasoner(self.completion.request.model) {
            return None;
        }
        let usage = Told::Now(UsageFields::of(&self.completion.usage?));
        Some(sse::unnamed(&to_json(&self.envelope(&[], usage))))
    }

    fn envelope<'c>(&self, choices: &'c [Choice<'c>], usage: Told<UsageFields>) -> Chunk<'c>
    where
        'a: 'c,
    {
        Chunk {
            id: &self.completion.id,
            object: "chat.completion.chunk",
            created: CREATED,
            model: self.completion.request.model,
            service_tier: "default",
            system_fingerprint: (),
            choices,
            usage,
        }
    }
}

fn to_json(chunk: &impl Serialize) -> String {
    serde_json::to_string(chunk).expect("a chunk becomes JSON")
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    service_tier: &'static str,
    system_fingerprint: (),
    choices: &'a [Choice<'a>],
    #[serde(skip_serializing_if = "Told::is_absent")]
    usage: Told<UsageFields>,
}

/// Azure's first chunk: what the filter found in the prompt, and nothing else.
#[derive(Serialize)]
struct PromptChunk {
    choices: [(); 0],
    created: u64,
    id: &'static str,
    model: &'static str,
    object: &'static str,
    prompt_filter_results: [PromptFiltered; 1],
}

impl PromptChunk {
    const fn nothing() -> Self {
        let prompt_filter_results = [PromptFiltered::nothing()];
        Self { choices: [], created: 0, id: "", model: "", object: "", prompt_filter_results }
    }
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u64,
    delta: Delta<'a>,
    logprobs: (),
    finish_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_filter_results: Option<Filtered>,
}

#[derive(Clone, Copy, Default, Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[CallPiece<'a>; 1]>,
}

#[derive(Clone, Copy, Serialize)]
struct CallPiece<'a> {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<FunctionPiece<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<CustomPiece<'a>>,
}

#[derive(Clone, Copy, Serialize)]
struct FunctionPiece<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

#[derive(Clone, Copy, Serialize)]
struct CustomPiece<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    input: &'a str,
}
