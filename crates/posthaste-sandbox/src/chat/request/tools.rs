//! Tools and their choice.

use serde_json::Value;

use crate::{
    brain::{self, ToolMode},
    error::ApiError,
    openai::{place::Place, tool},
};

/// A declared tool.
#[derive(Clone, Copy)]
pub(in crate::chat) struct Tool<'a> {
    pub(in crate::chat) tool: brain::Tool<'a>,
    pub(in crate::chat) raw: &'a Value,
}

/// The tools that may be called, and which of them to call.
pub(super) fn read<'a>(root: &Place<'a>) -> Result<(Vec<Tool<'a>>, Option<ToolMode<'a>>), ApiError> {
    let mut tools = root.items("tools", read_tool)?;
    if tools.len() > MAX_TOOLS {
        let message = format!(
            "Invalid 'tools': array too long. Expected an array with maximum length {MAX_TOOLS}, but got an array \
             with length {} instead.",
            tools.len()
        );
        return Err(ApiError::invalid(message).about("tools").coded("array_above_max_length"));
    }
    let Some(choice) = root.key("tool_choice") else { return Ok((tools, None)) };
    if tools.is_empty() {
        let message =
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.";
        return Err(choice.error(message));
    }
    let mode = read_choice(&choice, &mut tools)?;
    if let ToolMode::Named(name) = mode
        && !tools.iter().any(|tool| tool.tool.name == name)
    {
        let message = format!("Tool choice '{name}' not found in 'tools' parameter.");
        return Err(choice.error(&message));
    }
    Ok((tools, Some(mode)))
}

fn read_tool<'a>(place: &Place<'a>) -> Result<Tool<'a>, ApiError> {
    let tool = match place.required("type")?.among(&["function", "custom"])? {
        "custom" => tool::custom(&place.required("custom")?)?,
        _ => tool::function(&place.required("function")?, false)?,
    };
    Ok(Tool { tool, raw: place.value() })
}

/// `allowed_tools` takes away the tools that are not allowed.
fn read_choice<'a>(choice: &Place<'a>, tools: &mut Vec<Tool<'a>>) -> Result<ToolMode<'a>, ApiError> {
    if choice.value().is_string() {
        return read_mode(choice);
    }
    choice.object()?;
    match choice.required("type")?.among(&["function", "custom", "allowed_tools"])? {
        "allowed_tools" => {
            let allowed = choice.required("allowed_tools")?;
            let named = |tool: &Place<'a>| {
                let kind = tool.required("type")?.text()?;
                tool.required(kind)?.required("name")?.text()
            };
            let names = allowed.items("tools", named)?;
            tools.retain(|tool| names.contains(&tool.tool.name));
            read_mode(&allowed.required("mode")?)
        }
        kind => Ok(ToolMode::Named(choice.required(kind)?.required("name")?.text()?)),
    }
}

fn read_mode<'a>(place: &Place<'a>) -> Result<ToolMode<'a>, ApiError> {
    Ok(match place.among(&["none", "auto", "required"])? {
        "none" => ToolMode::None,
        "required" => ToolMode::Any,
        _ => ToolMode::Auto,
    })
}

const MAX_TOOLS: usize = 128;
