//! What the model may call, and whether it must.

use std::{borrow::Cow, collections::HashSet};

use posthaste_core::Dialect;
use serde::{Deserialize, Serialize, de::Error};
use serde_json::value::RawValue;

use crate::{
    TranslateError,
    ir::{Extra, Json, Request, Tool, ToolChoice, Weight},
    json::{Rest, Str, TextOr, at, hints, wire_object},
    loss::Losses,
    openai_responses::{
        DIALECT, full_name,
        item::{Kept, NAMESPACE},
        split_name,
    },
    schema::{SchemaProfile, lower, strictable},
};

type Read<T> = Result<T, serde_json::Error>;

wire_object! {
    struct ToolIn<'a> {
        kind: Option<Str<'a>> = "type",
        name: Option<Str<'a>> = "name",
        description: Option<Str<'a>> = "description",
        parameters: Option<&'a RawValue> = "parameters",
        strict: Option<bool> = "strict",
        format: Option<&'a RawValue> = "format",
    }
}

wire_object! {
    struct NamespaceIn<'a> {
        kind: Option<Str<'a>> = "type",
        name: Str<'a> = "name",
        tools: Vec<&'a RawValue> = "tools",
    }
}

/// Reads the tools. What other dialects do well without goes to `extra`.
pub(super) fn tools(raw: Vec<&RawValue>, extra: &mut Vec<Extra>) -> Read<Vec<Tool>> {
    let mut tools = Vec::with_capacity(raw.len());
    for raw in raw {
        read_tool(raw, &mut tools, extra).map_err(|error| at("tools", error))?;
    }
    Ok(tools)
}

fn read_tool(raw: &RawValue, tools: &mut Vec<Tool>, extra: &mut Vec<Extra>) -> Read<()> {
    let kind = kind(raw)?;
    match &*kind {
        "function" | "custom" | "" => tools.push(client_tool(raw, None)?),
        "namespace" => namespace(raw, tools)?,
        // Codex declares both in every request. Every tool that the one could find is declared here as well, and without the
        // other a model answers from what it knows; a choice that forces one is refused elsewhere.
        "tool_search" | "web_search" => {
            let field = format!("tools.{}", &*kind);
            extra.push(Extra { field, value: Json::from(raw), weight: Weight::Hint });
        }
        _ => tools.push(Tool::Hosted { kind: kind.into_string(), value: Json::from(raw) }),
    }
    Ok(())
}

/// Whether an extra is a tool that is only a hint.
fn is_set_aside(extra: &Extra) -> bool {
    matches!(extra.field.as_str(), "tools.tool_search" | "tools.web_search")
}

fn kind(raw: &RawValue) -> Read<Str<'_>> {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow, rename = "type", default)]
        kind: Str<'a>,
    }
    serde_json::from_str::<Kind<'_>>(raw.get()).map(|tool| tool.kind)
}

fn client_tool(raw: &RawValue, namespace: Option<&str>) -> Read<Tool> {
    let wire: ToolIn<'_> = serde_json::from_str(raw.get())?;
    let name = wire.name.ok_or_else(|| Error::custom("name: missing"))?;
    let name = full_name(namespace, name.0).into_owned();
    let description = wire.description.map(Str::into_string);
    if wire.kind.is_some_and(|kind| &*kind == "custom") {
        let format = wire.format.map(Json::from);
        return Ok(Tool::Custom { name, description, format, extra: hints(wire.rest) });
    }
    let schema = wire.parameters.map(Json::from);
    let extra = hints(wire.rest);
    Ok(Tool::Function { name, description, schema, strict: wire.strict, cache: None, extra })
}

