//! Content blocks: unions, which have one key each.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::super::place::{Place, constraint};
use crate::{brain::Ttl, error::ApiError};

/// Something, or a mark that asks for the prompt to be cached up to here.
pub(in crate::bedrock) enum Marked<T> {
    Item(T),
    Mark(Ttl),
}

impl<T> Marked<T> {
    pub(in crate::bedrock) const fn item(&self) -> Option<&T> {
        match self {
            Self::Item(item) => Some(item),
            Self::Mark(_) => None,
        }
    }

    pub(in crate::bedrock) const fn mark(&self) -> Option<Ttl> {
        match self {
            Self::Item(_) => None,
            Self::Mark(ttl) => Some(*ttl),
        }
    }
}

/// One content block.
pub(in crate::bedrock) struct Block<'a> {
    pub(in crate::bedrock) data: Data<'a>,
    pub(in crate::bedrock) raw: &'a Value,
}

pub(in crate::bedrock) enum Data<'a> {
    Text(&'a str),
    Image,
    /// A document, with its text when that is in the request.
    Document(Option<&'a str>),
    Audio,
    ToolUse {
        id: &'a str,
        name: &'a str,
        input: &'a Value,
    },
    ToolResult {
        id: &'a str,
        content: Vec<Block<'a>>,
        is_error: bool,
    },
    Reasoning {
        text: &'a str,
        signature: &'a str,
    },
    /// Sealed thoughts, taken out of their base64.
    Redacted(String),
    /// JSON of a tool's.
    Json,
    /// A block that is counted and not looked into.
    Other,
}

/// A list of blocks and marks.
pub(super) fn read_list<'a>(place: &Place<'a>) -> Result<Vec<Marked<Block<'a>>>, ApiError> {
    let read = |place: &Place<'a>| match place.key("cachePoint") {
        Some(point) => Ok(Marked::Mark(read_mark(&point)?)),
        None => read_block(place).map(Marked::Item),
    };
    place.list()?.iter().map(read).collect()
}

/// A `cachePoint`.
pub(super) fn read_mark(point: &Place<'_>) -> Result<Ttl, ApiError> {
    point.only(&["type", "ttl"])?;
    point.required("type")?.among(&["default"])?;
    let ttl = point.optional("ttl", |ttl| ttl.among(&["5m", "1h"]))?;
    Ok(if ttl == Some("1h") { Ttl::OneHour } else { Ttl::FiveMinutes })
}

fn read_block<'a>(place: &Place<'a>) -> Result<Block<'a>, ApiError> {
    let fields = place.object()?;
    place.only(BLOCKS)?;
    let mut keys = fields.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key.as_str());
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err(constraint(&format!("Value at '{}'", place.path()), "Exactly one member must be set"));
    };
    let inside = place.required(key)?;
    let data = match key {
        "text" => Data::Text(inside.text()?),
        "image" => {
            inside.only(&["format", "source", "error"])?;
            inside.required("format")?.among(&["png", "jpeg", "gif", "webp"])?;
            read_source(&inside.required("source")?)?;
            Data::Image
        }
        "document" => read_document(&inside)?,
        "audio" => Data::Audio,
        "toolUse" => read_tool_use(&inside)?,
        "toolResult" => read_tool_result(&inside)?,
        "reasoningContent" => read_reasoning(&inside)?,
        "json" => Data::Json,
        _ => Data::Other,
    };
    Ok(Block { data, raw: place.value() })
}

fn read_source(source: &Place<'_>) -> Result<(), ApiError> {
    source.only(&["bytes", "s3Location"])?;
    if let Some(bytes) = source.key("bytes") {
        bytes.text()?;
    } else {
        source.required("s3Location")?.required("uri")?.text()?;
    }
    Ok(())
}

fn read_document<'a>(document: &Place<'a>) -> Result<Data<'a>, ApiError> {
    document.only(&["format", "name", "source", "context", "citations"])?;
    let name = document.required("name")?.text()?;
    let fits = |letter: char| letter.is_ascii_alphanumeric() || " -()[]".contains(letter);
    if name.is_empty() || !name.chars().all(fits) || name.contains("  ") {
        return Err(document.error(
            "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, \
             parentheses, and square brackets. The name can't contain more than one consecutive whitespace character.",
        ));
    }
    Ok(Data::Document(document.required("source")?.optional("text", Place::text)?))
}

fn read_tool_use<'a>(call: &Place<'a>) -> Result<Data<'a>, ApiError> {
    call.only(&["toolUseId", "name", "input", "type"])?;
    let input = call.required("input")?;
    input.object()?;
    Ok(Data::ToolUse { id: read_id(call)?, name: call.required("name")?.text()?, input: input.value() })
}

fn read_tool_result<'a>(result: &Place<'a>) -> Result<Data<'a>, ApiError> {
    result.only(&["toolUseId", "content", "status", "type"])?;
    let status = result.optional("status", |status| status.among(&["success", "error"]))?;
    Ok(Data::ToolResult {
        id: read_id(result)?,
        content: result.required("content")?.list()?.iter().map(read_block).collect::<Result<_, _>>()?,
        is_error: status == Some("error"),
    })
}

fn read_id<'a>(place: &Place<'a>) -> Result<&'a str, ApiError> {
    let id = place.required("toolUseId")?;
    let text = id.text()?;
    if text.is_empty()
        || text.len() > MAX_ID
        || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    {
        let value = format!("Value '{text}' at '{}'", id.path());
        return Err(constraint(&value, "Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+"));
    }
    Ok(text)
}

fn read_reasoning<'a>(reasoning: &Place<'a>) -> Result<Data<'a>, ApiError> {
    reasoning.only(&["reasoningText", "redactedContent"])?;
    if let Some(text) = reasoning.key("reasoningText") {
        text.only(&["text", "signature"])?;
        let signature = text.optional("signature", Place::text)?.unwrap_or_default();
        return Ok(Data::Reasoning { text: text.required("text")?.text()?, signature });
    }
    let redacted = reasoning.required("redactedContent")?;
    let bytes = STANDARD.decode(redacted.text()?).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    // What is no text was not written here: it is told as changed, with its place.
    Ok(Data::Redacted(bytes.unwrap_or_default()))
}

const MAX_ID: usize = 64;
const BLOCKS: &[&str] = &[
    "audio",
    "citationsContent",
    "document",
    "guardContent",
    "image",
    "json",
    "reasoningContent",
    "searchResult",
    "text",
    "toolAddition",
    "toolRemoval",
    "toolResult",
    "toolUse",
    "video",
];
