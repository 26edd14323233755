//! Blocks to parts.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    citation::citation,
    media::{document_type, image_type},
    sealed,
};
use crate::{
    bedrock::DIALECT,
    ir::{
        Arguments, CacheHint, Content, Document, Extra, Image, Json, Opaque, Part, Proof, Source, Thinking,
        ToolCall, ToolResult, Weight,
    },
    json::{Rest, Str, at, compact, hints, wire_object},
};

/// Fields of a document that are kept as they came.
pub(super) const FORMAT: &str = "format";
pub(super) const SOURCE: &str = "source";

type Read<T> = Result<T, serde_json::Error>;

/// The parts of a list of blocks.
#[derive(Debug, Default)]
pub(in crate::bedrock) struct Parts {
    /// The parts, each with the mark that stands behind it.
    pub(in crate::bedrock) parts: Vec<Part>,
    /// A mark before the first block: it marks what came before the list.
    pub(in crate::bedrock) leading: Option<CacheHint>,
}

/// Reads the blocks of a turn or of the instructions.
pub(in crate::bedrock) fn parts(blocks: Vec<&RawValue>) -> Read<Parts> {
    parts_in(blocks, Place::Turn)
}

/// Where blocks stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Turn,
    /// Results hold no calls, results or thoughts: such a block is kept whole, so that no depth can exhaust the stack.
    ToolResult,
}

fn parts_in(blocks: Vec<&RawValue>, place: Place) -> Read<Parts> {
    let mut read = Parts { parts: Vec::with_capacity(blocks.len()), leading: None };
    for raw in blocks {
        let block: BlockIn<'_> = serde_json::from_str(raw.get())?;
        if let Some(mark) = block.cache_point {
            let place = read.parts.last_mut().map_or(&mut read.leading, |part| &mut part.cache);
            place.get_or_insert(mark.into_hint());
        } else {
            read.parts.extend(part(raw, block, place)?);
        }
    }
    Ok(read)
}

wire_object! {
    /// The union of all blocks.
    struct BlockIn<'a> {
        text: Option<Str<'a>> = "text",
        json: Option<&'a RawValue> = "json",
        image: Option<&'a RawValue> = "image",
        document: Option<&'a RawValue> = "document",
        audio: Option<&'a RawValue> = "audio",
        tool_use: Option<&'a RawValue> = "toolUse",
        tool_result: Option<&'a RawValue> = "toolResult",
        reasoning_content: Option<&'a RawValue> = "reasoningContent",
        citations_content: Option<&'a RawValue> = "citationsContent",
        search_result: Option<&'a RawValue> = "searchResult",
        guard_content: Option<&'a RawValue> = "guardContent",
        cache_point: Option<CachePointIn<'a>> = "cachePoint",
    }
}

/// A mark up to which the prompt may be cached.
#[derive(Debug, Deserialize)]
pub(in crate::bedrock) struct CachePointIn<'a> {
    #[serde(borrow)]
    ttl: Option<Str<'a>>,
}

impl CachePointIn<'_> {
    pub(in crate::bedrock) fn into_hint(self) -> CacheHint {
        CacheHint { ttl: self.ttl.map(Str::into_string) }
    }
}

/// One block; nothing for one that holds nothing. What the IR has no place for is kept whole.
fn part(raw: &RawValue, block: BlockIn<'_>, place: Place) -> Read<Option<Part>> {
    let in_turn = place == Place::Turn;
    let read = match block {
        BlockIn { text: Some(text), .. } => Ok(Some(Part::text(text.into_string()))),
        BlockIn { json: Some(json), .. } => Ok(Some(Part::new(Content::Json(Json::from(json))))),
        BlockIn { image: Some(inner), .. } => image(inner).map_err(|error| at("image", error)),
        BlockIn { document: Some(inner), .. } => document(raw, inner).map_err(|error| at("document", error)),
        BlockIn { audio: Some(inner), .. } => audio(inner).map_err(|error| at("audio", error)),
        BlockIn { tool_use: Some(inner), .. } if in_turn => {
            tool_use(raw, inner).map_err(|error| at("toolUse", error))
        }
        BlockIn { tool_result: Some(inner), .. } if in_turn => {
            tool_result(raw, inner).map_err(|error| at("toolResult", error))
        }
        BlockIn { reasoning_content: Some(inner), .. } if in_turn => {
            reasoning(inner).map_err(|error| at("reasoningContent", error))
        }
        BlockIn { citations_content: Some(inner), .. } => {
            cited_text(inner).map_err(|error| at("citationsContent", error))
        }
        BlockIn { search_result: Some(inner), .. } => {
            return Ok(Some(opaque("searchResult", raw, search_result_text(inner))));
        }
        BlockIn { guard_content: Some(inner), .. } => {
            return Ok(Some(opaque("guardContent", raw, guarded_text(inner))));
        }
        BlockIn { .. } => Ok(None),
    };
    Ok(match read? {
        Some(part) => Some(part),
        None => kind(raw).map(|kind| opaque(&kind, raw, None)),
    })
}

