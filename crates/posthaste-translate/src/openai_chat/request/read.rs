//! A body to the neutral form.

use posthaste_core::Dialect;
use serde::{Deserialize, de::Error};
use serde_json::{Number, value::RawValue};

use crate::{
    TranslateError,
    ir::{
        Content, Effort, Json, Message, OutputFormat, OutputSchema, Part, Reasoning, ReasoningMode, Request,
        Role, Sampling, ServiceTier, Thinking, Tool, ToolChoice, ToolResult, Weight,
    },
    json::{self, Str, TextOr, at, compact, extras, hints, wire_object},
    openai_chat::part::{parts, tool_calls},
};

/// Reads a request.
pub(in crate::openai_chat) fn decode_request(body: &[u8]) -> Result<Request, TranslateError> {
    let malformed = |source| TranslateError::Malformed { dialect: Dialect::OpenAiChat, source };
    json::read::<RequestIn<'_>>(body).and_then(request).map_err(malformed)
}

wire_object! {
    struct RequestIn<'a> {
        model: Str<'a> = "model",
        messages: Vec<MessageIn<'a>> = "messages",
        max_completion_tokens: Option<u64> = "max_completion_tokens",
        max_tokens: Option<u64> = "max_tokens",
        temperature: Option<Number> = "temperature",
        top_p: Option<Number> = "top_p",
        presence_penalty: Option<Number> = "presence_penalty",
        frequency_penalty: Option<Number> = "frequency_penalty",
        seed: Option<i64> = "seed",
        n: Option<u64> = "n",
        stop: TextOr<'a, Vec<Str<'a>>> = "stop",
        logprobs: Option<bool> = "logprobs",
        top_logprobs: Option<u64> = "top_logprobs",
        reasoning_effort: Option<Str<'a>> = "reasoning_effort",
        tools: Option<Vec<&'a RawValue>> = "tools",
        tool_choice: TextOr<'a, ToolChoiceIn<'a>> = "tool_choice",
        parallel_tool_calls: Option<bool> = "parallel_tool_calls",
        response_format: Option<FormatIn<'a>> = "response_format",
        stream: Option<bool> = "stream",
        stream_options: Option<StreamOptionsIn> = "stream_options",
        service_tier: Option<Str<'a>> = "service_tier",
        safety_identifier: Option<Str<'a>> = "safety_identifier",
        user: Option<Str<'a>> = "user",
        prompt_cache_key: Option<Str<'a>> = "prompt_cache_key",
        verbosity: Option<Str<'a>> = "verbosity",
    }
}

wire_object! {
    struct MessageIn<'a> {
        role: Str<'a> = "role",
        content: TextOr<'a, Vec<&'a RawValue>> = "content",
        refusal: Option<Str<'a>> = "refusal",
        reasoning_content: Option<Str<'a>> = "reasoning_content",
        reasoning: Option<Str<'a>> = "reasoning",
        tool_calls: Option<Vec<&'a RawValue>> = "tool_calls",
        tool_call_id: Option<Str<'a>> = "tool_call_id",
    }
}

#[derive(Debug, Deserialize)]
struct StreamOptionsIn {
    include_usage: Option<bool>,
}

wire_object! {
    struct FunctionIn<'a> {
        name: Str<'a> = "name",
        description: Option<Str<'a>> = "description",
        parameters: Option<&'a RawValue> = "parameters",
        strict: Option<bool> = "strict",
    }
}

#[derive(Debug, Deserialize)]
struct ToolChoiceIn<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    function: Option<NamedIn<'a>>,
    #[serde(borrow)]
    allowed_tools: Option<AllowedIn<'a>>,
}

#[derive(Debug, Deserialize)]
struct NamedIn<'a> {
    #[serde(borrow)]
    name: Str<'a>,
}

#[derive(Debug, Deserialize)]
struct AllowedIn<'a> {
    #[serde(borrow)]
    mode: Str<'a>,
    #[serde(borrow)]
    tools: Vec<AllowedToolIn<'a>>,
}

#[derive(Debug, Deserialize)]
struct AllowedToolIn<'a> {
    #[serde(borrow)]
    function: Option<NamedIn<'a>>,
}

#[derive(Debug, Deserialize)]
struct FormatIn<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    json_schema: Option<SchemaIn<'a>>,
}

#[derive(Debug, Deserialize)]
struct SchemaIn<'a> {
    #[serde(borrow)]
    name: Option<Str<'a>>,
    #[serde(borrow)]
    description: Option<Str<'a>>,
    #[serde(borrow)]
    schema: Option<&'a RawValue>,
    strict: Option<bool>,
}

