//! How vendors bend Chat Completions, as data.
//!
//! A row is read when a request of another dialect is written. One of Chat's own was made for its vendor: only the name of
//! the cap is looked up for it. What holds for all: instructions are `system` messages, since most vendors refuse
//! `developer` and OpenAI takes both as the same; `stream_options` is always sent, since none refuses it (GLM ignores it).
//!
//! Sources, checked 2026-11-23; each row says what it adds:
//! OpenAI <https://platform.openai.com/docs/api-reference/chat/create>,
//! Qwen <https://www.alibabacloud.com/help/en/model-studio/qwen-api-reference>,
//! GLM <https://docs.z.ai/api-reference/llm/chat-completion>,
//! DeepSeek <https://api-docs.deepseek.com/api/create-chat-completion>,
//! Moonshot <https://platform.moonshot.ai/docs/api/chat>,
//! OpenRouter <https://openrouter.ai/docs/api-reference/chat-completion>.

use posthaste_core::ChatVariant;

use crate::schema::SchemaProfile;

/// What a vendor's Chat Completions take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variant {
    /// The name of the cap on the answer.
    pub(super) cap: Cap,
    /// How thinking is asked for.
    pub(super) thinking: Control,
    /// What becomes of the thoughts in the history.
    pub(super) thoughts: Thoughts,
    /// What becomes of a beginning of the answer.
    pub(super) prefill: Prefill,
    /// Whether a forced tool is refused while the model thinks.
    pub(super) forced_tool_stops_thinking: bool,
    /// Whether the only tool must be named where some tool is wanted.
    pub(super) names_only_tool: bool,
    /// Whether the choice among some of the tools is known.
    pub(super) allowed_tools: bool,
    /// Whether free-text tools are known.
    pub(super) custom_tools: bool,
    /// Whether several calls at once may be asked for and forbidden.
    pub(super) parallel: Parallel,
    /// Whether `strict` is known.
    pub(super) strict: bool,
    /// What schemas of tools and answers may hold, where they are not strict.
    pub(super) schema: SchemaProfile,
    /// Whether an answer can be made to fit a schema.
    pub(super) json_schema: bool,
    /// Whether a JSON answer is refused while the model thinks.
    pub(super) json_stops_thinking: bool,
    /// Which temperatures are taken.
    pub(super) temperature: Temperature,
    /// Whether `presence_penalty` and `frequency_penalty` are known.
    pub(super) penalties: bool,
    /// Whether `seed` is known.
    pub(super) seed: bool,
    /// How many stop sequences are taken.
    pub(super) most_stops: usize,
    /// Whether messages may hold anything but text.
    pub(super) media: bool,
    /// Whether parts may be marked for the cache (`prompt_cache_breakpoint`), by models that know it.
    pub(super) cache_marks: bool,
    /// Whether `user` is known.
    pub(super) user: bool,
    /// Whether `prompt_cache_key` is known.
    pub(super) cache_key: bool,
    /// Whether `service_tier` is known.
    pub(super) tier: bool,
    /// Whether `verbosity` is known.
    pub(super) verbosity: bool,
}

/// The name of the cap on the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cap {
    MaxCompletionTokens,
    MaxTokens,
}

/// How thinking is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// `reasoning_effort`, with a word for not at all.
    Effort,
    /// Not at all.
    Nothing,
    /// `enable_thinking` and `thinking_budget`.
    EnableThinking,
    /// `thinking: {type}`; `enabled` is said or left to the model, `reasoning_effort` stands beside it or does not.
    Thinking { enabled: bool, effort: bool },
    /// `reasoning: {effort, max_tokens, enabled, exclude}`.
    Reasoning,
}

/// What becomes of the thoughts in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thoughts {
    /// They stay out: the vendor has no use for them, or refuses them.
    Dropped,
    /// They go back, in `reasoning`.
    Kept,
    /// They go back in `reasoning_content`, and a turn that called a tool must have them while the model thinks.
    Required,
}

/// What becomes of a conversation that ends with the beginning of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefill {
    /// It is refused: the vendor would begin anew.
    Refused,
    /// It is marked with `partial`.
    Partial,
}

/// Whether several calls at once may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parallel {
    /// `parallel_tool_calls` is known.
    Known,
    /// It is known and off unless it is asked for, unlike everywhere else.
    OffByDefault,
    /// It is not known.
    Unknown,
}

/// Which temperatures are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Temperature {
    /// From 0 to 2.
    UpToTwo,
    /// From 0 to 2, except that OpenAI's models refuse all sampling but the usual while they reason.
    UsualWhileReasoning,
    /// From 0 to 1.
    UpToOne,
    /// Only the vendor's own, for models whose name begins like this; `top_p` too.
    FixedFor(&'static str),
}

