//! Content blocks.

use serde_json::Value;

use super::super::place::Place;
use crate::{brain::Ttl, error::ApiError, reading::Kind};

/// One content block.
#[derive(Debug)]
pub(in crate::messages) struct Block<'a> {
    pub(in crate::messages) kind: BlockKind<'a>,
    /// The mark that asks for the prompt to be cached up to here.
    pub(in crate::messages) cache: Option<Ttl>,
    pub(in crate::messages) raw: &'a Value,
}

#[derive(Debug)]
pub(in crate::messages) enum BlockKind<'a> {
    Text(&'a str),
    Image,
    /// A document, with its text when that is in the request.
    Document(Option<&'a str>),
    ToolUse {
        id: &'a str,
    },
    ToolResult {
        tool_use_id: &'a str,
        content: Vec<Block<'a>>,
        is_error: bool,
    },
    Thinking {
        text: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
    /// A block that is counted and not looked into, such as those of server tools.
    Other,
}

/// A text or a list of blocks.
pub(super) fn read_content<'a>(place: &Place<'a>) -> Result<Vec<Block<'a>>, ApiError> {
    match place.value() {
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => {
            Ok(vec![Block { kind: BlockKind::Text(text), cache: None, raw: place.value() }])
        }
        Value::Array(_) => place.list()?.iter().map(read_block).collect(),
        _ => Err(place.mistyped(Kind::TextOrList)),
    }
}

/// The `cache_control` of an object.
pub(super) fn read_cache_control(place: &Place<'_>) -> Result<Option<Ttl>, ApiError> {
    let Some(control) = place.key("cache_control") else { return Ok(None) };
    let kind = control.required("type")?;
    if kind.text()? != "ephemeral" {
        return Err(kind.error("Input should be 'ephemeral'"));
    }
    let Some(ttl) = control.chosen("ephemeral").key("ttl") else { return Ok(Some(Ttl::FiveMinutes)) };
    match ttl.text()? {
        "5m" => Ok(Some(Ttl::FiveMinutes)),
        "1h" => Ok(Some(Ttl::OneHour)),
        _ => Err(ttl.error("Input should be '5m' or '1h'")),
    }
}

fn read_block<'a>(place: &Place<'a>) -> Result<Block<'a>, ApiError> {
    place.object()?;
    let kind = place.required("type")?.text()?;
    let inside = place.chosen(kind);
    let kind = match kind {
        "text" => BlockKind::Text(inside.required("text")?.text()?),
        "image" => read_image(&inside)?,
        "document" => BlockKind::Document(document_text(&inside.required("source")?)),
        "tool_use" => read_tool_use(&inside)?,
        "tool_result" => read_tool_result(&inside)?,
        "thinking" => BlockKind::Thinking {
            text: inside.required("thinking")?.text()?,
            signature: inside.required("signature")?.text()?,
        },
        "redacted_thinking" => BlockKind::RedactedThinking { data: inside.required("data")?.text()? },
        other if is_known(other) => BlockKind::Other,
        other => {
            return Err(place.error(&format!(
                "Input tag '{other}' found using 'type' does not match any of the expected tags: 'text', 'image', \
                 'document', 'search_result', 'tool_use', 'tool_result', 'thinking', 'redacted_thinking', \
                 'server_tool_use'"
            )));
        }
    };
    Ok(Block { kind, cache: read_cache_control(&inside)?, raw: place.value() })
}

fn read_image<'a>(place: &Place<'a>) -> Result<BlockKind<'a>, ApiError> {
    let source = place.required("source")?;
    let kind = source.required("type")?;
    match kind.text()? {
        "base64" => {
            let source = source.chosen("base64");
            let media_type = source.required("media_type")?;
            if !matches!(media_type.text()?, "image/jpeg" | "image/png" | "image/gif" | "image/webp") {
                let expected = "Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'";
                return Err(media_type.error(expected));
            }
            source.required("data")?.text()?;
        }
        "url" => drop(source.chosen("url").required("url")?.text()?),
        "file" => drop(source.chosen("file").required("file_id")?.text()?),
        _ => return Err(kind.error("Input should be 'base64', 'url' or 'file'")),
    }
    Ok(BlockKind::Image)
}

fn read_tool_use<'a>(place: &Place<'a>) -> Result<BlockKind<'a>, ApiError> {
    place.required("name")?.text()?;
    place.required("input")?.object()?;
    let id = place.required("id")?;
    let text = id.text()?;
    if text.is_empty()
        || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    {
        return Err(id.error("String should match pattern '^[a-zA-Z0-9_-]+$'"));
    }
    Ok(BlockKind::ToolUse { id: text })
}

fn read_tool_result<'a>(place: &Place<'a>) -> Result<BlockKind<'a>, ApiError> {
    Ok(BlockKind::ToolResult {
        tool_use_id: place.required("tool_use_id")?.text()?,
        content: place.key("content").map(|content| read_content(&content)).transpose()?.unwrap_or_default(),
        is_error: place.key("is_error").map(|is_error| is_error.boolean()).transpose()?.unwrap_or(false),
    })
}

fn document_text<'a>(source: &Place<'a>) -> Option<&'a str> {
    let source = source.value();
    (source.get("type")? == "text").then(|| source.get("data")?.as_str()).flatten()
}

fn is_known(kind: &str) -> bool {
    let known = [
        "search_result",
        "server_tool_use",
        "mcp_tool_use",
        "container_upload",
        "tool_reference",
        "compaction",
    ];
    known.contains(&kind) || kind.ends_with("_tool_result")
}