type Read<T> = Result<T, serde_json::Error>;

fn request(wire: RequestIn<'_>) -> Read<Request> {
    let (system, messages) = conversation(wire.messages)?;
    let logprobs = wire.logprobs.unwrap_or(false);
    Ok(Request {
        dialect: Dialect::OpenAiChat,
        model: wire.model.into_string(),
        system,
        messages,
        tools: wire.tools.unwrap_or_default().into_iter().map(tool).collect::<Read<_>>()?,
        tool_choice: tool_choice(wire.tool_choice)?,
        parallel_tool_calls: wire.parallel_tool_calls,
        max_tokens: wire.max_completion_tokens.or(wire.max_tokens),
        sampling: Sampling {
            temperature: wire.temperature,
            top_p: wire.top_p,
            top_k: None,
            seed: wire.seed,
            presence_penalty: wire.presence_penalty,
            frequency_penalty: wire.frequency_penalty,
        },
        stop: match wire.stop {
            TextOr::Null => Vec::new(),
            TextOr::Text(stop) => vec![stop.into_string()],
            TextOr::Rich(stops) => stops.into_iter().map(Str::into_string).collect(),
        },
        candidates: wire.n.filter(|n| *n != 1),
        logprobs: logprobs.then(|| wire.top_logprobs.unwrap_or(0)),
        output: wire.response_format.map(output_format).transpose()?.flatten(),
        reasoning: wire.reasoning_effort.map(reasoning).transpose()?,
        user: wire.safety_identifier.or(wire.user).map(Str::into_string),
        service_tier: wire.service_tier.map(service_tier),
        cache_key: wire.prompt_cache_key.map(Str::into_string),
        verbosity: wire.verbosity.map(Str::into_string),
        stream: wire.stream.unwrap_or(false),
        include_usage: wire.stream_options.and_then(|options| options.include_usage).unwrap_or(false),
        extra: extras(wire.rest, weight),
    })
}

fn weight(field: &str, value: &RawValue) -> Weight {
    match field {
        "store" if value.get() == "false" => Weight::Trivial,
        "modalities" if compact(value.get()) == r#"["text"]"# => Weight::Trivial,
        "audio" | "function_call" | "functions" | "modalities" | "web_search_options" => Weight::Essential,
        "logit_bias"
        | "metadata"
        | "moderation"
        | "prediction"
        | "prompt_cache_options"
        | "prompt_cache_retention"
        | "store" => Weight::Hint,
        _ => Weight::Unknown,
    }
}

/// The instructions before the first turn, and everything from there on.
fn conversation(wire: Vec<MessageIn<'_>>) -> Read<(Vec<Part>, Vec<Message>)> {
    let mut system: Vec<Part> = Vec::new();
    let mut messages = Vec::with_capacity(wire.len());
    for wire in wire {
        let message = message(wire).map_err(|error| at("messages", error))?;
        if message.role == Role::System && messages.is_empty() {
            lead(&mut system, message);
        } else {
            messages.push(message);
        }
    }
    Ok((system, messages))
}

/// Leading instructions become one text, set apart by blank lines, except where a part says more than its text.
fn lead(system: &mut Vec<Part>, message: Message) {
    for mut part in message.parts {
        part.extra.extend(message.extra.iter().cloned());
        match (system.last_mut(), &part.content) {
            (Some(Part { content: Content::Text(before), extra, .. }), Content::Text(text))
                if extra.is_empty() && part.extra.is_empty() =>
            {
                before.push_str("\n\n");
                before.push_str(text);
            }
            _ => system.push(part),
        }
    }
}

fn message(wire: MessageIn<'_>) -> Read<Message> {
    let content = parts(wire.content).map_err(|error| at("content", error))?;
    let (role, parts) = match &*wire.role {
        "system" | "developer" => (Role::System, content),
        "user" => (Role::User, content),
        "assistant" => {
            let thoughts = wire.reasoning_content.or(wire.reasoning).filter(|text| !text.is_empty());
            let mut parts = Vec::with_capacity(content.len() + 1);
            parts.extend(thoughts.map(|text| thinking(text.into_string())));
            parts.extend(content);
            let refusal = wire.refusal.filter(|refusal| !refusal.is_empty());
            parts.extend(refusal.map(|refusal| Part::new(Content::Refusal(refusal.into_string()))));
            parts.extend(tool_calls(wire.tool_calls)?);
            (Role::Assistant, parts)
        }
        "tool" => {
            let Some(call_id) = wire.tool_call_id else { return Err(Error::custom("tool_call_id: missing")) };
            let result = ToolResult { call_id: call_id.into_string(), parts: content, is_error: false };
            (Role::User, vec![Part::new(Content::ToolResult(result))])
        }
        "function" => return Err(Error::custom("role: `function` is not taken; use `tool`")),
        other => return Err(Error::custom(format_args!("role: unknown role `{other}`"))),
    };
    let extra = extras(wire.rest, |field, _| match field {
        "audio" | "function_call" => Weight::Essential,
        _ => Weight::Hint,
    });
    Ok(Message { role, parts, extra })
}

