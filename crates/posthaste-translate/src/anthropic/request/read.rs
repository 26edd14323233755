//! A body to the neutral form.

use posthaste_core::Dialect;
use serde::{Deserialize, de::Error};
use serde_json::{Number, value::RawValue};

use crate::{
    TranslateError,
    anthropic::block::{CacheControlIn, parts},
    ir::{
        Effort, Extra, Json, Message, OutputFormat, OutputSchema, Reasoning, ReasoningDisplay, ReasoningMode,
        Request, Role, Sampling, ServiceTier, Tool, ToolChoice, Weight,
    },
    json::{self, Str, TextOr, at, extras, hints, wire_object},
};

/// Reads a request.
pub(in crate::anthropic) fn decode_request(body: &[u8]) -> Result<Request, TranslateError> {
    let malformed = |source| TranslateError::Malformed { dialect: Dialect::AnthropicMessages, source };
    json::read::<RequestIn<'_>>(body).and_then(request).map_err(malformed)
}

wire_object! {
    struct RequestIn<'a> {
        model: Str<'a> = "model",
        max_tokens: Option<u64> = "max_tokens",
        system: TextOr<'a, Vec<&'a RawValue>> = "system",
        messages: Vec<MessageIn<'a>> = "messages",
        tools: Option<Vec<&'a RawValue>> = "tools",
        tool_choice: Option<ToolChoiceIn<'a>> = "tool_choice",
        thinking: Option<ThinkingIn<'a>> = "thinking",
        output_config: Option<OutputConfigIn<'a>> = "output_config",
        // The older, beta place of `output_config.format`, which some clients still use.
        output_format: Option<FormatIn<'a>> = "output_format",
        temperature: Option<Number> = "temperature",
        top_p: Option<Number> = "top_p",
        top_k: Option<u64> = "top_k",
        stop_sequences: Option<Vec<Str<'a>>> = "stop_sequences",
        metadata: Option<MetadataIn<'a>> = "metadata",
        service_tier: Option<Str<'a>> = "service_tier",
        stream: Option<bool> = "stream",
    }
}

wire_object! {
    struct MessageIn<'a> {
        role: Str<'a> = "role",
        content: TextOr<'a, Vec<&'a RawValue>> = "content",
    }
}

wire_object! {
    struct ToolIn<'a> {
        kind: Option<Str<'a>> = "type",
        name: Str<'a> = "name",
        description: Option<Str<'a>> = "description",
        input_schema: Option<&'a RawValue> = "input_schema",
        strict: Option<bool> = "strict",
        cache_control: Option<CacheControlIn<'a>> = "cache_control",
    }
}

#[derive(Debug, Deserialize)]
struct ToolChoiceIn<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    name: Option<Str<'a>>,
    disable_parallel_tool_use: Option<bool>,
}

/// `thinking`, as it comes.
#[derive(Debug, Deserialize)]
pub(crate) struct ThinkingIn<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    budget_tokens: Option<u64>,
    #[serde(borrow)]
    display: Option<Str<'a>>,
}

wire_object! {
    struct OutputConfigIn<'a> {
        effort: Option<Str<'a>> = "effort",
        format: Option<FormatIn<'a>> = "format",
    }
}

#[derive(Debug, Deserialize)]
struct FormatIn<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    schema: Option<&'a RawValue>,
}

wire_object! {
    struct MetadataIn<'a> {
        user_id: Option<Str<'a>> = "user_id",
    }
}

type Read<T> = Result<T, serde_json::Error>;

fn request(wire: RequestIn<'_>) -> Read<Request> {
    let config = wire.output_config.unwrap_or_default();
    let format = config.format.or(wire.output_format).map(output_format).transpose()?;
    let mut extra = extras(wire.rest, |field, _| weight(field));
    extra.extend(nested("output_config", config.rest));
    let metadata = wire.metadata.unwrap_or_default();
    extra.extend(nested("metadata", metadata.rest));
    Ok(Request {
        dialect: Dialect::AnthropicMessages,
        model: wire.model.into_string(),
        system: parts(wire.system).map_err(|error| at("system", error))?,
        messages: wire.messages.into_iter().map(message).collect::<Read<_>>()?,
        tools: wire.tools.unwrap_or_default().into_iter().map(tool).collect::<Read<_>>()?,
        parallel_tool_calls: parallel_tool_calls(wire.tool_choice.as_ref()),
        tool_choice: wire.tool_choice.map(tool_choice).transpose()?,
        max_tokens: wire.max_tokens,
        sampling: Sampling {
            temperature: wire.temperature,
            top_p: wire.top_p,
            top_k: wire.top_k,
            ..Sampling::default()
        },
        stop: wire.stop_sequences.unwrap_or_default().into_iter().map(Str::into_string).collect(),
        candidates: None,
        logprobs: None,
        output: format,
        reasoning: reasoning(wire.thinking, config.effort)?,
        user: metadata.user_id.map(Str::into_string),
        service_tier: wire.service_tier.map(service_tier),
        cache_key: None,
        verbosity: None,
        stream: wire.stream.unwrap_or(false),
        include_usage: true,
        old_functions: false,
        extra,
    })
}

