//! The shapes of answers on the wire. Structs, not JSON values, so that fields keep the vendor's order.

use serde::Serialize;
use serde_json::value::RawValue;

use super::Usage;
use crate::{
    brain::{Part, Stop},
    seal,
};

/// A message, whole or as a stream begins it.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    model: &'a str,
    id: String,
    r#type: &'static str,
    role: &'static str,
    content: Vec<Block<'a>>,
    #[serde(flatten)]
    stop: StopFields<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<StartUsage>,
}

impl<'a> Message<'a> {
    /// The whole message.
    pub(super) fn whole(answer: &'a super::Message) -> Self {
        let content = answer
            .reply
            .parts
            .iter()
            .enumerate()
            .map(|(index, part)| Block::whole(part, &answer.salt(index)));
        let usage = answer.usage.map(|usage| StartUsage::new(&usage, usage.output));
        Self::new(answer, content.collect(), StopFields::of(&answer.reply.stop), usage)
    }

    /// The message before anything was said.
    pub(super) fn opening(answer: &'a super::Message) -> Self {
        let usage = answer.usage.map(|usage| StartUsage::new(&usage, usage.output.min(1)));
        Self::new(answer, Vec::new(), StopFields::default(), usage)
    }

    fn new(
        answer: &'a super::Message,
        content: Vec<Block<'a>>,
        stop: StopFields<'a>,
        usage: Option<StartUsage>,
    ) -> Self {
        let id = format!("{}{}", answer.origin.message_prefix(), answer.id);
        Self { model: &answer.model, id, r#type: "message", role: "assistant", content, stop, usage }
    }
}

/// Why the answer ends.
#[derive(Default, Serialize)]
pub(super) struct StopFields<'a> {
    stop_reason: Option<&'static str>,
    stop_sequence: Option<&'a str>,
    stop_details: Option<StopDetails>,
}

impl<'a> StopFields<'a> {
    pub(super) fn of(stop: &'a Stop) -> Self {
        let (reason, stop_sequence, stop_details) = match stop {
            Stop::EndTurn => ("end_turn", None, None),
            Stop::MaxTokens => ("max_tokens", None, None),
            Stop::Sequence(sequence) => ("stop_sequence", Some(sequence.as_str()), None),
            Stop::ToolUse => ("tool_use", None, None),
            Stop::Refusal => ("refusal", None, Some(StopDetails::refusal())),
        };
        Self { stop_reason: Some(reason), stop_sequence, stop_details }
    }
}

#[derive(Serialize)]
struct StopDetails {
    r#type: &'static str,
    category: Option<&'static str>,
    explanation: &'static str,
}

impl StopDetails {
    const fn refusal() -> Self {
        let explanation = "The request holds the test string for refusals.";
        Self { r#type: "refusal", category: Some("general_harms"), explanation }
    }
}

/// A content block.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text { text: &'a str },
    Thinking { thinking: &'a str, signature: String },
    RedactedThinking { data: String },
    ToolUse { id: &'a str, name: &'a str, input: Box<RawValue>, caller: Caller },
}

impl<'a> Block<'a> {
    /// The whole block. Arguments that were cut off cannot be shown as JSON: such a call has none.
    pub(super) fn whole(part: &'a Part, salt: &str) -> Self {
        match part {
            Part::Text(text) => Self::Text { text },
            Part::Thinking { text, omitted } => {
                let shown = if *omitted { "" } else { text };
                Self::Thinking { thinking: shown, signature: seal::sign(shown, salt) }
            }
            Part::RedactedThinking { text } => Self::RedactedThinking { data: seal::redact(text, salt) },
            Part::ToolCall { id, name, input, .. } => {
                let input = RawValue::from_string(input.clone()).unwrap_or_else(|_| no_input());
                Self::ToolUse { id, name, input, caller: Caller::DIRECT }
            }
        }
    }

    /// The block as a stream starts it: empty, but for thoughts that are sealed.
    pub(super) fn opening(part: &'a Part, salt: &str) -> Self {
        match part {
            Part::Text(_) => Self::Text { text: "" },
            Part::Thinking { .. } => Self::Thinking { thinking: "", signature: String::new() },
            Part::RedactedThinking { .. } => Self::whole(part, salt),
            Part::ToolCall { id, name, .. } => {
                Self::ToolUse { id, name, input: no_input(), caller: Caller::DIRECT }
            }
        }
    }
}

fn no_input() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).expect("an empty object is JSON")
}

#[derive(Serialize)]
pub(super) struct Caller {
    r#type: &'static str,
}

impl Caller {
    const DIRECT: Self = Self { r#type: "direct" };
}

/// A piece of a content block.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the names are the vendor's")]
pub(super) enum Delta<'a> {
    TextDelta { text: &'a str },
    ThinkingDelta { thinking: &'a str },
    SignatureDelta { signature: String },
    InputJsonDelta { partial_json: &'a str },
}

/// One event of a stream.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Event<'a> {
    MessageStart {
        message: Message<'a>,
    },
    ContentBlockStart {
        index: usize,
        content_block: Block<'a>,
    },
    Ping,
    ContentBlockDelta {
        index: usize,
        delta: Delta<'a>,
    },
    ContentBlockStop {
        index: usize,
    },
    MessageDelta {
        delta: StopFields<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        usage: Option<EndUsage>,
    },
    MessageStop,
}

impl Event<'_> {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::MessageStart { .. } => "message_start",
            Self::ContentBlockStart { .. } => "content_block_start",
            Self::Ping => "ping",
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::ContentBlockStop { .. } => "content_block_stop",
            Self::MessageDelta { .. } => "message_delta",
            Self::MessageStop => "message_stop",
        }
    }
}

/// Usage in a whole message and at a stream's start.
#[derive(Serialize)]
struct StartUsage {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation: CacheCreation,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<OutputDetails>,
    service_tier: &'static str,
}

#[derive(Serialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

impl StartUsage {
    fn new(usage: &Usage, output_tokens: u64) -> Self {
        let cached = usage.cached;
        Self {
            input_tokens: cached.input,
            cache_creation_input_tokens: cached.write_5m + cached.write_1h,
            cache_read_input_tokens: cached.read,
            cache_creation: CacheCreation {
                ephemeral_5m_input_tokens: cached.write_5m,
                ephemeral_1h_input_tokens: cached.write_1h,
            },
            output_tokens,
            // At a stream's start nothing has been thought yet.
            output_tokens_details: (output_tokens == usage.output)
                .then(|| OutputDetails::of(usage))
                .flatten(),
            service_tier: "standard",
        }
    }
}

/// Usage at a stream's end: every number is the total.
#[derive(Serialize)]
pub(super) struct EndUsage {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<OutputDetails>,
}

impl EndUsage {
    pub(super) fn of(usage: &Usage) -> Self {
        let cached = usage.cached;
        Self {
            input_tokens: cached.input,
            cache_creation_input_tokens: cached.write_5m + cached.write_1h,
            cache_read_input_tokens: cached.read,
            output_tokens: usage.output,
            output_tokens_details: OutputDetails::of(usage),
        }
    }
}

#[derive(Serialize)]
struct OutputDetails {
    thinking_tokens: u64,
}

impl OutputDetails {
    fn of(usage: &Usage) -> Option<Self> {
        (usage.thinking > 0).then_some(Self { thinking_tokens: usage.thinking })
    }
}