fn thinking(text: String) -> Part {
    Part::new(Content::Thinking(Thinking::new(text)))
}

fn tool(raw: &RawValue) -> Read<Tool> {
    #[derive(Deserialize)]
    struct ToolIn<'a> {
        #[serde(borrow, rename = "type", default)]
        kind: Str<'a>,
        #[serde(borrow)]
        function: Option<&'a RawValue>,
    }
    let in_tools = |error| at("tools", error);
    let ToolIn { kind, function } = serde_json::from_str(raw.get()).map_err(in_tools)?;
    if &*kind != "function" && !kind.is_empty() {
        return Ok(Tool::Hosted { kind: kind.into_string(), value: Json::from(raw) });
    }
    let function = function.ok_or_else(|| Error::custom("tools: function: missing"))?;
    let function: FunctionIn<'_> = serde_json::from_str(function.get()).map_err(in_tools)?;
    Ok(Tool::Function {
        name: function.name.into_string(),
        description: function.description.map(Str::into_string),
        schema: function.parameters.map(Json::from),
        strict: function.strict,
        cache: None,
        extra: hints(function.rest),
    })
}

fn tool_choice(wire: TextOr<'_, ToolChoiceIn<'_>>) -> Read<Option<ToolChoice>> {
    let choice = match wire {
        TextOr::Null => return Ok(None),
        TextOr::Text(word) => match &*word {
            "auto" => ToolChoice::Auto,
            // Mistral says `any`.
            "required" | "any" => ToolChoice::Any,
            "none" => ToolChoice::None,
            other => return Err(Error::custom(format_args!("tool_choice: unknown word `{other}`"))),
        },
        TextOr::Rich(choice) => match (&*choice.kind, choice.function, choice.allowed_tools) {
            ("function", Some(function), _) => ToolChoice::Tool(function.name.into_string()),
            ("allowed_tools", _, Some(allowed)) => ToolChoice::Allowed {
                required: &*allowed.mode == "required",
                names: allowed.tools.into_iter().filter_map(|tool| tool.function).map(name).collect(),
            },
            (other, ..) => return Err(Error::custom(format_args!("tool_choice: cannot read `{other}`"))),
        },
    };
    Ok(Some(choice))
}

fn name(wire: NamedIn<'_>) -> String {
    wire.name.into_string()
}

fn output_format(wire: FormatIn<'_>) -> Read<Option<OutputFormat>> {
    match (&*wire.kind, wire.json_schema) {
        ("text", _) => Ok(None),
        ("json_object", _) => Ok(Some(OutputFormat::JsonObject)),
        ("json_schema", Some(SchemaIn { name, description, schema: Some(schema), strict })) => {
            Ok(Some(OutputFormat::JsonSchema(OutputSchema {
                name: name.map(Str::into_string),
                description: description.map(Str::into_string),
                schema: Json::from(schema),
                strict,
            })))
        }
        ("json_schema", _) => Err(Error::custom("response_format: json_schema: schema: missing")),
        (other, _) => Err(Error::custom(format_args!("response_format: unknown type `{other}`"))),
    }
}

fn reasoning(word: Str<'_>) -> Read<Reasoning> {
    if &*word == "none" {
        return Ok(Reasoning { mode: Some(ReasoningMode::Off), ..Reasoning::default() });
    }
    match Effort::parse(&word) {
        Some(effort) => Ok(Reasoning { effort: Some(effort), ..Reasoning::default() }),
        None => Err(Error::custom(format_args!("reasoning_effort: unknown effort `{}`", &*word))),
    }
}

fn service_tier(tier: Str<'_>) -> ServiceTier {
    match &*tier {
        "auto" => ServiceTier::Auto,
        "default" => ServiceTier::Standard,
        other => ServiceTier::Other(other.to_owned()),
    }
}