/// Fields of an object that the IR takes apart, by their dotted path.
fn nested(path: &str, rest: json::Rest<'_>) -> Vec<Extra> {
    let mut extra = extras(rest, |_, _| Weight::Unknown);
    extra.iter_mut().for_each(|extra| extra.field.insert_str(0, &format!("{path}.")));
    extra
}

fn weight(field: &str) -> Weight {
    match field {
        "container" | "mcp_servers" | "thread" => Weight::Essential,
        // Bedrock's version, which it wants in the body.
        "anthropic_version" => Weight::Trivial,
        "cache_control" | "compaction" | "context_management" | "diagnostics" | "fallbacks"
        | "inference_geo" | "speed" => Weight::Hint,
        _ => Weight::Unknown,
    }
}

fn message(wire: MessageIn<'_>) -> Read<Message> {
    let role = match &*wire.role {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        other => return Err(Error::custom(format_args!("messages: role: unknown role `{other}`"))),
    };
    let parts = parts(wire.content).map_err(|error| at("messages: content", error))?;
    Ok(Message { role, parts, extra: hints(wire.rest) })
}

fn tool(raw: &RawValue) -> Read<Tool> {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<Str<'a>>,
    }
    let Kind { kind } = serde_json::from_str(raw.get()).map_err(|error| at("tools", error))?;
    if let Some(kind) = kind.filter(|kind| &**kind != "custom") {
        return Ok(Tool::Hosted { kind: kind.into_string(), value: Json::from(raw) });
    }
    let tool: ToolIn<'_> = serde_json::from_str(raw.get()).map_err(|error| at("tools", error))?;
    Ok(Tool::Function {
        name: tool.name.into_string(),
        description: tool.description.map(Str::into_string),
        schema: tool.input_schema.map(Json::from),
        strict: tool.strict,
        cache: tool.cache_control.map(CacheControlIn::into_hint),
        extra: hints(tool.rest),
    })
}

fn tool_choice(wire: ToolChoiceIn<'_>) -> Read<ToolChoice> {
    match (&*wire.kind, wire.name) {
        ("auto", _) => Ok(ToolChoice::Auto),
        ("any", _) => Ok(ToolChoice::Any),
        ("none", _) => Ok(ToolChoice::None),
        ("tool", Some(name)) => Ok(ToolChoice::Tool(name.into_string())),
        ("tool", None) => Err(Error::custom("tool_choice: name: missing")),
        (other, _) => Err(Error::custom(format_args!("tool_choice: type: unknown type `{other}`"))),
    }
}

fn parallel_tool_calls(wire: Option<&ToolChoiceIn<'_>>) -> Option<bool> {
    wire.and_then(|choice| choice.disable_parallel_tool_use).map(|disabled| !disabled)
}

fn output_format(wire: FormatIn<'_>) -> Read<OutputFormat> {
    match (&*wire.kind, wire.schema) {
        ("json_schema", Some(schema)) => Ok(OutputFormat::JsonSchema(OutputSchema {
            name: None,
            description: None,
            schema: Json::from(schema),
            strict: None,
        })),
        ("json_schema", None) => Err(Error::custom("output_config: format: schema: missing")),
        (other, _) => Err(Error::custom(format_args!("output_config: format: unknown type `{other}`"))),
    }
}

/// How hard to think, from `thinking` and the effort beside it.
pub(crate) fn reasoning(
    thinking: Option<ThinkingIn<'_>>,
    effort: Option<Str<'_>>,
) -> Read<Option<Reasoning>> {
    let effort = match effort {
        None => None,
        Some(word) => Some(Effort::parse(&word).ok_or_else(|| {
            Error::custom(format_args!("output_config: effort: unknown effort `{}`", &*word))
        })?),
    };
    let Some(thinking) = thinking else {
        return Ok(effort.map(|effort| Reasoning { effort: Some(effort), ..Reasoning::default() }));
    };
    let mode = match (&*thinking.kind, thinking.budget_tokens) {
        ("disabled", _) => ReasoningMode::Off,
        ("adaptive", _) => ReasoningMode::Adaptive,
        ("enabled", Some(budget)) => ReasoningMode::Budget(budget),
        ("enabled", None) => return Err(Error::custom("thinking: budget_tokens: missing")),
        (other, _) => ReasoningMode::Other(other.to_owned()),
    };
    Ok(Some(Reasoning { mode: Some(mode), effort, display: thinking.display.map(display) }))
}

fn display(word: Str<'_>) -> ReasoningDisplay {
    match &*word {
        "summarized" => ReasoningDisplay::Summary,
        "omitted" => ReasoningDisplay::Omitted,
        other => ReasoningDisplay::Other(other.to_owned()),
    }
}

fn service_tier(tier: Str<'_>) -> ServiceTier {
    match &*tier {
        "auto" => ServiceTier::Auto,
        "standard_only" => ServiceTier::Standard,
        other => ServiceTier::Other(other.to_owned()),
    }
}
