//! What the model may call.

use std::borrow::Cow;

use posthaste_core::Dialect;
use serde::Serialize;
use serde_json::value::RawValue;

use super::write::Nested;
use crate::{
    TranslateError,
    anthropic::{input_schema, no_parameters},
    bedrock::{DIALECT, block::CachePointOut},
    ir::{Content, Json, Request, Tool, ToolChoice},
    json::Fields,
    loss::Losses,
};

/// `toolConfig` as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolConfigOut<'a> {
    tools: Vec<ToolOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoiceOut<'a>>,
    #[serde(flatten)]
    extra: Nested<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum ToolOut<'a> {
    ToolSpec(ToolSpecOut<'a>),
    CachePoint(CachePointOut<'a>),
    #[serde(untagged)]
    Hosted(&'a RawValue),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolSpecOut<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: SchemaOut<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    #[serde(flatten)]
    extra: Fields<'a>,
}

#[derive(Serialize)]
struct SchemaOut<'a> {
    json: Cow<'a, Json>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum ToolChoiceOut<'a> {
    Auto {},
    Any {},
    Tool { name: &'a str },
}

/// The tools and the choice among them.
///
/// A history with calls is refused without tools, so that they are declared after it where none are given; no choice
/// forbids to call them, since the API has none that does.
pub(super) fn tool_config<'a>(
    request: &'a Request,
    losses: &mut Losses,
) -> Result<Option<ToolConfigOut<'a>>, TranslateError> {
    let own = request.dialect == DIALECT;
    let names = called(request);
    let forbidden = request.tool_choice == Some(ToolChoice::None);
    if forbidden && names.is_empty() {
        return Ok(None);
    }
    let extra = if own { Nested::new(&request.extra, PREFIX) } else { Nested::default() };
    let tools = declared(request, own, losses)?;
    if tools.is_empty() {
        losses.dropped_if(request.tool_choice.is_some() && !forbidden, "tool_choice");
        if names.is_empty() || own {
            return Ok(None);
        }
        losses.degraded("tools", "declared after the history, since none were given");
        let tools = names.into_iter().map(stub).collect();
        return Ok(Some(ToolConfigOut { tools, tool_choice: None, extra }));
    }
    if forbidden {
        losses.degraded("tool_choice", "left to the model, since the history has calls");
    }
    // `true` says what holds anyway.
    losses.dropped_if(request.parallel_tool_calls == Some(false), parallel_field(request.dialect));
    Ok(Some(ToolConfigOut { tools, tool_choice: tool_choice(request.tool_choice.as_ref()), extra }))
}

pub(super) const PREFIX: &str = "toolConfig.";

/// The names of the tools that the history calls.
fn called(request: &Request) -> Vec<&str> {
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    let mut names: Vec<&str> = parts
        .filter_map(|part| match &part.content {
            Content::ToolCall(call) => Some(call.name.as_str()),
            _ => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn stub(name: &str) -> ToolOut<'_> {
    let input_schema = SchemaOut { json: Cow::Owned(no_parameters()) };
    let extra = Fields(&[]);
    ToolOut::ToolSpec(ToolSpecOut { name, description: None, input_schema, strict: None, extra })
}

fn declared<'a>(
    request: &'a Request,
    own: bool,
    losses: &mut Losses,
) -> Result<Vec<ToolOut<'a>>, TranslateError> {
    let mut tools = Vec::with_capacity(request.tools.len());
    let allowed = request.allowed_tools();
    let is_allowed = |name: &String| allowed.as_ref().is_none_or(|names| names.contains(name.as_str()));
    for tool in &request.tools {
        match tool {
            Tool::Hosted { value, .. } if own => tools.push(ToolOut::Hosted(value.as_raw())),
            Tool::Hosted { kind: name, .. } | Tool::Custom { name, .. } => {
                return Err(TranslateError::inexpressible(format!("tools.{name}"), DIALECT));
            }
            Tool::Function { name, .. } if !is_allowed(name) => {}
            Tool::Function { name, description, schema, strict, cache, extra } => {
                if !own {
                    losses.foreign("tools", extra, DIALECT)?;
                }
                tools.push(ToolOut::ToolSpec(ToolSpecOut {
                    name,
                    // Empty ones are refused (`NonEmptyString`).
                    description: description.as_deref().filter(|description| own || !description.is_empty()),
                    input_schema: SchemaOut { json: input_schema(schema.as_ref()) },
                    // Only some models take the field.
                    strict: strict.filter(|strict| own || *strict),
                    extra: Fields(if own { extra } else { &[] }),
                }));
                let mark = cache.as_ref().map(|hint| CachePointOut::new(hint, own));
                tools.extend(mark.map(ToolOut::CachePoint));
            }
        }
    }
    Ok(tools)
}

fn tool_choice(choice: Option<&ToolChoice>) -> Option<ToolChoiceOut<'_>> {
    match choice? {
        ToolChoice::Auto | ToolChoice::Allowed { required: false, .. } => Some(ToolChoiceOut::Auto {}),
        ToolChoice::Any | ToolChoice::Allowed { required: true, .. } => Some(ToolChoiceOut::Any {}),
        ToolChoice::Tool(name) => Some(ToolChoiceOut::Tool { name }),
        ToolChoice::None => None,
    }
}

/// The field that forbids several calls at once, in the words of the client.
const fn parallel_field(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::AnthropicMessages => "tool_choice.disable_parallel_tool_use",
        _ => "parallel_tool_calls",
    }
}