/// The first member that is not null: the union's name for what the block is.
fn kind(raw: &RawValue) -> Option<String> {
    wire_object! {
        struct Any<'a> {}
    }
    let any: Any<'_> = serde_json::from_str(raw.get()).ok()?;
    any.rest.into_iter().find(|(_, value)| value.get() != "null").map(|(name, _)| name.into_string())
}

fn opaque(kind: &str, raw: &RawValue, text: Option<String>) -> Part {
    Part::new(Content::Opaque(Opaque { kind: kind.to_owned(), value: Json::from(raw), text }))
}

wire_object! {
    /// Where bytes are.
    struct SourceIn<'a> {
        bytes: Option<Str<'a>> = "bytes",
        text: Option<Str<'a>> = "text",
        content: Option<Vec<TextIn<'a>>> = "content",
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TextIn<'a> {
    #[serde(borrow)]
    text: Str<'a>,
}

fn joined(texts: &[TextIn<'_>]) -> String {
    texts.iter().map(|piece| &*piece.text).collect::<Vec<_>>().join("\n")
}

fn image(raw: &RawValue) -> Read<Option<Part>> {
    wire_object! {
        struct ImageIn<'a> {
            format: Str<'a> = "format",
            source: SourceIn<'a> = "source",
        }
    }
    let image: ImageIn<'_> = serde_json::from_str(raw.get())?;
    let Some(data) = image.source.bytes else { return Ok(None) };
    let source = Source::Base64 { media_type: image_type(&image.format), data: data.into_string() };
    Ok(Some(with_hints(Content::Image(Image { source, detail: None }), image.rest)))
}

fn document(block: &RawValue, raw: &RawValue) -> Read<Option<Part>> {
    wire_object! {
        struct DocumentIn<'a> {
            format: Option<Str<'a>> = "format",
            name: Option<Str<'a>> = "name",
            source: SourceIn<'a> = "source",
        }
    }
    let document: DocumentIn<'_> = serde_json::from_str(raw.get())?;
    let mut extra = hints(document.rest);
    let source = match (document.source, document.format) {
        (SourceIn { bytes: Some(data), .. }, format) => {
            // The API takes a missing format for plain text (`DocumentBlock`).
            let format = format.as_deref().unwrap_or("txt");
            match text_in(format, &data) {
                Some(text) => {
                    extra.push(told_by(FORMAT, &Value::from(format)));
                    extra.push(told_by(SOURCE, &json!({ "bytes": &*data })));
                    Source::Text(text)
                }
                None => Source::Base64 { media_type: document_type(format), data: data.into_string() },
            }
        }
        (SourceIn { text: Some(text), .. }, format) => {
            let other = format.filter(|format| &**format != "txt");
            extra.extend(other.map(|format| told_by(FORMAT, &Value::from(&*format))));
            Source::Text(text.into_string())
        }
        (SourceIn { content: Some(pieces), .. }, _) => {
            return Ok(Some(opaque("document", block, Some(joined(&pieces)))));
        }
        _ => return Ok(None),
    };
    let title = document.name.map(Str::into_string);
    Ok(Some(Part { extra, ..Part::new(Content::Document(Document { source, title })) }))
}

/// The text of a document in bytes that every dialect can carry as a text.
fn text_in(format: &str, base64: &str) -> Option<String> {
    let bytes = matches!(format, "txt" | "md" | "csv" | "html").then(|| STANDARD.decode(base64).ok())??;
    String::from_utf8(bytes).ok()
}

