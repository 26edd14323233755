//! The neutral form to a body.

use std::{borrow::Cow, collections::HashSet};

use posthaste_core::Dialect;
use serde::Serialize;
use serde_json::{Number, value::RawValue};

use super::{
    thinking::{Controls, ThinkingOut, controls},
    turns::{TurnOut, text_or_blocks, turns},
};
use crate::{
    Encoded, Target, TranslateError,
    anthropic::block::{BlockOut, CacheControlOut, Origin, Place, block, text_block},
    ir::{Content, Json, OutputFormat, OutputSchema, Request, ServiceTier, Tool, ToolChoice},
    json::{self, Fields},
    loss::Losses,
};

const DIALECT: Dialect = Dialect::AnthropicMessages;

/// Writes a request.
pub(in crate::anthropic) fn encode_request(request: &Request, _: &Target) -> Result<Encoded, TranslateError> {
    encode(request, Purpose::Answer)
}

/// What a request is written for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be answered.
    Answer,
    /// To be counted, where a cap on the answer is refused.
    Count,
}

/// Writes a request or the question what it would cost.
pub(in crate::anthropic) fn encode(request: &Request, purpose: Purpose) -> Result<Encoded, TranslateError> {
    let mut losses = Losses::default();
    let own = request.dialect == DIALECT;
    let Controls { thinking, effort, max_tokens, temperature, top_p, top_k } =
        controls(request, own, purpose, &mut losses);
    let mut messages = turns(request, &mut losses)?;
    let mut system = system(request, &mut losses)?;
    if messages.is_empty() {
        messages = vec![only_system(std::mem::take(&mut system), &mut losses)?];
    }
    let (tools, stubbed) = tools(request, &mut losses)?;
    let wire = RequestOut {
        model: &request.model,
        max_tokens,
        system,
        messages,
        tool_choice: tool_choice(request, !tools.is_empty(), stubbed, &mut losses),
        tools,
        thinking,
        output_config: output_config(request, effort, &mut losses),
        temperature,
        top_p,
        top_k,
        stop_sequences: stop_sequences(request, own, &mut losses),
        metadata: request.user.as_deref().map(|user_id| MetadataOut { user_id }),
        service_tier: service_tier(request.service_tier.as_ref(), own, &mut losses),
        stream: request.stream,
        extra: Fields(extra(request, own, &mut losses)?),
    };
    let mut body = Vec::with_capacity(1_024);
    json::write(&mut body, &wire);
    Ok(Encoded { body: body.into(), losses: losses.into_vec() })
}

#[derive(Serialize)]
struct RequestOut<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "text_or_blocks")]
    system: Vec<BlockOut<'a>>,
    messages: Vec<TurnOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoiceOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<ThinkingOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfigOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<MetadataOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(flatten)]
    extra: Fields<'a>,
}

#[derive(Serialize)]
struct MetadataOut<'a> {
    user_id: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ToolOut<'a> {
    Function {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        input_schema: Cow<'a, Json>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControlOut<'a>>,
        #[serde(flatten)]
        extra: Fields<'a>,
    },
    Hosted(&'a RawValue),
}

#[derive(Serialize)]
struct ToolChoiceOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Serialize)]
struct OutputConfigOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<FormatOut<'a>>,
}

#[derive(Serialize)]
struct FormatOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    schema: &'a RawValue,
}

fn system<'a>(request: &'a Request, losses: &mut Losses) -> Result<Vec<BlockOut<'a>>, TranslateError> {
    let mut blocks = Vec::with_capacity(request.system.len());
    for part in &request.system {
        blocks.extend(block(part, Origin { dialect: request.dialect, place: Place::System }, None, losses)?);
    }
    if matches!(request.output, Some(OutputFormat::JsonObject)) {
        losses.degraded("response_format", "carried as an instruction");
        blocks.push(text_block(ONLY_JSON));
    }
    Ok(blocks)
}

const ONLY_JSON: &str = "Answer with a single JSON object and nothing else.";

