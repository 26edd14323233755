//! A body to the neutral form.

use posthaste_core::Dialect;
use serde::{Deserialize, de::Error};
use serde_json::{Number, value::RawValue};

use super::{
    conversation::{MessageIn, conversation},
    reasoning::reasoning,
};
use crate::{
    TranslateError,
    ir::{Json, OutputFormat, OutputSchema, Request, Sampling, ServiceTier, Tool, ToolChoice, Weight},
    json::{self, Str, TextOr, at, compact, extras, hints, wire_object},
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
        functions: Option<Vec<&'a RawValue>> = "functions",
        function_call: TextOr<'a, NamedIn<'a>> = "function_call",
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

wire_object! {
    struct CustomIn<'a> {
        name: Str<'a> = "name",
        description: Option<Str<'a>> = "description",
        format: Option<&'a RawValue> = "format",
    }
}

#[derive(Debug, Deserialize)]
struct ToolChoiceIn<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    function: Option<NamedIn<'a>>,
    #[serde(borrow)]
    custom: Option<NamedIn<'a>>,
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
    #[serde(borrow)]
    custom: Option<NamedIn<'a>>,
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
    let mut tools = wire.tools.unwrap_or_default().into_iter().map(tool).collect::<Read<Vec<_>>>()?;
    let functions = wire.functions.unwrap_or_default();
    // Who gives both knows the newer form.
    let old_functions = tools.is_empty() && !functions.is_empty();
    for raw in functions {
        tools.push(function(raw).map_err(|error| at("functions", error))?);
    }
    let choice = tool_choice(wire.tool_choice)?;
    let mut extra = extras(wire.rest, weight);
    let reasoning = reasoning(wire.reasoning_effort, &mut extra)?;
    Ok(Request {
        dialect: Dialect::OpenAiChat,
        model: wire.model.into_string(),
        system,
        messages,
        tools,
        tool_choice: choice.map_or_else(|| function_call(wire.function_call), |choice| Ok(Some(choice)))?,
        parallel_tool_calls: wire.parallel_tool_calls.or(old_functions.then_some(false)),
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
        reasoning,
        user: wire.safety_identifier.or(wire.user).map(Str::into_string),
        service_tier: wire.service_tier.map(service_tier),
        cache_key: wire.prompt_cache_key.map(Str::into_string),
        verbosity: wire.verbosity.map(Str::into_string),
        stream: wire.stream.unwrap_or(false),
        include_usage: wire.stream_options.and_then(|options| options.include_usage).unwrap_or(false),
        old_functions,
        extra,
    })
}

fn weight(field: &str, value: &RawValue) -> Weight {
    match field {
        "store" if value.get() == "false" => Weight::Trivial,
        "modalities" if compact(value.get()) == r#"["text"]"# => Weight::Trivial,
        "audio" | "modalities" | "web_search_options" => Weight::Essential,
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

fn tool(raw: &RawValue) -> Read<Tool> {
    #[derive(Deserialize)]
    struct ToolIn<'a> {
        #[serde(borrow, rename = "type", default)]
        kind: Str<'a>,
        #[serde(borrow)]
        function: Option<&'a RawValue>,
        #[serde(borrow)]
        custom: Option<CustomIn<'a>>,
    }
    let in_tools = |error| at("tools", error);
    let tool: ToolIn<'_> = serde_json::from_str(raw.get()).map_err(in_tools)?;
    match (&*tool.kind, tool.custom) {
        ("function" | "", _) => {
            let function_in = tool.function.ok_or_else(|| Error::custom("tools: function: missing"))?;
            function(function_in).map_err(in_tools)
        }
        ("custom", Some(custom)) => Ok(Tool::Custom {
            name: custom.name.into_string(),
            description: custom.description.map(Str::into_string),
            format: custom.format.map(Json::from),
            extra: hints(custom.rest),
        }),
        (kind, _) => Ok(Tool::Hosted { kind: kind.to_owned(), value: Json::from(raw) }),
    }
}

/// A function, as `tools` wraps it and as the older `functions` lists it.
fn function(raw: &RawValue) -> Read<Tool> {
    let function: FunctionIn<'_> = serde_json::from_str(raw.get())?;
    Ok(Tool::Function {
        name: function.name.into_string(),
        description: function.description.map(Str::into_string),
        schema: function.parameters.map(Json::from),
        strict: function.strict,
        cache: None,
        extra: hints(function.rest),
    })
}

/// The older form of `tool_choice`.
fn function_call(wire: TextOr<'_, NamedIn<'_>>) -> Read<Option<ToolChoice>> {
    match wire {
        TextOr::Null => Ok(None),
        TextOr::Rich(function) => Ok(Some(ToolChoice::Tool(name(function)))),
        TextOr::Text(word) => match &*word {
            "auto" => Ok(Some(ToolChoice::Auto)),
            "none" => Ok(Some(ToolChoice::None)),
            other => Err(Error::custom(format_args!("function_call: unknown word `{other}`"))),
        },
    }
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
        TextOr::Rich(choice) => {
            match (&*choice.kind, choice.function.or(choice.custom), choice.allowed_tools) {
                ("function" | "custom", Some(tool), _) => ToolChoice::Tool(name(tool)),
                ("allowed_tools", _, Some(allowed)) => ToolChoice::Allowed {
                    required: &*allowed.mode == "required",
                    names: allowed
                        .tools
                        .into_iter()
                        .filter_map(|tool| tool.function.or(tool.custom))
                        .map(name)
                        .collect(),
                },
                (other, ..) => return Err(Error::custom(format_args!("tool_choice: cannot read `{other}`"))),
            }
        }
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

fn service_tier(tier: Str<'_>) -> ServiceTier {
    match &*tier {
        "auto" => ServiceTier::Auto,
        "default" => ServiceTier::Standard,
        other => ServiceTier::Other(other.to_owned()),
    }
}
