//! Parts to blocks.

use std::borrow::Cow;

use posthaste_core::Dialect;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    CitationOut, citation_out,
    media::{DocumentNames, document_format, image_format, is_audio_format},
    read::{FORMAT, SOURCE},
    sealed,
};
use crate::{
    Loss, TranslateError,
    bedrock::DIALECT,
    ir::{CacheHint, Content, Document, Extra, Image, Json, Opaque, Part, Source, ToolResult},
    json::{Fields, compact},
    loss::Losses,
    media::standard_base64,
};

/// A block as it is written: a union of one key.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::bedrock) enum BlockOut<'a> {
    Text(Cow<'a, str>),
    Json(&'a RawValue),
    Image(MediaOut<'a>),
    Document(DocumentOut<'a>),
    Audio(MediaOut<'a>),
    ToolUse(ToolUseOut<'a>),
    ToolResult(ToolResultOut<'a>),
    ReasoningContent(ReasoningOut<'a>),
    CitationsContent(CitationsOut<'a>),
    CachePoint(CachePointOut<'a>),
    /// A block of our own dialect that we do not know.
    #[serde(untagged)]
    Raw(&'a RawValue),
}

#[derive(Serialize)]
pub(in crate::bedrock) struct MediaOut<'a> {
    format: Cow<'a, str>,
    source: SourceOut<'a>,
    #[serde(flatten)]
    extra: Fields<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum SourceOut<'a> {
    Bytes(Cow<'a, str>),
    Text(&'a str),
}

#[derive(Serialize)]
pub(in crate::bedrock) struct DocumentOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a str>,
    name: Cow<'a, str>,
    /// None for one that stands among the extras.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<SourceOut<'a>>,
    #[serde(flatten)]
    extra: Fields<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::bedrock) struct ToolUseOut<'a> {
    tool_use_id: Cow<'a, str>,
    name: &'a str,
    input: Json,
    #[serde(flatten)]
    extra: Fields<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::bedrock) struct ToolResultOut<'a> {
    tool_use_id: Cow<'a, str>,
    content: Vec<BlockOut<'a>>,
    /// Left out where the tool did not fail: only some models take the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(flatten)]
    extra: Fields<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::bedrock) enum ReasoningOut<'a> {
    ReasoningText {
        text: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        signature: Option<&'a str>,
    },
    RedactedContent(Cow<'a, str>),
}

#[derive(Serialize)]
pub(in crate::bedrock) struct CitationsOut<'a> {
    content: [CitedTextOut<'a>; 1],
    citations: Vec<CitationOut<'a>>,
}

#[derive(Serialize)]
struct CitedTextOut<'a> {
    text: &'a str,
}

/// A mark up to which the prompt may be cached.
#[derive(Serialize)]
pub(in crate::bedrock) struct CachePointOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'a str>,
}

impl<'a> CachePointOut<'a> {
    /// The mark; a lifetime that the API does not know (`CacheTTL`) becomes its default.
    pub(in crate::bedrock) fn new(hint: &'a CacheHint, own: bool) -> Self {
        let ttl = hint.ttl.as_deref().filter(|ttl| own || matches!(*ttl, "5m" | "1h"));
        Self { kind: "default", ttl }
    }
}

/// Where parts come from.
#[derive(Clone, Copy, Debug)]
pub(in crate::bedrock) struct Origin {
    /// The dialect that they were read from.
    pub(in crate::bedrock) dialect: Dialect,
    /// Their place, as losses name it.
    pub(in crate::bedrock) path: &'static str,
    /// Whether they are an answer's, which is shown to the client and not sent to a model.
    pub(in crate::bedrock) in_answer: bool,
}

impl Origin {
    /// Whether they were read from this dialect.
    pub(in crate::bedrock) fn is_own(self) -> bool {
        self.dialect == DIALECT
    }

    fn field(self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    fn inexpressible(self, name: &str) -> TranslateError {
        TranslateError::inexpressible(self.field(name), DIALECT)
    }
}

/// Writes the blocks of one request or answer, in which each document has a name of its own.
#[derive(Debug)]
pub(in crate::bedrock) struct BlockWriter {
    origin: Origin,
    names: DocumentNames,
}

impl BlockWriter {
    pub(in crate::bedrock) fn new(origin: Origin) -> Self {
        Self { origin, names: DocumentNames::default() }
    }

    /// Appends the block for a part, and the mark behind it; nothing for a part that has nothing to say here. `id`
    /// overrides that of a call or a result.
    pub(in crate::bedrock) fn push<'a>(
        &mut self,
        part: &'a Part,
        id: Option<Cow<'a, str>>,
        out: &mut Vec<BlockOut<'a>>,
        losses: &mut Losses,
    ) -> Result<(), TranslateError> {
        out.extend(self.block(part, id, losses)?);
        // A mark with nothing before it marks nothing, and two in a row are one.
        if let Some(hint) = mark(part)
            && !matches!(out.last(), None | Some(BlockOut::CachePoint(_)))
        {
            out.push(BlockOut::CachePoint(CachePointOut::new(hint, self.origin.is_own())));
        }
        Ok(())
    }

    fn block<'a>(
        &mut self,
        part: &'a Part,
        id: Option<Cow<'a, str>>,
        losses: &mut Losses,
    ) -> Result<Option<BlockOut<'a>>, TranslateError> {
        let origin = self.origin;
        let extra = own_extras(&part.extra, origin, losses)?;
        Ok(Some(match &part.content {
            // The API refuses blank texts.
            Content::Text(text) | Content::Refusal(text) if text.trim().is_empty() => return Ok(None),
            Content::Text(text) | Content::Refusal(text) => text_block(part, text, origin, losses),
            Content::Image(image) => image_block(image, extra, origin, losses)?,
            Content::Document(document) => self.document_block(document, extra, losses)?,
            Content::Audio { format, .. } if !origin.is_own() && !is_audio_format(format) => {
                return Err(origin.inexpressible("audio"));
            }
            Content::Audio { data, format } => BlockOut::Audio(MediaOut {
                format: format.into(),
                source: SourceOut::Bytes(standard_base64(data)),
                extra,
            }),
            Content::ToolCall(call) => BlockOut::ToolUse(ToolUseOut {
                tool_use_id: id.unwrap_or(Cow::Borrowed(&call.id)),
                name: &call.name,
                input: call.arguments.to_object(),
                extra,
            }),
            Content::ToolResult(result) => self.tool_result(result, id, extra, losses)?,
            Content::Thinking(thinking) => BlockOut::ReasoningContent(ReasoningOut::ReasoningText {
                text: &thinking.text,
                signature: thinking.proof.as_ref().map(|proof| proof.data.as_str()),
            }),
            Content::RedactedThinking(proof) => {
                BlockOut::ReasoningContent(ReasoningOut::RedactedContent(sealed::write(proof)))
            }
            Content::Json(json) => BlockOut::Text(compact(json.as_str())),
            Content::Opaque(opaque) => return opaque_block(opaque, origin, losses),
        }))
    }

    fn document_block<'a>(
        &mut self,
        document: &'a Document,
        extra: Fields<'a>,
        losses: &mut Losses,
    ) -> Result<BlockOut<'a>, TranslateError> {
        let origin = self.origin;
        let field = document_field(origin.dialect);
        let (format, source) = match &document.source {
            Source::Base64 { media_type, data } => {
                let Some(format) = document_format(media_type) else {
                    return Err(origin.inexpressible(field));
                };
                (Some(format), Some(SourceOut::Bytes(standard_base64(data))))
            }
            // Our own extras tell how it came.
            Source::Text(text) => {
                let has = |field| extra.0.iter().any(|extra| extra.field == field);
                ((!has(FORMAT)).then_some("txt"), (!has(SOURCE)).then_some(SourceOut::Text(text)))
            }
            Source::Url(_) | Source::File(_) => return Err(origin.inexpressible(field)),
        };
        let title = document.title.as_deref();
        let name = if origin.is_own() {
            title.unwrap_or_default().into()
        } else {
            let name = self.names.give(title);
            if title.is_some_and(|title| title != name) {
                losses.add(Loss::degraded(origin.field(field), "named with letters and digits, and once"));
            }
            name.into()
        };
        Ok(BlockOut::Document(DocumentOut { format, name, source, extra }))
    }

    fn tool_result<'a>(
        &mut self,
        result: &'a ToolResult,
        id: Option<Cow<'a, str>>,
        extra: Fields<'a>,
        losses: &mut Losses,
    ) -> Result<BlockOut<'a>, TranslateError> {
        let mut content = Vec::with_capacity(result.parts.len());
        for part in &result.parts {
            content.extend(match &part.content {
                // Models take objects only.
                Content::Json(json) if self.origin.is_own() || json.as_str().starts_with('{') => {
                    Some(BlockOut::Json(json.as_raw()))
                }
                Content::Audio { .. } => return Err(self.origin.inexpressible("tool_result.audio")),
                _ => self.block(part, None, losses)?,
            });
        }
        if content.is_empty() && !self.origin.is_own() {
            content.push(BlockOut::Text(Cow::Borrowed(NO_OUTPUT)));
        }
        Ok(BlockOut::ToolResult(ToolResultOut {
            tool_use_id: id.unwrap_or(Cow::Borrowed(&result.call_id)),
            content,
            status: result.is_error.then_some("error"),
            extra,
        }))
    }
}

