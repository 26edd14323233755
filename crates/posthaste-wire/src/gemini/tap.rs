//! Reading the chunks of a stream (<https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent>).
//!
//! There are no event names and there is no terminator: each chunk is a whole answer with the parts that are new, and the
//! stream is complete when it closes after the reason why it stopped.

use posthaste_core::Dialect;
use serde::Deserialize;

use super::{error, usage::Counts};
use crate::{
    Frame, UpstreamError,
    count::Count,
    lenient::{Filled, Lenient, List, Text, object},
    spoiled,
    tap::Sighting,
};

/// The terminal frame, of which this dialect has none.
pub(crate) const TERMINATOR: &[u8] = b"";

/// Reads one chunk. Every chunk may hold counts, so each is read; its content is only skipped over.
pub(crate) fn read(frame: Frame<'_>, seen: &mut Sighting) {
    let Ok(chunk) = object::<Chunk<'_>>(frame.data) else { return };
    let Some(chunk) = chunk else {
        // An error may come inside a list.
        return error::read(frame.data).into_iter().for_each(|error| seen.fail(error));
    };
    if chunk.error.0 {
        return seen.fail(error::read(frame.data).unwrap_or_else(unreadable_error));
    }
    let candidates = chunk.candidates.0.unwrap_or_default();
    let mut has_content = false;
    for candidate in &candidates {
        let index = candidate.index.or_zero();
        seen.begin(index);
        let reason = candidate.finish_reason();
        if reason.is_some() {
            seen.stop(index);
        }
        has_content |= candidate.has_content();
        if let Some(error) = reason.and_then(|word| spoiled(Dialect::GeminiGenerate, word)) {
            // Once something is promised, the client gets the reason.
            if !seen.content && !has_content {
                seen.fail(error);
            }
        }
        has_content |= reason.is_some();
    }
    // A prompt that is blocked gets no candidates at all.
    if candidates.is_empty() && chunk.prompt_feedback.0.is_some_and(|feedback| feedback.block_reason.0) {
        seen.begin(0);
        seen.stop(0);
        has_content = true;
    }
    if has_content {
        seen.add_content(frame.data);
    }
    if let Some(counts) = chunk.usage_metadata.0.filter(Counts::tells_something) {
        counts.merge_into(&mut seen.usage);
        // Every prompt has tokens: where none were told, one side is missing.
        seen.usage_final = seen.stopped() && seen.usage.prompt() > 0;
    }
}

fn unreadable_error() -> UpstreamError {
    UpstreamError::new(error::UNNAMED, None, "")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk<'a> {
    #[serde(borrow, default)]
    candidates: List<Candidate<'a>>,
    #[serde(default)]
    prompt_feedback: Lenient<Feedback>,
    #[serde(default)]
    usage_metadata: Lenient<Counts>,
    #[serde(default)]
    error: Filled,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(default)]
    index: Count,
    #[serde(default)]
    content: Lenient<Content>,
    #[serde(borrow, default)]
    finish_reason: Lenient<Text<'a>>,
}

impl Candidate<'_> {
    fn finish_reason(&self) -> Option<&str> {
        self.finish_reason.0.as_ref().map(|word| &*word.0).filter(|word| !word.is_empty())
    }

    fn has_content(&self) -> bool {
        let parts = self.content.0.as_ref().and_then(|content| content.parts.0.as_deref());
        parts.unwrap_or_default().iter().any(Part::has_content)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    #[serde(default)]
    block_reason: Filled,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    parts: List<Part>,
}

/// What of a part a client would notice.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Part {
    text: Filled,
    thought_signature: Filled,
    function_call: Filled,
    inline_data: Filled,
    file_data: Filled,
    executable_code: Filled,
    code_execution_result: Filled,
}

impl Part {
    fn has_content(&self) -> bool {
        [
            self.text,
            self.thought_signature,
            self.function_call,
            self.inline_data,
            self.file_data,
            self.executable_code,
            self.code_execution_result,
        ]
        .contains(&Filled(true))
    }
}
