//! What the model may call, and whether it must.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    Loss, TranslateError,
    gemini::{
        DIALECT,
        extras::{At, extras, kept},
        schema,
        spelling::{List, camel},
    },
    ir::{Extra, Json, Request, Tool, ToolChoice, Weight},
    json::{Rest, Str, at, wire_object},
    loss::Losses,
};

wire_object! {
    /// One of possibly several objects, each with functions and hosted tools side by side.
    struct ToolIn<'a> {
        functions: List<'a> = "functionDeclarations" | "function_declarations",
    }
}

wire_object! {
    struct FunctionIn<'a> {
        name: Str<'a> = "name",
        description: Option<Str<'a>> = "description",
        parameters: Option<&'a RawValue> = "parameters",
        parameters_json_schema: Option<&'a RawValue> = "parametersJsonSchema" | "parameters_json_schema",
    }
}

wire_object! {
    pub(super) struct ToolConfigIn<'a> {
        calling: Option<CallingIn<'a>> = "functionCallingConfig" | "function_calling_config",
    }
}

wire_object! {
    struct CallingIn<'a> {
        mode: Option<Str<'a>> = "mode",
        names: Option<Vec<Str<'a>>> = "allowedFunctionNames" | "allowed_function_names",
    }
}

type Read<T> = Result<T, serde_json::Error>;

/// Reads the tools.
pub(super) fn tools(list: List<'_>) -> Read<Vec<Tool>> {
    let mut tools = Vec::new();
    for raw in list.0 {
        let wire: ToolIn<'_> = serde_json::from_str(raw.get()).map_err(|error| at("tools", error))?;
        for raw in wire.functions.0 {
            tools.push(function(raw).map_err(|error| at("tools: functionDeclarations", error))?);
        }
        tools.extend(hosted(wire.rest));
    }
    Ok(tools)
}

fn function(raw: &RawValue) -> Read<Tool> {
    let wire: FunctionIn<'_> = serde_json::from_str(raw.get())?;
    let mut extra = extras("", wire.rest, |_, _| Weight::Hint);
    let schema = match (wire.parameters_json_schema, wire.parameters) {
        (Some(schema), _) => Some(Json::from(schema)),
        (None, Some(own)) => {
            extra.push(kept("parameters", Json::from(own)));
            Some(schema::json_schema(own))
        }
        (None, None) => None,
    };
    Ok(Tool::Function {
        name: wire.name.into_string(),
        description: wire.description.map(Str::into_string),
        schema,
        strict: None,
        cache: None,
        extra,
    })
}

/// Everything else in a tool's object is a tool that Google runs.
fn hosted(rest: Rest<'_>) -> Vec<Tool> {
    let told = rest.into_iter().filter(|(_, value)| value.get() != "null");
    told.filter_map(|(name, value)| {
        let kind = camel(&name).into_owned();
        let declared = format!("{{{}:{}}}", serde_json::Value::from(&*kind), value.get());
        Some(Tool::Hosted { value: Json::parse(&declared).ok()?, kind })
    })
    .collect()
}

/// Reads whether tools must be called, and what else stands there.
pub(super) fn tool_choice(wire: ToolConfigIn<'_>) -> (Option<ToolChoice>, Vec<Extra>) {
    let mut extra = extras("toolConfig.", wire.rest, |field, value| match (field, value) {
        ("includeServerSideToolInvocations", "false") => Weight::Trivial,
        _ => Weight::Hint,
    });
    let Some(calling) = wire.calling else { return (None, extra) };
    extra.extend(extras("toolConfig.functionCallingConfig.", calling.rest, |field, _| match field {
        // How the arguments come; what they say is the same.
        "streamFunctionCallArguments" => Weight::Trivial,
        _ => Weight::Unknown,
    }));
    let mut names = calling.names.unwrap_or_default().into_iter().map(Str::into_string).collect::<Vec<_>>();
    let mode = calling.mode.map(|mode| mode.to_ascii_uppercase()).unwrap_or_default();
    let choice = match mode.as_str() {
        "NONE" => Some(ToolChoice::None),
        "ANY" if names.len() == 1 => names.pop().map(ToolChoice::Tool),
        "ANY" if names.is_empty() => Some(ToolChoice::Any),
        "ANY" => Some(ToolChoice::Allowed { required: true, names }),
        "" | "MODE_UNSPECIFIED" if names.is_empty() => None,
        other => {
            if !matches!(other, "AUTO" | "" | "MODE_UNSPECIFIED") {
                extra.push(own_mode(other));
            }
            Some(if names.is_empty() {
                ToolChoice::Auto
            } else {
                ToolChoice::Allowed { required: false, names }
            })
        }
    };
    (choice, extra)
}

