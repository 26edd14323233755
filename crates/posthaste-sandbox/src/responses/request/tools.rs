//! Tools and their choice.

use serde_json::Value;

use crate::{
    brain::{self, Input, ToolMode},
    error::ApiError,
    openai::{place::Place, tool},
};

/// A declared tool.
#[derive(Clone, Copy)]
pub(in crate::responses) struct Tool<'a> {
    pub(in crate::responses) tool: brain::Tool<'a>,
    pub(in crate::responses) raw: &'a Value,
}

/// The tools that may be called, and which of them to call.
pub(super) fn read<'a>(root: &Place<'a>) -> Result<(Vec<Tool<'a>>, ToolMode<'a>), ApiError> {
    let mut tools = root.items("tools", read_tool)?;
    let Some(choice) = root.key("tool_choice") else { return Ok((tools, ToolMode::Auto)) };
    let mode = read_choice(&choice, &mut tools)?;
    match mode {
        ToolMode::Any if tools.is_empty() => {
            Err(choice.error("Tool choice 'required' must be specified with 'tools' parameter."))
        }
        ToolMode::Named(name) if !tools.iter().any(|tool| tool.tool.name == name) => {
            let kind = choice.value()["type"].as_str().unwrap_or("function");
            Err(choice.error(&format!("Tool choice '{kind}' not found in 'tools' parameter.")))
        }
        _ => Ok((tools, mode)),
    }
}

fn read_tool<'a>(place: &Place<'a>) -> Result<Tool<'a>, ApiError> {
    let kind = place.required("type")?;
    let tool = match kind.text()? {
        // The vendor makes schemas strict by itself where that works.
        "function" => tool::function(place, false)?,
        "custom" => tool::custom(place)?,
        hosted => {
            kind.among(KINDS)?;
            brain::Tool { name: hosted, input: Input::Hosted }
        }
    };
    Ok(Tool { tool, raw: place.value() })
}

/// `allowed_tools` takes away the tools that are not allowed.
fn read_choice<'a>(choice: &Place<'a>, tools: &mut Vec<Tool<'a>>) -> Result<ToolMode<'a>, ApiError> {
    if choice.value().is_string() {
        return read_mode(choice);
    }
    choice.object()?;
    match choice.required("type")?.text()? {
        "function" | "custom" => Ok(ToolMode::Named(choice.required("name")?.text()?)),
        "allowed_tools" => {
            let names = choice.items("tools", |tool| Ok(tool.key("name").map(|name| name.text())))?;
            let names: Vec<_> = names.into_iter().flatten().collect::<Result<_, _>>()?;
            tools.retain(|tool| names.contains(&tool.tool.name));
            read_mode(&choice.required("mode")?)
        }
        // A tool that the vendor runs itself: here nobody does.
        _ => Ok(ToolMode::Auto),
    }
}

fn read_mode<'a>(place: &Place<'a>) -> Result<ToolMode<'a>, ApiError> {
    Ok(match place.among(&["none", "auto", "required"])? {
        "none" => ToolMode::None,
        "required" => ToolMode::Any,
        _ => ToolMode::Auto,
    })
}

const KINDS: &[&str] = &[
    "apply_patch",
    "code_interpreter",
    "computer",
    "computer_use_preview",
    "custom",
    "file_search",
    "function",
    "image_generation",
    "local_shell",
    "mcp",
    "namespace",
    "programmatic_tool_calling",
    "shell",
    "tool_search",
    "web_search",
    "web_search_preview",
];