/// The tools of a namespace, one by one. A namespace of anything else is kept whole.
fn namespace(raw: &RawValue, tools: &mut Vec<Tool>) -> Read<()> {
    let wire: NamespaceIn<'_> = serde_json::from_str(raw.get())?;
    let mut members = Vec::with_capacity(wire.tools.len());
    for raw in &wire.tools {
        members.push((*raw, kind(raw)?));
    }
    let is_client = |(_, kind): &(&RawValue, Str<'_>)| matches!(&**kind, "function" | "custom" | "");
    if members.is_empty() || wire.name.is_empty() || !members.iter().all(is_client) {
        tools.push(Tool::Hosted { kind: "namespace".to_owned(), value: Json::from(raw) });
        return Ok(());
    }
    let of_namespace = namespace_extras(wire.rest);
    for (raw, _) in members {
        let mut tool = client_tool(raw, Some(&wire.name))?;
        if let Tool::Function { extra, .. } | Tool::Custom { extra, .. } = &mut tool {
            extra.extend(of_namespace.iter().cloned());
        }
        tools.push(tool);
    }
    Ok(())
}

fn namespace_extras(rest: Rest<'_>) -> Vec<Extra> {
    let mut extras = hints(rest);
    extras.iter_mut().for_each(|extra| extra.field.insert_str(0, NAMESPACE));
    extras
}

/// A tool as it is written.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ToolOut<'a> {
    Function {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        parameters: Option<Cow<'a, Json>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
        #[serde(flatten)]
        extra: Kept<'a>,
    },
    Custom {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        format: Option<FormatOut<'a>>,
        #[serde(flatten)]
        extra: Kept<'a>,
    },
    Namespace {
        name: &'a str,
        #[serde(flatten)]
        extra: Kept<'a>,
        tools: Vec<ToolOut<'a>>,
    },
    /// One that the vendor runs itself.
    #[serde(untagged)]
    Hosted(&'a RawValue),
}

/// What the text of a free-text tool must be like.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum FormatOut<'a> {
    Own(&'a Json),
    Grammar {
        #[serde(rename = "type")]
        kind: &'static str,
        syntax: Cow<'a, str>,
        definition: Cow<'a, str>,
    },
}

/// Writes the tools, those of a namespace together.
pub(super) fn tools_out<'a>(
    request: &'a Request,
    losses: &mut Losses,
) -> Result<Vec<ToolOut<'a>>, TranslateError> {
    let own = request.dialect == DIALECT;
    let mut out: Vec<ToolOut<'a>> = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        let (namespace, written, extra) = tool_out(tool, request.dialect, losses)?;
        match (namespace, out.last_mut()) {
            (None, _) => out.push(written),
            (Some(namespace), Some(ToolOut::Namespace { name, tools, .. })) if *name == namespace => {
                tools.push(written);
            }
            (Some(name), _) => {
                let extra = Kept::namespace(if own { extra } else { &[] });
                out.push(ToolOut::Namespace { name, extra, tools: vec![written] });
            }
        }
    }
    if own {
        let searches = request.extra.iter().filter(|extra| is_set_aside(extra));
        out.extend(searches.map(|extra| ToolOut::Hosted(extra.value.as_raw())));
    }
    Ok(out)
}

type Written<'a> = (Option<&'a str>, ToolOut<'a>, &'a [Extra]);

/// A tool, the namespace that it stands in and its extras.
fn tool_out<'a>(tool: &'a Tool, from: Dialect, losses: &mut Losses) -> Result<Written<'a>, TranslateError> {
    let own = from == DIALECT;
    match tool {
        Tool::Function { name, description, schema, strict, cache, extra } => {
            let (namespace, name) = if own { split_name(name) } else { (None, name.as_str()) };
            let (parameters, strict) = parameters(schema.as_ref(), *strict, own, losses);
            let description = description.as_deref();
            let kept = kept(extra, own, losses)?;
            let written = ToolOut::Function { name, description, parameters, strict, extra: kept };
            losses.dropped_if(cache.is_some(), "tools.cache_control");
            Ok((namespace, written, extra))
        }
        Tool::Custom { name, description, format, extra } => {
            let (namespace, name) = if own { split_name(name) } else { (None, name.as_str()) };
            let written = ToolOut::Custom {
                name,
                description: description.as_deref(),
                format: format.as_ref().map(|format| format_out(format, own)),
                extra: kept(extra, own, losses)?,
            };
            Ok((namespace, written, extra))
        }
        Tool::Hosted { value, .. } if own => Ok((None, ToolOut::Hosted(value.as_raw()), &[])),
        Tool::Hosted { kind, .. } => Err(TranslateError::inexpressible(format!("tools.{kind}"), DIALECT)),
    }
}

fn kept<'a>(extra: &'a [Extra], own: bool, losses: &mut Losses) -> Result<Kept<'a>, TranslateError> {
    if own {
        return Ok(Kept::tool(extra));
    }
    losses.foreign("tools", extra, DIALECT)?;
    Ok(Kept::NONE)
}

/// The schema of the arguments, and whether they must fit it exactly. Not saying it means yes here, and no elsewhere.
fn parameters<'a>(
    schema: Option<&'a Json>,
    strict: Option<bool>,
    own: bool,
    losses: &mut Losses,
) -> (Option<Cow<'a, Json>>, Option<bool>) {
    match (schema, strict) {
        (schema, strict) if own => (schema.map(Cow::Borrowed), strict),
        (None, strict) => (Some(Cow::Owned(no_parameters())), Some(strict.unwrap_or(false))),
        (Some(schema), Some(true)) if strictable(schema) => {
            (Some(lower(schema, SchemaProfile::OpenAiStrict, "tools.parameters", losses)), Some(true))
        }
        (Some(schema), strict) => {
            if strict == Some(true) {
                losses.degraded("tools.strict", "off, since the schema says what strict mode refuses");
            }
            (Some(Cow::Borrowed(schema)), Some(false))
        }
    }
}

/// Also what strict mode takes.
fn no_parameters() -> Json {
    let schema = r#"{"type":"object","properties":{},"additionalProperties":false}"#;
    Json::parse(schema).expect("the literal is JSON")
}

