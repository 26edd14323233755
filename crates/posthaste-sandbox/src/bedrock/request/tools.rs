//! `toolConfig`.

use serde_json::Value;

use super::{
    super::place::{Place, constraint},
    block::{Marked, read_mark},
};
use crate::{
    brain::{self, Input, ToolChoice, ToolMode},
    error::ApiError,
};

/// Declared tools and their choice.
pub(in crate::bedrock) struct Tools<'a> {
    pub(in crate::bedrock) tools: Vec<Marked<Tool<'a>>>,
    pub(in crate::bedrock) choice: ToolChoice<'a>,
}

/// A declared tool.
pub(in crate::bedrock) struct Tool<'a> {
    pub(in crate::bedrock) tool: brain::Tool<'a>,
    pub(in crate::bedrock) raw: &'a Value,
}

impl<'a> Tools<'a> {
    pub(super) fn read(config: &Place<'a>) -> Result<Self, ApiError> {
        config.only(&["tools", "toolChoice"])?;
        let tools = config.required("tools")?.list()?.iter().map(read_tool).collect::<Result<Vec<_>, _>>()?;
        if tools.is_empty() {
            let value = format!("Value '[]' at '{}.tools'", config.path());
            return Err(constraint(&value, "Member must have length greater than or equal to 1"));
        }
        let mode = config.optional("toolChoice", read_choice)?.unwrap_or(ToolMode::Auto);
        Ok(Self { tools, choice: ToolChoice { mode, parallel: true } })
    }

    /// The tools alone.
    pub(in crate::bedrock) fn declared(&self) -> impl Iterator<Item = &Tool<'a>> {
        self.tools.iter().filter_map(Marked::item)
    }
}

fn read_tool<'a>(place: &Place<'a>) -> Result<Marked<Tool<'a>>, ApiError> {
    place.only(&["toolSpec", "systemTool", "cachePoint"])?;
    if let Some(point) = place.key("cachePoint") {
        return Ok(Marked::Mark(read_mark(&point)?));
    }
    if let Some(hosted) = place.key("systemTool") {
        let name = hosted.required("name")?.text()?;
        return Ok(Marked::Item(Tool {
            tool: brain::Tool { name, input: Input::Hosted },
            raw: place.value(),
        }));
    }
    let spec = place.required("toolSpec")?;
    spec.only(&["name", "description", "inputSchema", "strict"])?;
    let name = spec.required("name")?;
    let text = name.text()?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if text.is_empty() || text.len() > MAX_NAME || !text.bytes().all(fits) {
        let value = format!("Value '{text}' at '{}'", name.path());
        return Err(constraint(&value, "Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+"));
    }
    if let Some(description) = spec.key("description")
        && description.text()?.is_empty()
    {
        let value = format!("Value '' at '{}'", description.path());
        return Err(constraint(&value, "Member must have length greater than or equal to 1"));
    }
    let schema = spec.required("inputSchema")?.required("json")?;
    if schema.object()?.get("type").and_then(Value::as_str) != Some("object") {
        let message = format!(
            "The value at {}.type must be one of the following: object.",
            schema.path().replace(".member", "")
        );
        return Err(schema.error(&message));
    }
    Ok(Marked::Item(Tool {
        tool: brain::Tool { name: text, input: Input::Schema(schema.value()) },
        raw: place.value(),
    }))
}

/// There is no choice of none here.
fn read_choice<'a>(choice: &Place<'a>) -> Result<ToolMode<'a>, ApiError> {
    choice.only(&["auto", "any", "tool"])?;
    if let Some(tool) = choice.key("tool") {
        return Ok(ToolMode::Named(tool.required("name")?.text()?));
    }
    if choice.key("any").is_some() {
        return Ok(ToolMode::Any);
    }
    choice.required("auto")?.object()?;
    Ok(ToolMode::Auto)
}

const MAX_NAME: usize = 64;