impl Variant {
    /// The row of a vendor.
    pub(super) const fn of(variant: ChatVariant) -> &'static Self {
        match variant {
            ChatVariant::OpenAi => &OPENAI,
            ChatVariant::Compatible => &COMPATIBLE,
            ChatVariant::Qwen => &QWEN,
            ChatVariant::Glm => &GLM,
            ChatVariant::DeepSeek => &DEEPSEEK,
            ChatVariant::Moonshot => &MOONSHOT,
            ChatVariant::OpenRouter => &OPENROUTER,
        }
    }
}

/// The full API. Thoughts have no place in it, neither in answers nor in requests.
static OPENAI: Variant = Variant {
    cap: Cap::MaxCompletionTokens,
    thinking: Control::Effort,
    thoughts: Thoughts::Dropped,
    prefill: Prefill::Refused,
    forced_tool_stops_thinking: false,
    names_only_tool: false,
    allowed_tools: true,
    custom_tools: true,
    parallel: Parallel::Known,
    strict: true,
    schema: SchemaProfile::Full,
    json_schema: true,
    json_stops_thinking: false,
    temperature: Temperature::UsualWhileReasoning,
    penalties: true,
    seed: true,
    most_stops: 4,
    media: true,
    cache_marks: true,
    user: true,
    cache_key: true,
    tier: true,
    verbosity: true,
};

/// The part that servers of many makers share: strict ones (Groq, Mistral) answer 400 to any field beyond it.
static COMPATIBLE: Variant = Variant {
    cap: Cap::MaxTokens,
    thinking: Control::Nothing,
    allowed_tools: false,
    custom_tools: false,
    parallel: Parallel::Known,
    strict: false,
    schema: SchemaProfile::Plain,
    temperature: Temperature::UpToTwo,
    cache_marks: false,
    user: false,
    cache_key: false,
    tier: false,
    verbosity: false,
    ..OPENAI
};

/// Calls are serial unless asked otherwise; a forced tool and JSON answers do not go with thinking; `$ref` is unreliable;
/// thoughts of the history are not wanted (<https://www.alibabacloud.com/help/en/model-studio/deep-thinking>).
static QWEN: Variant = Variant {
    thinking: Control::EnableThinking,
    forced_tool_stops_thinking: true,
    names_only_tool: true,
    parallel: Parallel::OffByDefault,
    json_schema: false,
    json_stops_thinking: true,
    ..COMPATIBLE
};

/// One stop sequence, temperatures up to 1, no penalties, no seed, no `strict`; thoughts go back with the results of tools
/// (<https://docs.z.ai/guides/capabilities/thinking-mode>).
static GLM: Variant = Variant {
    thinking: Control::Thinking { enabled: true, effort: false },
    thoughts: Thoughts::Required,
    parallel: Parallel::Unknown,
    json_schema: false,
    temperature: Temperature::UpToOne,
    penalties: false,
    seed: false,
    most_stops: 1,
    ..COMPATIBLE
};

/// Text only; a forced tool is refused while thinking, and so is a tool loop without the thoughts that began it
/// (<https://api-docs.deepseek.com/guides/thinking_mode>).
static DEEPSEEK: Variant = Variant {
    thinking: Control::Thinking { enabled: true, effort: true },
    thoughts: Thoughts::Required,
    forced_tool_stops_thinking: true,
    schema: SchemaProfile::Full,
    json_schema: false,
    media: false,
    ..COMPATIBLE
};

/// Sampling is fixed for `kimi-…`; thinking is on unless it is turned off; thoughts must be kept in tool loops; a beginning
/// of the answer is marked (<https://platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model>,
/// <https://platform.moonshot.ai/docs/api/partial>).
static MOONSHOT: Variant = Variant {
    cap: Cap::MaxCompletionTokens,
    thinking: Control::Thinking { enabled: false, effort: false },
    thoughts: Thoughts::Required,
    prefill: Prefill::Partial,
    json_schema: false,
    temperature: Temperature::FixedFor("kimi-"),
    penalties: false,
    cache_key: true,
    ..COMPATIBLE
};

/// A relay itself, which drops what a model does not take
/// (<https://openrouter.ai/docs/use-cases/reasoning-tokens>).
static OPENROUTER: Variant = Variant {
    thinking: Control::Reasoning,
    thoughts: Thoughts::Kept,
    strict: true,
    schema: SchemaProfile::Full,
    user: true,
    verbosity: true,
    ..COMPATIBLE
};
