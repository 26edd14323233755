//! Blocks to parts.

use posthaste_core::Dialect;
use serde::{Deserialize, de::Error};
use serde_json::value::RawValue;

use super::{citation::citation, readable};
use crate::{
    ir::{
        Arguments, CacheHint, Citation, Content, Document, Image, Json, Opaque, Part, Proof, Source,
        Thinking, ToolCall, ToolResult, Weight,
    },
    json::{Str, TextOr, at, compact, extras, wire_object},
};

/// The parts of a `content` that is a text or a list of blocks.
pub(in crate::anthropic) fn parts(
    content: TextOr<'_, Vec<&RawValue>>,
) -> Result<Vec<Part>, serde_json::Error> {
    parts_in(content, Place::Turn)
}

fn parts_in(content: TextOr<'_, Vec<&RawValue>>, place: Place) -> Result<Vec<Part>, serde_json::Error> {
    match content {
        TextOr::Null => Ok(Vec::new()),
        TextOr::Text(text) => Ok(vec![Part::text(text.into_string())]),
        TextOr::Rich(blocks) => blocks.into_iter().map(|block| part_in(block, place)).collect(),
    }
}

/// One block. A type that is not known, or whose source is of no known type, is kept whole.
pub(in crate::anthropic) fn part(raw: &RawValue) -> Result<Part, serde_json::Error> {
    part_in(raw, Place::Turn)
}

/// Where a block stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Turn,
    /// Results hold no results: one inside another is kept whole, so that no depth of them can exhaust the stack.
    ToolResult,
}

fn part_in(raw: &RawValue, place: Place) -> Result<Part, serde_json::Error> {
    let mut block = match serde_json::from_str::<BlockIn<'_>>(raw.get()) {
        Ok(block) => block,
        // A field of an unknown block may share a known one's name and not its form.
        Err(_) if !is_known(kind(raw)?) => return opaque(raw, kind(raw)?, None),
        Err(error) => return Err(error),
    };
    let cache = block.cache_control.map(CacheControlIn::into_hint);
    let mut citations = Vec::new();
    match block.citations {
        Some(list) if &*block.kind == "text" => citations = sources(list)?,
        // Whether a document may be cited.
        other => block.rest.extend(other.map(|wish| (Str("citations".into()), wish))),
    }
    let content = match &*block.kind {
        "text" => Content::Text(block.text.into_string()),
        "image" => match source(block.source)? {
            Some(source) => Content::Image(Image { source, detail: None }),
            None => return opaque(raw, block.kind, cache),
        },
        "document" => match source(block.source)? {
            Some(source) => Content::Document(Document { source, title: block.title.map(Str::into_string) }),
            None => return opaque(raw, block.kind, cache),
        },
        "tool_use" => tool_call(block.id, block.name, block.input),
        "tool_result" if place == Place::ToolResult => return opaque(raw, block.kind, cache),
        "tool_result" => tool_result(block.tool_use_id, block.content, block.is_error)?,
        "thinking" => {
            let signature = block.signature.filter(|signature| !signature.is_empty());
            let text = block.thinking.into_string();
            let proof = signature.map(|data| Proof::of(Dialect::AnthropicMessages, data.into_string()));
            Content::Thinking(Thinking { text, proof })
        }
        "redacted_thinking" => {
            Content::RedactedThinking(Proof::of(Dialect::AnthropicMessages, block.data.into_string()))
        }
        _ => return opaque(raw, block.kind, cache),
    };
    Ok(Part { cache, citations, extra: extras(block.rest, weight), ..Part::new(content) })
}

wire_object! {
    /// Every block that the relay knows, in one: telling them apart first would read each twice.
    struct BlockIn<'a> {
        kind: Str<'a> = "type",
        text: Str<'a> = "text",
        source: Option<&'a RawValue> = "source",
        title: Option<Str<'a>> = "title",
        id: Str<'a> = "id",
        name: Str<'a> = "name",
        input: Option<&'a RawValue> = "input",
        tool_use_id: Str<'a> = "tool_use_id",
        content: TextOr<'a, Vec<&'a RawValue>> = "content",
        is_error: Option<bool> = "is_error",
        thinking: Str<'a> = "thinking",
        signature: Option<Str<'a>> = "signature",
        data: Str<'a> = "data",
        citations: Option<&'a RawValue> = "citations",
        cache_control: Option<CacheControlIn<'a>> = "cache_control",
    }
}

fn sources(raw: &RawValue) -> Result<Vec<Citation>, serde_json::Error> {
    let list: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|error| at("citations", error))?;
    Ok(list.into_iter().map(citation).collect())
}

/// A mark up to which the prompt may be cached.
#[derive(Debug, Deserialize)]
pub(in crate::anthropic) struct CacheControlIn<'a> {
    #[serde(borrow)]
    ttl: Option<Str<'a>>,
}