/// `VALIDATED`: as `AUTO`, and calls fit their schemas.
fn own_mode(mode: &str) -> Extra {
    let value = Json::parse(&serde_json::Value::from(mode).to_string()).expect("a text is JSON");
    let weight = if mode == "VALIDATED" { Weight::Hint } else { Weight::Unknown };
    Extra { field: "toolConfig.functionCallingConfig.mode".to_owned(), value, weight }
}

/// A tool as it is written.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ToolOut<'a> {
    /// All functions.
    Functions {
        #[serde(rename = "functionDeclarations")]
        functions: Vec<FunctionOut<'a>>,
    },
    /// A tool that Google runs.
    Hosted(&'a RawValue),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FunctionOut<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<Cow<'a, Json>>,
    #[serde(flatten)]
    extra: At<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolConfigOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    function_calling_config: Option<CallingOut<'a>>,
    #[serde(flatten)]
    extra: At<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallingOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_function_names: Vec<&'a str>,
    #[serde(flatten)]
    extra: At<'a>,
}

/// The tools: the functions in one object, since a request with several is refused by older models.
pub(super) fn tools_out<'a>(
    request: &'a Request,
    own: bool,
    losses: &mut Losses,
) -> Result<Vec<ToolOut<'a>>, TranslateError> {
    let mut functions = Vec::with_capacity(request.tools.len());
    let mut tools = Vec::new();
    for tool in &request.tools {
        match tool {
            Tool::Function { name, description, schema, cache, extra, .. } => {
                losses.dropped_if(cache.is_some(), "tools.cache_control");
                if !own {
                    losses.foreign("tools", extra, DIALECT)?;
                }
                let extra = At { home: "", extras: if own { extra } else { &[] } };
                let schema =
                    schema.as_ref().filter(|schema| !extra.has("parameters") && !schema::is_empty(schema));
                functions.push(FunctionOut {
                    name,
                    description: description.as_deref(),
                    parameters_json_schema: schema
                        .map(|schema| schema::lowered(schema, own, "tools.parameters", losses)),
                    extra,
                });
            }
            Tool::Hosted { value, .. } if own => tools.push(ToolOut::Hosted(value.as_raw())),
            Tool::Hosted { kind, .. } => {
                return Err(TranslateError::inexpressible(format!("tools.{kind}"), DIALECT));
            }
            Tool::Custom { name, .. } => {
                return Err(TranslateError::inexpressible(format!("tools.{name}"), DIALECT));
            }
        }
    }
    if !functions.is_empty() {
        tools.insert(0, ToolOut::Functions { functions });
    }
    Ok(tools)
}