/// How a text came, which the neutral form does not say: other dialects have plain texts only.
fn told_by(field: &str, value: &Value) -> Extra {
    let value = Json::parse(&value.to_string()).expect("a value can be written as JSON");
    Extra { field: field.to_owned(), value, weight: Weight::Trivial }
}

fn audio(raw: &RawValue) -> Read<Option<Part>> {
    wire_object! {
        struct AudioIn<'a> {
            format: Str<'a> = "format",
            source: SourceIn<'a> = "source",
        }
    }
    let audio: AudioIn<'_> = serde_json::from_str(raw.get())?;
    let Some(data) = audio.source.bytes else { return Ok(None) };
    let content = Content::Audio { data: data.into_string(), format: audio.format.into_string() };
    Ok(Some(with_hints(content, audio.rest)))
}

fn with_hints(content: Content, rest: Rest<'_>) -> Part {
    Part { extra: hints(rest), ..Part::new(content) }
}

/// A call; one that the vendor runs itself is kept whole.
fn tool_use(block: &RawValue, raw: &RawValue) -> Read<Option<Part>> {
    wire_object! {
        struct ToolUseIn<'a> {
            id: Str<'a> = "toolUseId",
            name: Str<'a> = "name",
            input: Option<&'a RawValue> = "input",
            kind: Option<Str<'a>> = "type",
        }
    }
    let call: ToolUseIn<'_> = serde_json::from_str(raw.get())?;
    let input = call.input.map_or("{}", RawValue::get);
    if let Some(kind) = call.kind.filter(|kind| &**kind != "tool_use") {
        let text = format!("{}({})", &*call.name, compact(input));
        return Ok(Some(opaque(&kind, block, Some(text))));
    }
    let content = ToolCall::new(call.id.into_string(), call.name.into_string(), Arguments::new(input));
    Ok(Some(with_hints(Content::ToolCall(content), call.rest)))
}

/// A result; one of a tool that the vendor ran is kept whole.
fn tool_result(block: &RawValue, raw: &RawValue) -> Read<Option<Part>> {
    wire_object! {
        struct ToolResultIn<'a> {
            id: Str<'a> = "toolUseId",
            content: Option<Vec<&'a RawValue>> = "content",
            status: Option<Str<'a>> = "status",
            kind: Option<Str<'a>> = "type",
        }
    }
    let result: ToolResultIn<'_> = serde_json::from_str(raw.get())?;
    let parts = parts_in(result.content.unwrap_or_default(), Place::ToolResult)
        .map_err(|error| at("content", error))?
        .parts;
    if let Some(kind) = result.kind.filter(|kind| &**kind != "tool_result") {
        let texts = parts.iter().filter_map(|part| match &part.content {
            Content::Text(text) => Some(Cow::Borrowed(text.as_str())),
            Content::Json(json) => Some(compact(json.as_str())),
            _ => None,
        });
        let text = texts.collect::<Vec<_>>().join("\n");
        return Ok(Some(opaque(&kind, block, Some(text))));
    }
    let is_error = result.status.is_some_and(|status| &*status == "error");
    let content = ToolResult { call_id: result.id.into_string(), parts, is_error };
    Ok(Some(with_hints(Content::ToolResult(content), result.rest)))
}

fn reasoning(raw: &RawValue) -> Read<Option<Part>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ReasoningIn<'a> {
        #[serde(borrow)]
        reasoning_text: Option<ReasoningTextIn<'a>>,
        #[serde(borrow)]
        redacted_content: Option<Str<'a>>,
    }
    #[derive(Deserialize)]
    struct ReasoningTextIn<'a> {
        #[serde(borrow, default)]
        text: Str<'a>,
        #[serde(borrow)]
        signature: Option<Str<'a>>,
    }
    let ReasoningIn { reasoning_text, redacted_content } = serde_json::from_str(raw.get())?;
    let content = match (reasoning_text, redacted_content) {
        (Some(ReasoningTextIn { text, signature }), _) => {
            let signature = signature.filter(|signature| !signature.is_empty());
            let proof = signature.map(|data| Proof::of(DIALECT, data.into_string()));
            Content::Thinking(Thinking { text: text.into_string(), proof })
        }
        (None, Some(data)) => Content::RedactedThinking(sealed::read(&data)),
        (None, None) => return Ok(None),
    };
    Ok(Some(Part::new(content)))
}

