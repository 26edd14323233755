//! The shapes of answers on the wire. Structs, not JSON values, so that fields keep the vendor's order.

use bytes::Bytes;
use serde::Serialize;

use super::{Completion, REFUSAL};
use crate::{
    azure::{Filtered, PromptFiltered},
    brain::{Part, Stop, ToolMode},
    openai::{CREATED, usage::Usage},
};

/// The answer in one piece.
pub(super) fn whole(completion: &Completion<'_>) -> Bytes {
    let choice = |index| Choice {
        index,
        message: Message::of(completion),
        logprobs: (),
        finish_reason: finish_reason(completion),
        content_filter_results: completion.filtered.then(Filtered::nothing),
    };
    let whole = Whole {
        id: &completion.id,
        object: "chat.completion",
        created: CREATED,
        model: completion.request.model,
        choices: (0..completion.request.n).map(choice).collect(),
        usage: completion.usage.as_ref().map(UsageFields::of),
        service_tier: "default",
        system_fingerprint: (),
        prompt_filter_results: completion.filtered.then(|| [PromptFiltered::nothing()]),
    };
    serde_json::to_vec(&whole).expect("an answer becomes JSON").into()
}

/// Why the answer ends. The vendor says `stop` after a call that was forced by name.
pub(super) fn finish_reason(completion: &Completion<'_>) -> &'static str {
    match completion.reply.stop {
        Stop::EndTurn | Stop::Sequence(_) | Stop::Refusal => "stop",
        Stop::MaxTokens => "length",
        Stop::ToolUse if matches!(completion.request.tool_choice, Some(ToolMode::Named(_))) => "stop",
        Stop::ToolUse => "tool_calls",
    }
}

#[derive(Serialize)]
struct Whole<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: Vec<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageFields>,
    service_tier: &'static str,
    system_fingerprint: (),
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_filter_results: Option<[PromptFiltered; 1]>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u64,
    message: Message<'a>,
    logprobs: (),
    finish_reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_filter_results: Option<Filtered>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    refusal: Option<&'static str>,
    annotations: [(); 0],
}

impl<'a> Message<'a> {
    fn of(completion: &'a Completion<'_>) -> Self {
        Self {
            role: "assistant",
            content: completion.text(),
            reasoning_content: completion.thoughts(),
            tool_calls: calls(completion).collect(),
            refusal: completion.is_refused().then_some(REFUSAL),
            annotations: [],
        }
    }
}

/// The calls of an answer, in their order.
pub(super) fn calls<'a>(completion: &'a Completion<'_>) -> impl Iterator<Item = Call<'a>> {
    completion.reply.parts.iter().filter_map(|part| match part {
        Part::ToolCall { id, name, input, free_text: false } => {
            Some(Call { id, body: CallBody::Function { function: Function { name, arguments: input } } })
        }
        Part::ToolCall { id, name, input, free_text: true } => {
            Some(Call { id, body: CallBody::Custom { custom: Custom { name, input } } })
        }
        _ => None,
    })
}

/// A tool call.
#[derive(Serialize)]
pub(super) struct Call<'a> {
    pub(super) id: &'a str,
    #[serde(flatten)]
    pub(super) body: CallBody<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum CallBody<'a> {
    Function { function: Function<'a> },
    Custom { custom: Custom<'a> },
}

#[derive(Serialize)]
pub(super) struct Function<'a> {
    pub(super) name: &'a str,
    pub(super) arguments: &'a str,
}

#[derive(Serialize)]
pub(super) struct Custom<'a> {
    pub(super) name: &'a str,
    pub(super) input: &'a str,
}

/// Usage in a whole answer and in the chunk that tells it.
#[derive(Clone, Copy, Serialize)]
pub(super) struct UsageFields {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

impl UsageFields {
    pub(super) const fn of(usage: &Usage) -> Self {
        Self {
            prompt_tokens: usage.input,
            completion_tokens: usage.output,
            total_tokens: usage.total(),
            prompt_tokens_details: PromptDetails { cached_tokens: usage.cached, audio_tokens: 0 },
            completion_tokens_details: CompletionDetails {
                reasoning_tokens: usage.reasoning,
                audio_tokens: 0,
                accepted_prediction_tokens: 0,
                rejected_prediction_tokens: 0,
            },
        }
    }
}

#[derive(Clone, Copy, Serialize)]
struct PromptDetails {
    cached_tokens: u64,
    audio_tokens: u64,
}

#[derive(Clone, Copy, Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
    audio_tokens: u64,
    accepted_prediction_tokens: u64,
    rejected_prediction_tokens: u64,
}
