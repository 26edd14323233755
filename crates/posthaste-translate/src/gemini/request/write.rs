//! The neutral form to a body.

use serde::Serialize;

use super::{
    config::{ConfigOut, config_out},
    tools::{ToolConfigOut, ToolOut, tool_config, tools_out},
    turns::{TurnOut, system, turns},
};
use crate::{
    Encoded, Target, TranslateError,
    gemini::{DIALECT, extras::At, part::PartOut},
    ir::{Extra, Request, ServiceTier},
    json,
    loss::Losses,
};

/// Writes a request. Model and stream stand in the path.
pub(in crate::gemini) fn encode_request(request: &Request, _: &Target) -> Result<Encoded, TranslateError> {
    let mut losses = Losses::default();
    let body = encode(request, &mut losses)?;
    Ok(Encoded { body: body.into(), losses: losses.into_vec() })
}

/// Writes a request's body.
pub(in crate::gemini) fn encode(request: &Request, losses: &mut Losses) -> Result<Vec<u8>, TranslateError> {
    let own = request.dialect == DIALECT;
    let mut contents = turns(request, losses)?;
    let mut instructions = system(request, losses)?;
    if contents.is_empty() {
        contents = vec![only_system(std::mem::take(&mut instructions), losses)?];
    }
    let tools = tools_out(request, own, losses)?;
    if !own {
        losses.foreign("", &request.extra, DIALECT)?;
    }
    let extras: &[Extra] = if own { &request.extra } else { &[] };
    let wire = RequestOut {
        contents,
        system_instruction: (!instructions.is_empty()).then_some(SystemOut { parts: instructions }),
        tool_config: tool_config(request, own, losses),
        tools,
        generation_config: config_out(request, own, losses),
        service_tier: service_tier(request.service_tier.as_ref(), own, losses),
        extra: At { home: "", extras },
    };
    let mut body = Vec::with_capacity(1_024);
    json::write(&mut body, &wire);
    Ok(body)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestOut<'a> {
    contents: Vec<TurnOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<SystemOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfigOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation_config: Option<ConfigOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(flatten)]
    extra: At<'a>,
}

#[derive(Serialize)]
struct SystemOut<'a> {
    parts: Vec<PartOut<'a>>,
}

/// A request of instructions alone, which this API refuses: they become the user's turn.
fn only_system<'a>(system: Vec<PartOut<'a>>, losses: &mut Losses) -> Result<TurnOut<'a>, TranslateError> {
    if system.is_empty() {
        return Err(TranslateError::invalid("messages", "must hold at least one message with content"));
    }
    losses.degraded("messages.system", "carried as the user's turn, since there is no other");
    Ok(TurnOut::user(system))
}

/// OpenAI's `flex` and `priority` are the same thing here.
fn service_tier<'a>(tier: Option<&'a ServiceTier>, own: bool, losses: &mut Losses) -> Option<&'a str> {
    match tier? {
        // What saying nothing means.
        ServiceTier::Auto => None,
        ServiceTier::Standard => Some("standard"),
        ServiceTier::Other(name) if own || matches!(name.as_str(), "flex" | "priority") => Some(name),
        ServiceTier::Other(_) => {
            losses.dropped("service_tier");
            None
        }
    }
}