/// Chat puts a grammar into an object of its own.
fn format_out(format: &Json, own: bool) -> FormatOut<'_> {
    #[derive(Deserialize)]
    struct ChatFormat<'a> {
        #[serde(borrow)]
        grammar: ChatGrammar<'a>,
    }
    #[derive(Deserialize)]
    struct ChatGrammar<'a> {
        #[serde(borrow)]
        syntax: Str<'a>,
        #[serde(borrow)]
        definition: Str<'a>,
    }
    match serde_json::from_str::<ChatFormat<'_>>(format.as_str()) {
        Ok(ChatFormat { grammar: ChatGrammar { syntax, definition } }) if !own => {
            FormatOut::Grammar { kind: "grammar", syntax: syntax.0, definition: definition.0 }
        }
        _ => FormatOut::Own(format),
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ChoiceIn<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    name: Option<Str<'a>>,
    #[serde(borrow)]
    namespace: Option<Str<'a>>,
    #[serde(borrow)]
    mode: Option<Str<'a>>,
    #[serde(borrow)]
    tools: Option<Vec<AllowedIn<'a>>>,
}

#[derive(Debug, Deserialize)]
struct AllowedIn<'a> {
    #[serde(borrow)]
    name: Option<Str<'a>>,
    #[serde(borrow)]
    namespace: Option<Str<'a>>,
}

/// Reads the choice. One of a hosted tool goes to `extra`, since only this dialect has it.
pub(super) fn tool_choice(raw: Option<&RawValue>, extra: &mut Vec<Extra>) -> Read<Option<ToolChoice>> {
    let Some(raw) = raw else { return Ok(None) };
    let wire = serde_json::from_str::<TextOr<'_, ChoiceIn<'_>>>(raw.get());
    match wire.map_err(|error| at("tool_choice", error))? {
        TextOr::Null => Ok(None),
        TextOr::Text(word) => match &*word {
            "auto" => Ok(Some(ToolChoice::Auto)),
            "required" => Ok(Some(ToolChoice::Any)),
            "none" => Ok(Some(ToolChoice::None)),
            other => Err(Error::custom(format_args!("tool_choice: unknown word `{other}`"))),
        },
        TextOr::Rich(ChoiceIn { kind, name: Some(name), namespace, .. })
            if matches!(&*kind, "function" | "custom") =>
        {
            Ok(Some(ToolChoice::Tool(full_name(namespace.as_deref(), name.0).into_owned())))
        }
        TextOr::Rich(ChoiceIn { kind, tools: Some(tools), mode, .. }) if &*kind == "allowed_tools" => {
            let name = |tool: AllowedIn<'_>| {
                tool.name.map(|name| full_name(tool.namespace.as_deref(), name.0).into_owned())
            };
            let required = mode.is_some_and(|mode| &*mode == "required");
            Ok(Some(ToolChoice::Allowed { required, names: tools.into_iter().filter_map(name).collect() }))
        }
        TextOr::Rich(_) => {
            let (field, value) = ("tool_choice".to_owned(), Json::from(raw));
            extra.push(Extra { field, value, weight: Weight::Essential });
            Ok(None)
        }
    }
}

/// The choice as it is written.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ChoiceOut<'a> {
    Word(&'static str),
    Tool(NamedOut<'a>),
    Allowed {
        #[serde(rename = "type")]
        kind: &'static str,
        mode: &'static str,
        tools: Vec<NamedOut<'a>>,
    },
}

#[derive(Serialize)]
pub(super) struct NamedOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    name: &'a str,
}

/// Writes the choice. OpenAI refuses one where there are no tools.
pub(super) fn choice_out<'a>(
    request: &'a Request,
    has_tools: bool,
    losses: &mut Losses,
) -> Option<ChoiceOut<'a>> {
    let choice = request.tool_choice.as_ref()?;
    if !has_tools {
        losses.dropped("tool_choice");
        return None;
    }
    let custom = request.custom_tools();
    Some(match choice {
        ToolChoice::Auto => ChoiceOut::Word("auto"),
        ToolChoice::Any => ChoiceOut::Word("required"),
        ToolChoice::None => ChoiceOut::Word("none"),
        ToolChoice::Tool(name) => ChoiceOut::Tool(named(request.dialect, &custom, name)),
        ToolChoice::Allowed { required, names } => ChoiceOut::Allowed {
            kind: "allowed_tools",
            mode: if *required { "required" } else { "auto" },
            tools: names.iter().map(|name| named(request.dialect, &custom, name)).collect(),
        },
    })
}

fn named<'a>(client: Dialect, custom: &HashSet<&str>, full: &'a str) -> NamedOut<'a> {
    let kind = if custom.contains(full) { "custom" } else { "function" };
    let (namespace, name) = if client == DIALECT { split_name(full) } else { (None, full) };
    NamedOut { kind, namespace, name }
}
