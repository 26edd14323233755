//! Tools and their choice.

use serde_json::Value;

use super::super::{place::Place, schema};
use crate::{
    brain::{Input, Tool, ToolChoice, ToolMode},
    error::ApiError,
};

/// The functions that may be called, and which of them to call.
pub(in crate::gemini) struct Tools<'a> {
    pub(in crate::gemini) functions: Vec<Tool<'a>>,
    raw: Vec<&'a Value>,
    pub(in crate::gemini) choice: ToolChoice<'a>,
}

impl<'a> Tools<'a> {
    pub(super) fn read(root: &Place<'a>) -> Result<Self, ApiError> {
        let mut functions = Vec::new();
        let mut raw = Vec::new();
        if let Some(tools) = root.key("tools") {
            for tool in tools.list()? {
                tool.only(TOOLS)?;
                for function in tool
                    .items("functionDeclarations", |function| Ok(function.value()))?
                    .into_iter()
                    .enumerate()
                {
                    let path = format!("{}.function_declarations[{}]", tool.path(), function.0);
                    functions.push(read_function(&Place::at(function.1, path))?);
                    raw.push(function.1);
                }
            }
        }
        let mut names: Vec<_> = functions.iter().map(|function: &Tool<'_>| function.name).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ApiError::invalid(format!("Duplicate function declaration found: {}", pair[0])));
        }
        let mode = read_mode(root, &mut functions)?;
        Ok(Self { functions, raw, choice: ToolChoice { mode, parallel: true } })
    }

    /// The declarations as they came.
    pub(in crate::gemini) fn raw(&self) -> impl Iterator<Item = &'a Value> {
        self.raw.iter().copied()
    }
}

fn read_function<'a>(place: &Place<'a>) -> Result<Tool<'a>, ApiError> {
    place.only(&[
        "name",
        "description",
        "parameters",
        "parametersJsonSchema",
        "response",
        "responseJsonSchema",
        "behavior",
    ])?;
    let name = place.required("name")?.text()?;
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    if !begins || name.len() > MAX_NAME || !name.bytes().all(fits) {
        return Err(ApiError::invalid(format!(
            "* GenerateContentRequest.{}.name: Invalid function name. Must start with a letter or an underscore. Must \
             be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum \
             length of {MAX_NAME}.\n",
            place.path()
        )));
    }
    let own = place.key("parameters");
    if let Some(parameters) = &own {
        schema::check(parameters)?;
    }
    let json = place.key("parametersJsonSchema");
    if own.is_some() && json.is_some() {
        return Err(ApiError::invalid("Only one of parameters and parameters_json_schema may be set."));
    }
    let input = own.or(json).map_or(Input::Nothing, |schema| Input::Schema(schema.value()));
    Ok(Tool { name, input })
}

/// Allowed names take away the functions that are not allowed.
fn read_mode<'a>(root: &Place<'a>, functions: &mut Vec<Tool<'a>>) -> Result<ToolMode<'a>, ApiError> {
    let Some(config) = root.key("toolConfig") else { return Ok(ToolMode::Auto) };
    config.only(&["functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations"])?;
    let Some(config) = config.key("functionCallingConfig") else { return Ok(ToolMode::Auto) };
    config.only(&["mode", "allowedFunctionNames", "streamFunctionCallArguments"])?;
    let mode = match config.key("mode") {
        None => "AUTO",
        Some(mode) => {
            let upper = mode.text()?.to_ascii_uppercase();
            match MODES.iter().find(|known| **known == upper) {
                Some(known) => known,
                None => mode.among(MODES)?,
            }
        }
    };
    let allowed = config.items("allowedFunctionNames", Place::text)?;
    if !allowed.is_empty() {
        if !matches!(mode, "ANY" | "VALIDATED") {
            return Err(ApiError::invalid(
                "Allowed function names can only be set when the function calling mode is ANY or VALIDATED.",
            ));
        }
        if let Some(unknown) = allowed.iter().find(|name| !functions.iter().any(|tool| tool.name == **name)) {
            return Err(ApiError::invalid(format!(
                "Allowed function name {unknown} is not in the function declarations."
            )));
        }
        functions.retain(|tool| allowed.contains(&tool.name));
    }
    if mode == "ANY" && functions.is_empty() {
        return Err(ApiError::invalid("Function calling config is set without function_declarations."));
    }
    Ok(match mode {
        "ANY" => ToolMode::Any,
        "NONE" => ToolMode::None,
        _ => ToolMode::Auto,
    })
}

const MODES: &[&str] = &["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"];
const MAX_NAME: usize = 64;
const TOOLS: &[&str] = &[
    "codeExecution",
    "computerUse",
    "enterpriseWebSearch",
    "exaAiSearch",
    "fileSearch",
    "functionDeclarations",
    "googleMaps",
    "googleSearch",
    "googleSearchRetrieval",
    "mcpServers",
    "parallelAiSearch",
    "retrieval",
    "urlContext",
];
