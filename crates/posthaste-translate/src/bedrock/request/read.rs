//! A body to the neutral form.

use serde::{Deserialize, de::Error};
use serde_json::{Number, value::RawValue};

use super::additional::{self, Additional, AdditionalIn};
use crate::{
    TranslateError,
    bedrock::{
        DIALECT,
        block::{CachePointIn, Parts, parts},
    },
    ir::{
        CacheHint, Effort, Extra, Json, Message, OutputFormat, OutputSchema, Reasoning, Request, Role,
        Sampling, ServiceTier, Tool, ToolChoice, Weight,
    },
    json::{self, Rest, Str, at, extras, hints, wire_object},
};

type Read<T> = Result<T, serde_json::Error>;

/// Reads a request. The model and the wish for a stream stand in the path.
pub(in crate::bedrock) fn decode_request(body: &[u8]) -> Result<Request, TranslateError> {
    let malformed = |source| TranslateError::Malformed { dialect: DIALECT, source };
    json::read::<RequestIn<'_>>(body).and_then(request).map_err(malformed)
}

wire_object! {
    /// A request, also as the question how many tokens it has.
    pub(in crate::bedrock) struct RequestIn<'a> {
        // SDKs' own logs have the model here, the wire has it in the path.
        _model: Option<&'a RawValue> = "modelId",
        messages: Option<Vec<MessageIn<'a>>> = "messages",
        system: Option<Vec<&'a RawValue>> = "system",
        inference: Option<InferenceIn<'a>> = "inferenceConfig",
        tools: Option<ToolConfigIn<'a>> = "toolConfig",
        output: Option<OutputConfigIn<'a>> = "outputConfig",
        additional: Option<AdditionalIn<'a>> = "additionalModelRequestFields",
        service_tier: Option<TierIn<'a>> = "serviceTier",
    }
}

wire_object! {
    struct MessageIn<'a> {
        role: Str<'a> = "role",
        content: Option<Vec<&'a RawValue>> = "content",
    }
}

wire_object! {
    struct InferenceIn<'a> {
        max_tokens: Option<u64> = "maxTokens",
        temperature: Option<Number> = "temperature",
        top_p: Option<Number> = "topP",
        stop_sequences: Option<Vec<Str<'a>>> = "stopSequences",
    }
}

wire_object! {
    struct ToolConfigIn<'a> {
        tools: Option<Vec<&'a RawValue>> = "tools",
        choice: Option<ToolChoiceIn<'a>> = "toolChoice",
    }
}

wire_object! {
    struct ToolIn<'a> {
        spec: Option<ToolSpecIn<'a>> = "toolSpec",
        cache_point: Option<CachePointIn<'a>> = "cachePoint",
    }
}

wire_object! {
    struct ToolSpecIn<'a> {
        name: Str<'a> = "name",
        description: Option<Str<'a>> = "description",
        schema: Option<SchemaIn<'a>> = "inputSchema",
        strict: Option<bool> = "strict",
    }
}

#[derive(Debug, Deserialize)]
struct SchemaIn<'a> {
    #[serde(borrow)]
    json: Option<&'a RawValue>,
}

wire_object! {
    struct ToolChoiceIn<'a> {
        auto: Option<&'a RawValue> = "auto",
        any: Option<&'a RawValue> = "any",
        tool: Option<NamedIn<'a>> = "tool",
    }
}

#[derive(Debug, Deserialize)]
struct NamedIn<'a> {
    #[serde(borrow)]
    name: Str<'a>,
}

wire_object! {
    struct OutputConfigIn<'a> {
        text_format: Option<TextFormatIn<'a>> = "textFormat",
        effort: Option<Str<'a>> = "effort",
    }
}

#[derive(Debug, Deserialize)]
struct TextFormatIn<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    structure: StructureIn<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StructureIn<'a> {
    #[serde(borrow)]
    json_schema: Option<JsonSchemaIn<'a>>,
}

#[derive(Debug, Deserialize)]
struct JsonSchemaIn<'a> {
    #[serde(borrow)]
    schema: Str<'a>,
    #[serde(borrow)]
    name: Option<Str<'a>>,
    #[serde(borrow)]
    description: Option<Str<'a>>,
}

/// `{"type"}`, in requests and answers.
#[derive(Debug, Deserialize)]
pub(in crate::bedrock) struct TierIn<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
}

/// The neutral form of a request.
pub(in crate::bedrock) fn request(wire: RequestIn<'_>) -> Read<Request> {
    let mut extra = extras(wire.rest, |field, _| weight(field));
    let inference = wire.inference.unwrap_or_default();
    extra.extend(under("inferenceConfig", inference.rest, |_| Weight::Unknown));
    let tools = wire.tools.unwrap_or_default();
    extra.extend(under("toolConfig", tools.rest, |_| Weight::Unknown));
    let output = wire.output.unwrap_or_default();
    extra.extend(under("outputConfig", output.rest, |_| Weight::Unknown));
    let Additional { mut reasoning, sampling, extra: more } =
        additional::read(wire.additional.unwrap_or_default())
            .map_err(|error| at("additionalModelRequestFields", error))?;
    extra.extend(more);
    if let Some(word) = output.effort {
        let effort = Effort::parse(&word);
        reasoning = reasoning
            .or_else(|| effort.map(|effort| Reasoning { effort: Some(effort), ..Reasoning::default() }));
        // Written again in its own place; what it means is told by the neutral field.
        let weight = if effort.is_some() { Weight::Trivial } else { Weight::Unknown };
        extra.push(text_extra("outputConfig.effort", &word, weight));
    }
    Ok(Request {
        system: parts(wire.system.unwrap_or_default()).map_err(|error| at("system", error))?.parts,
        messages: messages(wire.messages.unwrap_or_default())?,
        tools: self::tools(tools.tools.unwrap_or_default())
            .map_err(|error| at("toolConfig: tools", error))?,
        tool_choice: tools.choice.and_then(tool_choice),
        max_tokens: inference.max_tokens,
        sampling: Sampling { temperature: inference.temperature, top_p: inference.top_p, ..sampling },
        stop: inference.stop_sequences.unwrap_or_default().into_iter().map(Str::into_string).collect(),
        output: output.text_format.map(output_format).transpose()?,
        reasoning,
        service_tier: wire.service_tier.map(service_tier),
        // The counts are always told.
        include_usage: true,
        old_functions: false,
        extra,
        ..Request::new(DIALECT, "")
    })
}