/// Whether tools must be called. A choice where there are no tools is refused.
pub(super) fn tool_config<'a>(
    request: &'a Request,
    own: bool,
    losses: &mut Losses,
) -> Option<ToolConfigOut<'a>> {
    let extras: &[Extra] = if own { &request.extra } else { &[] };
    let (extra, inner) =
        (At { home: "toolConfig.", extras }, At { home: "toolConfig.functionCallingConfig.", extras });
    let has_functions = request.tools.iter().any(|tool| matches!(tool, Tool::Function { .. }));
    if request.parallel_tool_calls == Some(false) {
        losses.dropped("parallel_tool_calls");
    }
    let choice = request.tool_choice.as_ref().filter(|_| own || has_functions);
    losses.dropped_if(choice.is_none() && request.tool_choice.is_some(), "tool_choice");
    let names = |names: &'a [String]| names.iter().map(String::as_str).collect();
    let (mode, allowed_function_names) = match choice {
        None => (strict_mode(request, own, losses), Vec::new()),
        Some(ToolChoice::Auto) => (Some(strict_mode(request, own, losses).unwrap_or("AUTO")), Vec::new()),
        Some(ToolChoice::Any) => (Some("ANY"), Vec::new()),
        Some(ToolChoice::Tool(name)) => (Some("ANY"), vec![name.as_str()]),
        Some(ToolChoice::None) => (Some("NONE"), Vec::new()),
        Some(ToolChoice::Allowed { required: true, names: allowed }) => (Some("ANY"), names(allowed)),
        // Names go with `ANY` and `VALIDATED` only.
        Some(ToolChoice::Allowed { required: false, names: allowed }) => (Some("VALIDATED"), names(allowed)),
    };
    // The client's own word.
    let mode = mode.filter(|_| !inner.has("mode"));
    let calling = mode.is_some() || !allowed_function_names.is_empty() || !inner.is_empty();
    let function_calling_config =
        calling.then_some(CallingOut { mode, allowed_function_names, extra: inner });
    (function_calling_config.is_some() || !extra.is_empty())
        .then_some(ToolConfigOut { function_calling_config, extra })
}

/// The mode in which calls fit their schemas, which is one for all functions.
fn strict_mode(request: &Request, own: bool, losses: &mut Losses) -> Option<&'static str> {
    let mut strict = request.tools.iter().filter_map(|tool| match tool {
        Tool::Function { strict, .. } => Some(*strict == Some(true)),
        _ => None,
    });
    let (all, any) = (strict.clone().all(|strict| strict), strict.any(|strict| strict));
    if own || !any {
        return None;
    }
    if !all {
        losses.add(Loss::degraded("tools.strict", "kept only where every function is strict"));
        return None;
    }
    Some("VALIDATED")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_and_hosted_tools_come_in_any_number_of_objects() {
        let json = r#"[{"functionDeclarations":[{"name":"f"}],"codeExecution":null},
            {"function_declarations":{"name":"g","parameters":{"type":"OBJECT"}},"google_search":{}}]"#;
        let tools = tools(serde_json::from_str(json).unwrap()).unwrap();
        let names: Vec<_> = tools
            .iter()
            .map(|tool| match tool {
                Tool::Function { name, .. } | Tool::Custom { name, .. } => name.as_str(),
                Tool::Hosted { value, .. } => value.as_str(),
            })
            .collect();
        assert_eq!(names, ["f", "g", r#"{"googleSearch":{}}"#]);
    }

    #[test]
    fn modes_are_read_in_any_case() {
        let read = |json: &str| {
            let json = format!(r#"{{"functionCallingConfig":{json}}}"#);
            crate::json::read::<ToolConfigIn<'_>>(json.as_bytes()).map(tool_choice).unwrap()
        };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(read(r#"{"mode":"any"}"#).0, Some(ToolChoice::Any));
        assert_eq!(
            read(r#"{"mode":"ANY","allowed_function_names":["f"]}"#).0,
            Some(ToolChoice::Tool("f".to_owned()))
        );
        assert_eq!(
            read(r#"{"mode":"ANY","allowedFunctionNames":["f","g"]}"#).0,
            Some(ToolChoice::Allowed { required: true, names: names(&["f", "g"]) })
        );
        assert_eq!(read(r#"{"mode":"MODE_UNSPECIFIED"}"#).0, None);
        let (choice, extra) = read(r#"{"mode":"VALIDATED"}"#);
        assert_eq!((choice, extra[0].value.as_str()), (Some(ToolChoice::Auto), "\"VALIDATED\""));
    }
}