impl<'a> BlockOut<'a> {
    /// A text and nothing more.
    pub(in crate::bedrock) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// The answer to a call that the history leaves open.
    pub(in crate::bedrock) fn missing_result(id: Cow<'a, str>) -> Self {
        Self::ToolResult(ToolResultOut {
            tool_use_id: id,
            content: vec![Self::text("no result")],
            status: Some("error"),
            extra: Fields(&[]),
        })
    }
}

/// Stands for the result of a tool that said nothing: blank texts are refused.
const NO_OUTPUT: &str = "(no output)";

/// The mark behind a part. Results have no room for one inside, so it moves behind them.
fn mark(part: &Part) -> Option<&CacheHint> {
    let inside = || match &part.content {
        Content::ToolResult(result) => result.parts.iter().rev().find_map(|part| part.cache.as_ref()),
        _ => None,
    };
    part.cache.as_ref().or_else(inside)
}

fn own_extras<'a>(
    extra: &'a [Extra],
    origin: Origin,
    losses: &mut Losses,
) -> Result<Fields<'a>, TranslateError> {
    if origin.is_own() {
        return Ok(Fields(extra));
    }
    losses.foreign(origin.path, extra, DIALECT)?;
    Ok(Fields(&[]))
}

/// A text, with those of its sources that can be named here.
fn text_block<'a>(part: &'a Part, text: &'a str, origin: Origin, losses: &mut Losses) -> BlockOut<'a> {
    // A model takes back only the citations that it made itself.
    let told = if origin.is_own() || origin.in_answer { part.citations.as_slice() } else { &[] };
    let citations: Vec<_> = told.iter().filter_map(citation_out).collect();
    if citations.len() < part.citations.len() {
        losses.add(Loss::dropped(origin.field("citations")));
    }
    if citations.is_empty() {
        return BlockOut::text(text);
    }
    BlockOut::CitationsContent(CitationsOut { content: [CitedTextOut { text }], citations })
}