/// A text with its sources, which stands in the place of a plain one.
fn cited_text(raw: &RawValue) -> Read<Option<Part>> {
    #[derive(Deserialize)]
    struct CitedIn<'a> {
        #[serde(borrow)]
        content: Option<Vec<TextIn<'a>>>,
        #[serde(borrow)]
        citations: Option<Vec<&'a RawValue>>,
    }
    let CitedIn { content, citations } = serde_json::from_str(raw.get())?;
    let text: String = content.iter().flatten().map(|piece| &*piece.text).collect();
    let citations = citations.into_iter().flatten().map(citation).collect();
    Ok(Some(Part { citations, ..Part::text(text) }))
}

/// Title, source and texts of a search result, the way a person would quote it.
fn search_result_text(raw: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct SearchResultIn<'a> {
        #[serde(borrow, default)]
        source: Str<'a>,
        #[serde(borrow, default)]
        title: Str<'a>,
        #[serde(borrow)]
        content: Vec<TextIn<'a>>,
    }
    let result: SearchResultIn<'_> = serde_json::from_str(raw.get()).ok()?;
    Some(format!("{} ({})\n{}", &*result.title, &*result.source, joined(&result.content)))
}

fn guarded_text(raw: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct GuardedIn<'a> {
        #[serde(borrow)]
        text: TextIn<'a>,
    }
    serde_json::from_str::<GuardedIn<'_>>(raw.get()).ok().map(|guarded| guarded.text.text.into_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Read<Parts> {
        parts(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_mark_belongs_to_the_block_before_it() {
        let read = read(
            r#"[{"cachePoint":{"type":"default"}},{"text":"a"},{"cachePoint":{"type":"default","ttl":"1h"}},{"text":"b"}]"#,
        )
        .unwrap();
        assert_eq!(read.leading, Some(CacheHint::default()));
        assert_eq!(read.parts[0].cache, Some(CacheHint { ttl: Some("1h".to_owned()) }));
        assert_eq!(read.parts[1].cache, None);
    }

    #[test]
    fn unknown_blocks_are_kept_whole_and_empty_ones_are_nothing() {
        let read = read(r#"[{"text":null,"hologram":{"depth":3}},{"text":null}, {}]"#).unwrap();
        let [Part { content: Content::Opaque(opaque), .. }] = &read.parts[..] else { panic!("{read:?}") };
        assert_eq!((opaque.kind.as_str(), opaque.text.as_deref()), ("hologram", None));
    }

    #[test]
    fn results_inside_results_do_not_exhaust_the_stack() {
        let open = r#"{"toolResult":{"toolUseId":"a","content":["#;
        let json = format!("[{}{}]", open.repeat(100_000), "]}}".repeat(100_000));
        let read = read(&json).unwrap();
        let Content::ToolResult(result) = &read.parts[0].content else { panic!("a result") };
        assert!(matches!(result.parts[0].content, Content::Opaque(_)));
    }

    #[test]
    fn a_text_in_bytes_is_read_as_text_and_remembers_its_bytes() {
        let read = read(
            r#"[{"document":{"format":"md","name":"a","source":{"bytes":"IyBB"}}},{"document":{"format":"txt","name":"b","source":{"bytes":"/w=="}}}]"#,
        )
        .unwrap();
        let source = |part: &Part| match &part.content {
            Content::Document(document) => document.source.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(source(&read.parts[0]), Source::Text("# A".to_owned()));
        let kept: Vec<_> = read.parts[0].extra.iter().map(|extra| extra.value.as_str()).collect();
        assert_eq!(kept, [r#""md""#, r#"{"bytes":"IyBB"}"#]);
        assert!(matches!(source(&read.parts[1]), Source::Base64 { .. }));
    }

    #[test]
    fn errors_name_the_path() {
        let error = read(r#"[{"toolResult":{"content":[{"image":{"format":7}}]}}]"#).unwrap_err().to_string();
        assert!(error.starts_with("toolResult: content: image: format: invalid type"), "{error}");
        assert!(read("[7]").is_err());
    }
}
