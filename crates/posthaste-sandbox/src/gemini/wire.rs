//! The shapes of answers on the wire. Structs, not JSON values, so that fields keep the vendor's order.

use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::{Finished, Usage, models, signature};
use crate::brain::{self, Stop};

/// The answer in one piece.
pub(super) fn whole(finished: &Finished<'_>) -> String {
    if finished.reply.stop == Stop::Refusal {
        return blocked(finished);
    }
    let mut parts = parts(finished);
    if let Some(Part { text: Some(_), thought: None, thought_signature, .. }) = parts.last_mut() {
        *thought_signature = ending_signature(finished);
    }
    let candidate = |index| Candidate {
        content: Some(Content { parts: parts.clone(), role: "model" }),
        finish_reason: Some(finish_reason(finished)),
        index,
    };
    let candidates = (0..finished.request.config.answers()).map(candidate).collect();
    render(finished, Response { candidates, ..Response::empty(finished, Counted::All) })
}

/// The answer to a prompt that is not let in: no candidate at all.
pub(super) fn blocked(finished: &Finished<'_>) -> String {
    let prompt_feedback = Some(Feedback { block_reason: "PROHIBITED_CONTENT" });
    render(finished, Response { prompt_feedback, ..Response::empty(finished, Counted::Prompt) })
}

/// One chunk of a stream: a part, or the end.
pub(super) fn chunk(finished: &Finished<'_>, index: u64, part: Part<'_>, is_last: bool) -> String {
    let candidate = Candidate {
        content: Some(Content { parts: vec![part], role: "model" }),
        finish_reason: is_last.then(|| finish_reason(finished)),
        index,
    };
    let counted = if is_last { Counted::All } else { Counted::Prompt };
    render(finished, Response { candidates: vec![candidate], ..Response::empty(finished, counted) })
}

/// The parts of the answer. What was cut out of a call's arguments cannot be shown: such a call is left out.
pub(super) fn parts<'a>(finished: &'a Finished<'_>) -> Vec<Part<'a>> {
    let signs = models::signs(finished.request.model);
    let mut parts = Vec::new();
    let mut signed = false;
    for (index, part) in finished.reply.parts.iter().enumerate() {
        match part {
            brain::Part::Thinking { text, omitted: false } => {
                parts.push(Part { text: Some(text), thought: Some(true), ..Part::default() });
            }
            brain::Part::Thinking { .. } | brain::Part::RedactedThinking { .. } => {}
            brain::Part::Text(text) => parts.push(Part::text(text)),
            brain::Part::ToolCall { id, name, input, .. } => {
                let Ok(args) = serde_json::from_str::<Value>(input) else { continue };
                let Ok(raw) = RawValue::from_string(input.clone()) else { continue };
                let salt = format!("{}{index}", finished.id);
                // The first call of a step is signed, those beside it are not.
                let first = signs && !std::mem::replace(&mut signed, true);
                let thought_signature = first.then(|| signature::of_call(name, &args, &salt));
                // Older models give no ids.
                let function_call = Some(Call { name, args: raw, id: signs.then_some(id) });
                parts.push(Part { function_call, thought_signature, ..Part::default() });
            }
        }
    }
    parts
}

/// The signature behind a text that ends an answer.
pub(super) fn ending_signature(finished: &Finished<'_>) -> Option<String> {
    let says = finished.reply.parts.iter().any(|part| matches!(part, brain::Part::Text(_)));
    let signs = models::signs(finished.request.model);
    (signs && says && !finished.reply.calls_tools()).then(|| signature::of_text(&finished.id))
}

fn finish_reason(finished: &Finished<'_>) -> &'static str {
    match finished.reply.stop {
        Stop::MaxTokens => "MAX_TOKENS",
        Stop::EndTurn | Stop::Sequence(_) | Stop::ToolUse | Stop::Refusal => "STOP",
    }
}

fn render(finished: &Finished<'_>, response: Response<'_>) -> String {
    let json = if finished.envelope {
        let trace_id = &finished.id;
        serde_json::to_string(&Envelope { response, trace_id })
    } else {
        serde_json::to_string(&response)
    };
    json.expect("an answer becomes JSON")
}

/// Code Assist's wrapping.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    response: Response<'a>,
    trace_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    candidates: Vec<Candidate<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_feedback: Option<Feedback>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_metadata: Option<UsageMetadata>,
    model_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_id: Option<&'a str>,
}

impl<'a> Response<'a> {
    fn empty(finished: &'a Finished<'_>, counted: Counted) -> Self {
        Self {
            candidates: Vec::new(),
            prompt_feedback: None,
            usage_metadata: finished.usage.map(|usage| UsageMetadata::of(usage, counted)),
            model_version: finished.request.model,
            // In an envelope the trace's id is the answer's.
            response_id: (!finished.envelope).then_some(&finished.id),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    block_reason: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<&'static str>,
    index: u64,
}

#[derive(Serialize)]
struct Content<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<Part<'a>>,
    role: &'static str,
}

/// A part of an answer.
#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thought: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function_call: Option<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thought_signature: Option<String>,
}

impl<'a> Part<'a> {
    pub(super) fn text(text: &'a str) -> Self {
        Self { text: Some(text), ..Self::default() }
    }
}

#[derive(Clone, Serialize)]
pub(super) struct Call<'a> {
    name: &'a str,
    args: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a String>,
}

/// How much of an exchange is known.
#[derive(Clone, Copy)]
enum Counted {
    Prompt,
    All,
}

/// Counts that are zero are left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UsageMetadata {
    prompt_token_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    candidates_token_count: u64,
    total_token_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cached_content_token_count: u64,
    prompt_tokens_details: [Details; 1],
    #[serde(skip_serializing_if = "is_zero")]
    thoughts_token_count: u64,
}

impl UsageMetadata {
    fn of(usage: Usage, counted: Counted) -> Self {
        let (answer, thoughts) = match counted {
            Counted::Prompt => (0, 0),
            Counted::All => (usage.answer, usage.thoughts),
        };
        Self {
            prompt_token_count: usage.prompt,
            candidates_token_count: answer,
            total_token_count: usage.prompt + answer + thoughts,
            cached_content_token_count: usage.cached,
            prompt_tokens_details: [Details { modality: "TEXT", token_count: usage.prompt }],
            thoughts_token_count: thoughts,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    modality: &'static str,
    token_count: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}