fn image_block<'a>(
    image: &'a Image,
    extra: Fields<'a>,
    origin: Origin,
    losses: &mut Losses,
) -> Result<BlockOut<'a>, TranslateError> {
    let field = image_field(origin.dialect);
    if image.detail.is_some() {
        losses.add(Loss::dropped(origin.field(&format!("{field}.detail"))));
    }
    let Source::Base64 { media_type, data } = &image.source else {
        return Err(origin.inexpressible(field));
    };
    let kept = || media_type.strip_prefix("image/").filter(|_| origin.is_own());
    let Some(format) = image_format(media_type).or_else(kept) else {
        return Err(origin.inexpressible(field));
    };
    let source = SourceOut::Bytes(standard_base64(data));
    Ok(BlockOut::Image(MediaOut { format: format.into(), source, extra }))
}

fn opaque_block<'a>(
    opaque: &'a Opaque,
    origin: Origin,
    losses: &mut Losses,
) -> Result<Option<BlockOut<'a>>, TranslateError> {
    if origin.is_own() {
        return Ok(Some(BlockOut::Raw(opaque.value.as_raw())));
    }
    match &opaque.text {
        Some(text) => {
            losses.add(Loss::degraded(origin.field(&opaque.kind), "carried as text"));
            Ok((!text.trim().is_empty()).then(|| BlockOut::text(text.as_str())))
        }
        None => Err(origin.inexpressible(&opaque.kind)),
    }
}

/// A picture's field in the words of the client.
const fn image_field(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::AnthropicMessages => "image.source",
        Dialect::OpenAiChat => "image_url",
        Dialect::OpenAiResponses => "input_image",
        Dialect::GeminiGenerate => "parts.fileData",
        Dialect::BedrockConverse => "image",
    }
}

/// A document's field in the words of the client.
const fn document_field(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::AnthropicMessages => "document",
        Dialect::OpenAiChat => "file",
        Dialect::OpenAiResponses => "input_file",
        Dialect::GeminiGenerate => "parts.fileData",
        Dialect::BedrockConverse => "document",
    }
}