/// A request of instructions alone, which Chat takes and this API does not: they become the user's turn.
fn only_system<'a>(system: Vec<BlockOut<'a>>, losses: &mut Losses) -> Result<TurnOut<'a>, TranslateError> {
    if system.is_empty() {
        return Err(TranslateError::invalid("messages", "must hold at least one message with content"));
    }
    losses.degraded("messages.system", "carried as the user's turn, since there is no other");
    Ok(TurnOut::user(system))
}

/// The tools, and whether they only stand in for those that the history names.
fn tools<'a>(request: &'a Request, losses: &mut Losses) -> Result<(Vec<ToolOut<'a>>, bool), TranslateError> {
    let own = request.dialect == DIALECT;
    if request.tools.is_empty() && !own {
        let stubs = stubs(request);
        let stubbed = !stubs.is_empty();
        if stubbed {
            losses.degraded("tools", "declared after the history, since none were given");
        }
        return Ok((stubs, stubbed));
    }
    let mut tools = Vec::with_capacity(request.tools.len());
    let allowed = request.allowed_tools();
    for tool in request.tools.iter().filter(|tool| is_allowed(tool, allowed.as_ref())) {
        tools.push(tool_out(tool, own, losses)?);
    }
    if !own {
        limit_strict(&mut tools, losses);
    }
    Ok((tools, false))
}

fn stubs(request: &Request) -> Vec<ToolOut<'_>> {
    let mut names: Vec<&str> = Vec::new();
    for part in request.messages.iter().flat_map(|message| &message.parts) {
        if let Content::ToolCall(call) = &part.content {
            names.push(&call.name);
        }
    }
    names.sort_unstable();
    names.dedup();
    let stub = |name| ToolOut::Function {
        name,
        description: None,
        input_schema: Cow::Owned(no_parameters()),
        strict: None,
        cache_control: None,
        extra: Fields(&[]),
    };
    names.into_iter().map(stub).collect()
}

fn is_allowed(tool: &Tool, allowed: Option<&HashSet<&str>>) -> bool {
    match (tool, allowed) {
        (Tool::Function { name, .. }, Some(names)) => names.contains(name.as_str()),
        _ => true,
    }
}

fn tool_out<'a>(tool: &'a Tool, own: bool, losses: &mut Losses) -> Result<ToolOut<'a>, TranslateError> {
    let (name, description, schema, strict, cache, extra) = match tool {
        Tool::Hosted { value, .. } if own => return Ok(ToolOut::Hosted(value.as_raw())),
        Tool::Custom { name, .. } => {
            return Err(TranslateError::inexpressible(format!("tools.{name}"), DIALECT));
        }
        Tool::Hosted { kind, .. } => {
            return Err(TranslateError::inexpressible(format!("tools.{kind}"), DIALECT));
        }
        Tool::Function { name, description, schema, strict, cache, extra } => {
            (name, description, schema, strict, cache, extra)
        }
    };
    let extra = if own {
        Fields(extra)
    } else {
        losses.foreign("tools", extra, DIALECT)?;
        Fields(&[])
    };
    Ok(ToolOut::Function {
        name,
        description: description.as_deref(),
        input_schema: input_schema(schema.as_ref()),
        strict: *strict,
        cache_control: cache.as_ref().map(|hint| CacheControlOut::new(hint, own, losses)),
        extra,
    })
}

/// The schema must be an object's at its root, also for a tool without arguments.
pub(crate) fn input_schema(schema: Option<&Json>) -> Cow<'_, Json> {
    #[derive(serde::Deserialize)]
    struct Root<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<&'a RawValue>,
    }
    let Some(schema) = schema else { return Cow::Owned(no_parameters()) };
    let text = schema.as_str().trim();
    match serde_json::from_str::<Root<'_>>(text) {
        Ok(Root { kind: Some(_) }) => Cow::Borrowed(schema),
        Ok(Root { kind: None }) if text.starts_with('{') && text[1..].trim_start() != "}" => {
            let typed = format!("{{\"type\":\"object\",{}", &text[1..]);
            Json::parse(&typed).map_or(Cow::Borrowed(schema), Cow::Owned)
        }
        Ok(_) | Err(_) => Cow::Owned(no_parameters()),
    }
}

