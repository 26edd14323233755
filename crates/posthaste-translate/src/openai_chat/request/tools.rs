//! Tools and the choice among them.

use std::{borrow::Cow, collections::HashSet};

use posthaste_core::Dialect;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    TranslateError,
    ir::{Extra, Json, Request, Tool, ToolChoice},
    json::Fields,
    loss::Losses,
    openai_chat::variant::Variant,
    schema::{SchemaProfile, lower, strictable},
};

const DIALECT: Dialect = Dialect::OpenAiChat;

/// A tool as it is written.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ToolOut<'a> {
    /// A function.
    Function {
        #[serde(rename = "type")]
        kind: &'static str,
        function: FunctionOut<'a>,
    },
    /// A free-text tool.
    Custom {
        #[serde(rename = "type")]
        kind: &'static str,
        custom: CustomOut<'a>,
    },
    /// One of our own dialect that we do not know.
    Hosted(&'a RawValue),
}

#[derive(Serialize)]
pub(super) struct FunctionOut<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Cow<'a, Json>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    #[serde(flatten)]
    extra: Fields<'a>,
}

#[derive(Serialize)]
pub(super) struct CustomOut<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a Json>,
    #[serde(flatten)]
    extra: Fields<'a>,
}

/// Whether and what the model must call, as it is written.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ToolChoiceOut<'a> {
    /// A word.
    Word(&'static str),
    /// One tool.
    Named(NamedOut<'a>),
    /// Some of the tools.
    Allowed {
        #[serde(rename = "type")]
        kind: &'static str,
        allowed_tools: AllowedOut<'a>,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum NamedOut<'a> {
    Function { function: NameOut<'a> },
    Custom { custom: NameOut<'a> },
}

#[derive(Serialize)]
pub(super) struct NameOut<'a> {
    name: &'a str,
}

#[derive(Serialize)]
pub(super) struct AllowedOut<'a> {
    mode: &'static str,
    tools: Vec<NamedOut<'a>>,
}

/// The tools; only those that may be called, where the vendor cannot be told which.
pub(super) fn tools<'a>(
    request: &'a Request,
    variant: &Variant,
    losses: &mut Losses,
) -> Result<Vec<ToolOut<'a>>, TranslateError> {
    let own = request.dialect == DIALECT;
    let allowed = if own || variant.allowed_tools { None } else { request.allowed_tools() };
    let is_allowed =
        |tool: &&Tool| allowed.as_ref().zip(name(tool)).is_none_or(|(names, name)| names.contains(name));
    request.tools.iter().filter(is_allowed).map(|tool| tool_out(tool, own, variant, losses)).collect()
}

fn name(tool: &Tool) -> Option<&str> {
    match tool {
        Tool::Function { name, .. } | Tool::Custom { name, .. } => Some(name),
        Tool::Hosted { .. } => None,
    }
}

fn tool_out<'a>(
    tool: &'a Tool,
    own: bool,
    variant: &Variant,
    losses: &mut Losses,
) -> Result<ToolOut<'a>, TranslateError> {
    match tool {
        Tool::Hosted { value, .. } if own => Ok(ToolOut::Hosted(value.as_raw())),
        Tool::Hosted { kind, .. } => Err(TranslateError::inexpressible(format!("tools.{kind}"), DIALECT)),
        Tool::Custom { name, .. } if !own && !variant.custom_tools => {
            Err(TranslateError::inexpressible(format!("tools.{name}"), DIALECT))
        }
        Tool::Custom { name, description, format, extra } => {
            let (description, format) = (description.as_deref(), format.as_ref());
            let custom = CustomOut { name, description, format, extra: fields(extra, own, losses)? };
            Ok(ToolOut::Custom { kind: "custom", custom })
        }
        Tool::Function { name, description, schema, strict, cache, extra } => {
            losses.dropped_if(cache.is_some(), "tools.cache_control");
            let (parameters, strict) = parameters(schema.as_ref(), *strict, own, variant, losses);
            let description = description.as_deref();
            let function =
                FunctionOut { name, description, parameters, strict, extra: fields(extra, own, losses)? };
            Ok(ToolOut::Function { kind: "function", function })
        }
    }
}

fn fields<'a>(extra: &'a [Extra], own: bool, losses: &mut Losses) -> Result<Fields<'a>, TranslateError> {
    if own {
        return Ok(Fields(extra));
    }
    losses.foreign("tools", extra, DIALECT)?;
    Ok(Fields::default())
}

/// The schema that the vendor takes, and whether it is strict about it.
fn parameters<'a>(
    schema: Option<&'a Json>,
    strict: Option<bool>,
    own: bool,
    variant: &Variant,
    losses: &mut Losses,
) -> (Option<Cow<'a, Json>>, Option<bool>) {
    const FIELD: &str = "tools.parameters";
    let Some(schema) = schema else { return (None, strict.filter(|_| own)) };
    match strict {
        _ if own => (Some(Cow::Borrowed(schema)), strict),
        Some(true) if variant.strict && strictable(schema) => {
            (Some(lower(schema, SchemaProfile::OpenAiStrict, FIELD, losses)), strict)
        }
        _ => {
            if strict == Some(true) {
                losses.degraded("tools.strict", NOT_STRICT);
            }
            let strict = strict.filter(|_| variant.strict).map(|_| false);
            (Some(lower(schema, variant.schema, FIELD, losses)), strict)
        }
    }
}

/// What becomes of strictness that a schema or a vendor is not made for.
pub(super) const NOT_STRICT: &str = "off, since the upstream cannot be strict about this schema";

/// OpenAI refuses a choice where there are no tools.
pub(super) fn tool_choice<'a>(
    request: &'a Request,
    variant: &Variant,
    has_tools: bool,
    losses: &mut Losses,
) -> Option<ToolChoiceOut<'a>> {
    let choice = request.tool_choice.as_ref()?;
    if !has_tools {
        losses.dropped("tool_choice");
        return None;
    }
    let own = request.dialect == DIALECT;
    let custom = request.custom_tools();
    Some(match choice {
        ToolChoice::Auto => ToolChoiceOut::Word("auto"),
        ToolChoice::None => ToolChoiceOut::Word("none"),
        ToolChoice::Any => match request.tools.as_slice() {
            [Tool::Function { name, .. }] if !own && variant.names_only_tool => {
                ToolChoiceOut::Named(named(&custom, name))
            }
            _ => ToolChoiceOut::Word("required"),
        },
        ToolChoice::Tool(name) => ToolChoiceOut::Named(named(&custom, name)),
        ToolChoice::Allowed { required, .. } if !own && !variant.allowed_tools => {
            ToolChoiceOut::Word(if *required { "required" } else { "auto" })
        }
        ToolChoice::Allowed { required, names } => ToolChoiceOut::Allowed {
            kind: "allowed_tools",
            allowed_tools: AllowedOut {
                mode: if *required { "required" } else { "auto" },
                tools: names.iter().map(|name| named(&custom, name)).collect(),
            },
        },
    })
}

/// A tool by its name, which is said to be what it was declared as.
fn named<'a>(custom: &HashSet<&str>, name: &'a str) -> NamedOut<'a> {
    if custom.contains(name) {
        NamedOut::Custom { custom: NameOut { name } }
    } else {
        NamedOut::Function { function: NameOut { name } }
    }
}