impl CacheControlIn<'_> {
    pub(in crate::anthropic) fn into_hint(self) -> CacheHint {
        CacheHint { ttl: self.ttl.map(Str::into_string) }
    }
}

/// Newer models say of every call that they made it themselves.
fn weight(field: &str, value: &RawValue) -> Weight {
    if field == "caller" && compact(value.get()) == r#"{"type":"direct"}"# {
        Weight::Trivial
    } else {
        Weight::Hint
    }
}

fn kind(raw: &RawValue) -> Result<Str<'_>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow, rename = "type")]
        kind: Str<'a>,
    }
    serde_json::from_str::<Kind<'_>>(raw.get()).map(|block| block.kind)
}

fn is_known(kind: Str<'_>) -> bool {
    KNOWN.contains(&&*kind)
}

const KNOWN: [&str; 7] =
    ["text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking"];

/// A block kept whole. Its mark for the cache is told apart, for dialects that get its text instead.
fn opaque(raw: &RawValue, kind: Str<'_>, cache: Option<CacheHint>) -> Result<Part, serde_json::Error> {
    if kind.is_empty() {
        return Err(Error::custom("a content block without a type"));
    }
    let text = readable::text(&kind, raw);
    let opaque = Opaque { kind: kind.into_string(), value: Json::from(raw), text };
    Ok(Part { cache, ..Part::new(Content::Opaque(opaque)) })
}

/// `None` for a source of a type that the IR has no place for.
fn source(raw: Option<&RawValue>) -> Result<Option<Source>, serde_json::Error> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct SourceIn<'a> {
        #[serde(borrow, rename = "type")]
        kind: Str<'a>,
        #[serde(borrow)]
        media_type: Str<'a>,
        #[serde(borrow)]
        data: Str<'a>,
        #[serde(borrow)]
        url: Str<'a>,
        #[serde(borrow)]
        file_id: Str<'a>,
    }
    let raw = raw.ok_or_else(|| Error::custom("source: missing"))?;
    let source: SourceIn<'_> = serde_json::from_str(raw.get()).map_err(|error| at("source", error))?;
    Ok(match &*source.kind {
        "base64" => Some(Source::Base64 {
            media_type: source.media_type.into_string(),
            data: source.data.into_string(),
        }),
        "text" => Some(Source::Text(source.data.into_string())),
        "url" => Some(Source::Url(source.url.into_string())),
        "file" => Some(Source::File(source.file_id.into_string())),
        _ => None,
    })
}

fn tool_call(id: Str<'_>, name: Str<'_>, input: Option<&RawValue>) -> Content {
    let arguments = Arguments::new(input.map_or("{}", RawValue::get));
    Content::ToolCall(ToolCall::new(id.into_string(), name.into_string(), arguments))
}

fn tool_result(
    call_id: Str<'_>,
    content: TextOr<'_, Vec<&RawValue>>,
    is_error: Option<bool>,
) -> Result<Content, serde_json::Error> {
    let parts = parts_in(content, Place::ToolResult).map_err(|error| at("content", error))?;
    let is_error = is_error.unwrap_or(false);
    Ok(Content::ToolResult(ToolResult { call_id: call_id.into_string(), parts, is_error }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Part {
        part(serde_json::from_str(json).unwrap()).unwrap()
    }

    #[test]
    fn unknown_blocks_are_kept_whole_even_if_their_fields_look_known() {
        let json = r#"{"type":"new_thing","text":{"a":1},"id":7}"#;
        let Content::Opaque(opaque) = read(json).content else { panic!("opaque") };
        assert_eq!((opaque.kind.as_str(), opaque.value.as_str()), ("new_thing", json));
        let known = r#"{"type":"text","text":{"a":1}}"#;
        assert!(part(serde_json::from_str(known).unwrap()).is_err());
    }

    #[test]
    fn results_inside_results_do_not_exhaust_the_stack() {
        let open = r#"{"type":"tool_result","tool_use_id":"a","content":["#;
        let json = format!("{}{}", open.repeat(200_000), "]}".repeat(200_000));
        let Content::ToolResult(result) = read(&json).content else { panic!("a result") };
        assert!(matches!(result.parts[0].content, Content::Opaque(_)));
    }

    #[test]
    fn an_empty_signature_is_none() {
        let thinking = |json| match read(json).content {
            Content::Thinking(thinking) => thinking.proof.map(|proof| proof.data),
            other => panic!("{other:?}"),
        };
        assert_eq!(thinking(r#"{"type":"thinking","thinking":"hm","signature":""}"#), None);
        assert_eq!(
            thinking(r#"{"type":"thinking","thinking":"","signature":"c2ln"}"#).as_deref(),
            Some("c2ln")
        );
    }
}