/// The schema of a tool without arguments.
pub(crate) fn no_parameters() -> Json {
    Json::parse(r#"{"type":"object","properties":{}}"#).expect("the literal is JSON")
}

/// Anthropic answers 400 to more than twenty strict tools.
fn limit_strict(tools: &mut [ToolOut<'_>], losses: &mut Losses) {
    let mut left = MOST_STRICT_TOOLS;
    for tool in tools {
        let ToolOut::Function { strict, .. } = tool else { continue };
        match strict {
            Some(true) if left == 0 => {
                *strict = None;
                losses.degraded("tools.strict", "kept for the first twenty tools only");
            }
            Some(true) => left -= 1,
            _ => {}
        }
    }
}

const MOST_STRICT_TOOLS: u32 = 20;

fn tool_choice<'a>(
    request: &'a Request,
    has_tools: bool,
    stubbed: bool,
    losses: &mut Losses,
) -> Option<ToolChoiceOut<'a>> {
    let choice = |kind, name| ToolChoiceOut { kind, name, disable_parallel_tool_use: None };
    if stubbed {
        return Some(choice("none", None));
    }
    if !has_tools {
        losses.dropped_if(request.tool_choice.is_some(), "tool_choice");
        losses.dropped_if(request.parallel_tool_calls.is_some(), "parallel_tool_calls");
        return None;
    }
    let mut wire = match &request.tool_choice {
        // The same as not saying anything, unless a flag has to be carried.
        None if request.parallel_tool_calls != Some(false) => return None,
        None | Some(ToolChoice::Auto | ToolChoice::Allowed { required: false, .. }) => choice("auto", None),
        Some(ToolChoice::Any | ToolChoice::Allowed { required: true, .. }) => choice("any", None),
        Some(ToolChoice::Tool(name)) => choice("tool", Some(name.as_str())),
        Some(ToolChoice::None) => return Some(choice("none", None)),
    };
    wire.disable_parallel_tool_use = request.parallel_tool_calls.map(|parallel| !parallel).filter(|off| *off);
    Some(wire)
}

fn output_config<'a>(
    request: &'a Request,
    effort: Option<&'static str>,
    losses: &mut Losses,
) -> Option<OutputConfigOut<'a>> {
    let format = match &request.output {
        Some(OutputFormat::JsonSchema(OutputSchema { name, description, schema, strict })) => {
            losses.dropped_if(name.is_some(), "response_format.json_schema.name");
            losses.dropped_if(description.is_some(), "response_format.json_schema.description");
            if *strict == Some(false) {
                losses.degraded("response_format.json_schema.strict", "always strict");
            }
            Some(FormatOut { kind: "json_schema", schema: schema.as_raw() })
        }
        Some(OutputFormat::JsonObject) | None => None,
    };
    (effort.is_some() || format.is_some()).then_some(OutputConfigOut { effort, format })
}

fn stop_sequences<'a>(request: &'a Request, own: bool, losses: &mut Losses) -> Vec<&'a str> {
    let blank = |stop: &&str| !own && stop.trim().is_empty();
    let (refused, taken): (Vec<_>, Vec<_>) = request.stop.iter().map(String::as_str).partition(blank);
    if !refused.is_empty() {
        losses.degraded("stop", "less its sequences of white space alone, which the upstream refuses");
    }
    taken
}

fn service_tier<'a>(tier: Option<&'a ServiceTier>, own: bool, losses: &mut Losses) -> Option<&'a str> {
    match tier? {
        ServiceTier::Auto => Some("auto"),
        ServiceTier::Standard => Some("standard_only"),
        ServiceTier::Other(name) if own => Some(name),
        ServiceTier::Other(_) => {
            losses.dropped("service_tier");
            None
        }
    }
}

/// The request's own extras; those of another dialect are named.
fn extra<'a>(
    request: &'a Request,
    own: bool,
    losses: &mut Losses,
) -> Result<&'a [crate::ir::Extra], TranslateError> {
    if own {
        return Ok(&request.extra);
    }
    losses.foreign("", &request.extra, DIALECT)?;
    Ok(&[])
}
