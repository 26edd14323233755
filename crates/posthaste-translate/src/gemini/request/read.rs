//! A body to the neutral form.

use serde::de::Error;
use serde_json::value::RawValue;

use super::{
    config::{Config, ConfigIn, config},
    tools::{ToolConfigIn, tool_choice, tools},
};
use crate::{
    TranslateError,
    gemini::{
        DIALECT,
        extras::extras,
        ids::Ids,
        part::parts,
        spelling::{List, ListOf},
    },
    ir::{Content, Message, Part, Request, Role, ServiceTier, Weight},
    json::{self, Str, at, wire_object},
};

/// Reads a request. Its model stands in the path.
pub(in crate::gemini) fn decode_request(body: &[u8]) -> Result<Request, TranslateError> {
    let malformed = |source| TranslateError::Malformed { dialect: DIALECT, source };
    json::read::<RequestIn<'_>>(body).and_then(request).map_err(malformed)
}

/// Reads a request that stands inside another object.
pub(in crate::gemini) fn decode_value(raw: &RawValue) -> Result<Request, TranslateError> {
    decode_request(raw.get().as_bytes())
}

wire_object! {
    struct RequestIn<'a> {
        model: Option<Str<'a>> = "model",
        contents: ListOf<ContentIn<'a>> = "contents",
        system_instruction: Option<&'a RawValue> = "systemInstruction" | "system_instruction",
        tools: List<'a> = "tools",
        tool_config: Option<ToolConfigIn<'a>> = "toolConfig" | "tool_config",
        generation_config: Option<ConfigIn<'a>> = "generationConfig" | "generation_config",
        service_tier: Option<Str<'a>> = "serviceTier" | "service_tier",
    }
}

wire_object! {
    struct ContentIn<'a> {
        role: Option<Str<'a>> = "role",
        parts: List<'a> = "parts",
    }
}

type Read<T> = Result<T, serde_json::Error>;

fn request(wire: RequestIn<'_>) -> Read<Request> {
    let mut extra = extras("", wire.rest, weight);
    let (choice, more) = wire.tool_config.map_or((None, Vec::new()), tool_choice);
    extra.extend(more);
    let config =
        wire.generation_config.map(config).transpose().map_err(|error| at("generationConfig", error))?;
    let Config { output, sampling, max_tokens, stop, candidates, logprobs, reasoning, extra: more } =
        config.unwrap_or_default();
    extra.extend(more);
    let mut ids = Ids::of_request();
    let content = |wire| content(wire, &mut ids).map_err(|error| at("contents", error));
    let model = wire.model.map(Str::into_string).unwrap_or_default();
    Ok(Request {
        messages: wire.contents.0.into_iter().map(content).collect::<Read<_>>()?,
        system: wire.system_instruction.map(system).transpose()?.unwrap_or_default(),
        tools: tools(wire.tools)?,
        tool_choice: choice,
        max_tokens,
        sampling,
        stop,
        candidates,
        logprobs,
        output,
        reasoning,
        service_tier: wire.service_tier.map(service_tier),
        // Every chunk tells the counts.
        include_usage: true,
        old_functions: false,
        extra,
        ..Request::new(DIALECT, model.strip_prefix("models/").unwrap_or(&model))
    })
}

fn weight(field: &str, value: &str) -> Weight {
    match field {
        "store" if value == "false" => Weight::Trivial,
        "cachedContent" => Weight::Essential,
        "labels" | "safetySettings" | "store" => Weight::Hint,
        _ => Weight::Unknown,
    }
}

/// A turn. Clients that hold a single one leave out its role.
fn content(wire: ContentIn<'_>, ids: &mut Ids) -> Read<Message> {
    let parts = parts(wire.parts, ids)?;
    let role = match wire.role.as_deref().unwrap_or_default() {
        "user" | "function" | "tool" => Role::User,
        "model" => Role::Assistant,
        "" if parts.iter().any(|part| matches!(part.content, Content::ToolCall(_))) => Role::Assistant,
        "" => Role::User,
        // In the words of the API, which clients know.
        other => {
            return Err(Error::custom(format_args!("role: `{other}`: please use a valid role: user, model")));
        }
    };
    let extra = extras("", wire.rest, |_, _| Weight::Hint);
    Ok(Message { role, parts, extra })
}

/// Instructions: a content by the book; a text, a part or a list of parts from SDKs. What is no text is left to the model
/// to refuse.
fn system(raw: &RawValue) -> Read<Vec<Part>> {
    let in_system = |error| at("systemInstruction", error);
    let text = raw.get();
    let mut read = if text.starts_with('"') {
        serde_json::from_str::<Str<'_>>(text)
            .map(|text| vec![Part::text(text.into_string())])
            .map_err(in_system)?
    } else if text.starts_with('[') {
        let list: Vec<&RawValue> = serde_json::from_str(text).map_err(in_system)?;
        let mut texts = Vec::with_capacity(list.len());
        for raw in list {
            texts.extend(system_part(raw).map_err(in_system)?);
        }
        texts
    } else {
        let wire: ContentIn<'_> = serde_json::from_str(text).map_err(in_system)?;
        let list = if wire.parts.0.is_empty() { List(vec![raw]) } else { wire.parts };
        parts(list, &mut Ids::of_request()).map_err(in_system)?
    };
    read.retain(|part| !matches!(&part.content, Content::Text(text) if text.is_empty()));
    // A content without parts reads as a part of its role.
    read.retain(|part| !matches!(&part.content, Content::Opaque(opaque) if opaque.kind == "role" || opaque.kind == "parts"));
    Ok(read)
}

fn system_part(raw: &RawValue) -> Read<Vec<Part>> {
    match serde_json::from_str::<Str<'_>>(raw.get()) {
        Ok(text) => Ok(vec![Part::text(text.into_string())]),
        Err(_) => parts(List(vec![raw]), &mut Ids::of_request()),
    }
}

fn service_tier(tier: Str<'_>) -> ServiceTier {
    let word = tier.to_ascii_lowercase();
    match word.strip_prefix("service_tier_").unwrap_or(&word) {
        "unspecified" => ServiceTier::Auto,
        "standard" => ServiceTier::Standard,
        other => ServiceTier::Other(other.to_owned()),
    }
}