/// Fields of an object that the IR takes apart, by their dotted path.
pub(super) fn under(path: &str, rest: Rest<'_>, weight: impl Fn(&str) -> Weight) -> Vec<Extra> {
    let mut extra = extras(rest, |field, _| weight(field));
    extra.iter_mut().for_each(|extra| extra.field.insert_str(0, &format!("{path}.")));
    extra
}

fn text_extra(field: &str, text: &str, weight: Weight) -> Extra {
    let value = Json::parse(&serde_json::Value::from(text).to_string()).expect("a string is JSON");
    Extra { field: field.to_owned(), value, weight }
}

fn weight(field: &str) -> Weight {
    match field {
        // Without it the answer would not be checked; without them the prompt would have holes.
        "guardrailConfig" | "promptVariables" => Weight::Essential,
        "performanceConfig" | "requestMetadata" | "additionalModelResponseFieldPaths" => Weight::Hint,
        _ => Weight::Unknown,
    }
}

fn messages(wire: Vec<MessageIn<'_>>) -> Read<Vec<Message>> {
    let mut messages: Vec<Message> = Vec::with_capacity(wire.len());
    for MessageIn { role, content, rest } in wire {
        let role = match &*role {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            other => return Err(Error::custom(format_args!("messages: role: unknown role `{other}`"))),
        };
        let Parts { parts, leading } =
            parts(content.unwrap_or_default()).map_err(|error| at("messages: content", error))?;
        let before = messages.last_mut().and_then(|message| message.parts.last_mut());
        if let (Some(mark), Some(part)) = (leading, before) {
            part.cache.get_or_insert(mark);
        }
        messages.push(Message { role, parts, extra: hints(rest) });
    }
    Ok(messages)
}

/// A mark belongs to the tool before it; tools that are kept whole have no place for one.
fn tools(wire: Vec<&RawValue>) -> Read<Vec<Tool>> {
    let mut tools: Vec<Tool> = Vec::with_capacity(wire.len());
    for raw in wire {
        let ToolIn { spec, cache_point, rest } = serde_json::from_str(raw.get())?;
        match (spec, cache_point) {
            (Some(spec), _) => tools.push(function(spec)),
            (None, Some(mark)) => mark_last(&mut tools, mark.into_hint()),
            (None, None) => {
                let kind = rest.into_iter().find(|(_, value)| value.get() != "null");
                let kind = kind.map_or_else(|| "tool".to_owned(), |(kind, _)| kind.into_string());
                tools.push(Tool::Hosted { kind, value: Json::from(raw) });
            }
        }
    }
    Ok(tools)
}

fn mark_last(tools: &mut [Tool], mark: CacheHint) {
    let functions = tools.iter_mut().rev();
    let last = functions.into_iter().find_map(|tool| match tool {
        Tool::Function { cache, .. } => Some(cache),
        Tool::Custom { .. } | Tool::Hosted { .. } => None,
    });
    if let Some(cache) = last {
        cache.get_or_insert(mark);
    }
}

fn function(spec: ToolSpecIn<'_>) -> Tool {
    Tool::Function {
        name: spec.name.into_string(),
        description: spec.description.map(Str::into_string),
        schema: spec.schema.and_then(|schema| schema.json).map(Json::from),
        strict: spec.strict,
        cache: None,
        extra: hints(spec.rest),
    }
}

/// A choice of a kind that is not known is none: the model decides.
fn tool_choice(wire: ToolChoiceIn<'_>) -> Option<ToolChoice> {
    match wire {
        ToolChoiceIn { tool: Some(tool), .. } => Some(ToolChoice::Tool(tool.name.into_string())),
        ToolChoiceIn { any: Some(_), .. } => Some(ToolChoice::Any),
        ToolChoiceIn { auto: Some(_), .. } => Some(ToolChoice::Auto),
        ToolChoiceIn { .. } => None,
    }
}

/// The schema is a text there.
fn output_format(wire: TextFormatIn<'_>) -> Read<OutputFormat> {
    let ("json_schema", Some(wire)) = (&*wire.kind, wire.structure.json_schema) else {
        return Err(Error::custom("outputConfig: textFormat: only a `json_schema` with its schema is known"));
    };
    let schema = Json::parse(&wire.schema)
        .map_err(|error| Error::custom(format_args!("outputConfig: textFormat: schema: {error}")))?;
    Ok(OutputFormat::JsonSchema(OutputSchema {
        name: wire.name.map(Str::into_string),
        description: wire.description.map(Str::into_string),
        schema,
        strict: None,
    }))
}

/// The tier, in requests and answers.
pub(in crate::bedrock) fn service_tier(wire: TierIn<'_>) -> ServiceTier {
    match &*wire.kind {
        "default" => ServiceTier::Standard,
        other => ServiceTier::Other(other.to_owned()),
    }
}
