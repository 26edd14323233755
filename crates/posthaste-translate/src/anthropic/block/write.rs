//! Parts to blocks.

use std::borrow::Cow;

use posthaste_core::Dialect;
use serde::Serialize;
use serde_json::value::RawValue;

use super::citation::CitationOut;
use crate::{
    Loss, TranslateError,
    conversation::as_word,
    ir::{CacheHint, Citation, Content, Document, Extra, Json, Opaque, Part, Source, ToolResult},
    json::Fields,
    loss::Losses,
    media::standard_base64,
};

/// A block as it is written.
#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::anthropic) enum BlockOut<'a> {
    /// A block of our own dialect that we do not know.
    Raw(&'a RawValue),
    /// One that we know.
    Known(KnownOut<'a>),
}

impl<'a> BlockOut<'a> {
    /// The text, when the block is nothing but text.
    pub(in crate::anthropic) fn as_plain_text(&self) -> Option<&str> {
        match self {
            Self::Known(KnownOut {
                content: ContentOut::Text { text },
                citations,
                cache_control: None,
                extra,
            }) if citations.is_empty() && extra.0.is_empty() => Some(text),
            _ => None,
        }
    }

    /// Whether the block is thoughts that nobody can read.
    pub(in crate::anthropic) const fn is_sealed(&self) -> bool {
        matches!(self, Self::Known(KnownOut { content: ContentOut::RedactedThinking { .. }, .. }))
    }

    fn plain(content: ContentOut<'a>) -> Self {
        Self::Known(KnownOut { content, citations: Vec::new(), cache_control: None, extra: Fields(&[]) })
    }

    /// The answer to a call that the history leaves open.
    pub(in crate::anthropic) fn missing_result(id: Cow<'a, str>) -> Self {
        let content = ResultOut::Text(Cow::Borrowed("no result"));
        Self::plain(ContentOut::ToolResult { tool_use_id: id, content, is_error: true })
    }
}

#[derive(Serialize)]
pub(in crate::anthropic) struct KnownOut<'a> {
    #[serde(flatten)]
    content: ContentOut<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    citations: Vec<CitationOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControlOut<'a>>,
    #[serde(flatten)]
    extra: Fields<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ContentOut<'a> {
    Text {
        text: Cow<'a, str>,
    },
    Image {
        source: SourceOut<'a>,
    },
    Document {
        source: SourceOut<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: Json,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        content: ResultOut<'a>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum SourceOut<'a> {
    Base64 { media_type: &'a str, data: Cow<'a, str> },
    Text { media_type: &'static str, data: &'a str },
    Url { url: &'a str },
    File { file_id: &'a str },
}

#[derive(Serialize)]
#[serde(untagged)]
enum ResultOut<'a> {
    Text(Cow<'a, str>),
    Blocks(Vec<BlockOut<'a>>),
}

/// A mark up to which the prompt may be cached.
#[derive(Serialize)]
pub(in crate::anthropic) struct CacheControlOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'a str>,
}

impl<'a> CacheControlOut<'a> {
    /// A mark for as long as the hint wants. Other dialects' spans are no words here: they are all longer than five
    /// minutes, so the longer of the two is meant.
    pub(in crate::anthropic) fn new(hint: &'a CacheHint, own: bool, losses: &mut Losses) -> Self {
        let ttl = match hint.ttl.as_deref() {
            Some(ttl) if !own && !matches!(ttl, "5m" | "1h") => {
                losses.degraded("prompt_cache_breakpoint.ttl", "carried as an hour");
                Some("1h")
            }
            ttl => ttl,
        };
        Self { kind: "ephemeral", ttl }
    }
}

/// A text and nothing more.
pub(in crate::anthropic) fn text_block<'a>(text: impl Into<Cow<'a, str>>) -> BlockOut<'a> {
    BlockOut::plain(ContentOut::Text { text: text.into() })
}

/// Where parts come from.
#[derive(Clone, Copy)]
pub(in crate::anthropic) struct Origin {
    /// The dialect that they were read from.
    pub(in crate::anthropic) dialect: Dialect,
    /// Where they stand.
    pub(in crate::anthropic) place: Place,
}

/// Where parts stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::anthropic) enum Place {
    /// In a request's instructions.
    System,
    /// In a request's conversation.
    Messages,
    /// In an answer.
    Answer,
}

impl Place {
    /// The place as losses name it.
    const fn path(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Messages => "messages.content",
            Self::Answer => "content",
        }
    }
}

impl Origin {
    /// Whether they were read from this dialect.
    pub(in crate::anthropic) fn is_own(self) -> bool {
        self.dialect == Dialect::AnthropicMessages
    }

    fn field(self, name: &str) -> String {
        format!("{}.{name}", self.place.path())
    }

    fn inexpressible(self, name: &str) -> TranslateError {
        TranslateError::inexpressible(self.field(name), Dialect::AnthropicMessages)
    }
}

/// The block for a part, or `None` for one that has nothing to say here; `id` overrides that of a call or a result.
pub(in crate::anthropic) fn block<'a>(
    part: &'a Part,
    origin: Origin,
    id: Option<Cow<'a, str>>,
    losses: &mut Losses,
) -> Result<Option<BlockOut<'a>>, TranslateError> {
    let content = match &part.content {
        // Anthropic refuses empty texts.
        Content::Text(text) | Content::Refusal(text) if text.trim().is_empty() => return Ok(None),
        Content::Text(text) | Content::Refusal(text) => ContentOut::Text { text: text.into() },
        Content::Image(image) => {
            if image.detail.is_some() {
                losses.add(Loss::dropped(origin.field("image_url.detail")));
            }
            ContentOut::Image { source: source(&image.source, origin, "image_url")? }
        }
        Content::Document(document) => document_block(document, origin)?,
        Content::Audio { .. } => return Err(origin.inexpressible("input_audio")),
        Content::ToolCall(call) => ContentOut::ToolUse {
            // The client will send it back, perhaps to Anthropic itself.
            id: id.unwrap_or_else(|| if origin.is_own() { (&call.id).into() } else { as_word(&call.id) }),
            name: &call.name,
            input: call.arguments.to_object(),
        },
        Content::ToolResult(result) => tool_result(result, origin, id, losses)?,
        // Reasoning of which a vendor tells no more than that it happened.
        Content::Thinking(thinking) if thinking.text.is_empty() && thinking.proof.is_none() => {
            return Ok(None);
        }
        Content::Thinking(thinking) => ContentOut::Thinking {
            thinking: &thinking.text,
            signature: thinking.proof.as_ref().map_or("", |proof| proof.data.as_str()),
        },
        Content::RedactedThinking(proof) => ContentOut::RedactedThinking { data: &proof.data },
        Content::Json(json) => ContentOut::Text { text: json.as_str().into() },
        Content::Opaque(opaque) => return opaque_block(part, opaque, origin, losses),
    };
    Ok(Some(BlockOut::Known(KnownOut {
        content,
        citations: citations(&part.citations, origin, losses),
        cache_control: cache_control(part, origin, losses),
        extra: Fields(own_extras(&part.extra, origin, losses)?),
    })))
}

fn cache_control<'a>(part: &'a Part, origin: Origin, losses: &mut Losses) -> Option<CacheControlOut<'a>> {
    part.cache.as_ref().map(|hint| CacheControlOut::new(hint, origin.is_own(), losses))
}

fn citations<'a>(citations: &'a [Citation], origin: Origin, losses: &mut Losses) -> Vec<CitationOut<'a>> {
    let write = match origin.place {
        Place::Answer => CitationOut::for_client,
        Place::System | Place::Messages => CitationOut::for_upstream,
    };
    let written: Vec<_> = citations.iter().filter_map(write).collect();
    if written.len() < citations.len() {
        losses.add(Loss::dropped(origin.field("citations")));
    }
    written
}

fn own_extras<'a>(
    extra: &'a [Extra],
    origin: Origin,
    losses: &mut Losses,
) -> Result<&'a [Extra], TranslateError> {
    if origin.is_own() {
        return Ok(extra);
    }
    losses.foreign(origin.place.path(), extra, Dialect::AnthropicMessages)?;
    Ok(&[])
}

fn document_block(document: &Document, origin: Origin) -> Result<ContentOut<'_>, TranslateError> {
    let source = source(&document.source, origin, "file")?;
    let is_pdf = |media_type: &str| media_type == "application/pdf";
    if matches!(source, SourceOut::Base64 { media_type, .. } if !origin.is_own() && !is_pdf(media_type)) {
        // The only media type that Anthropic takes in base64.
        return Err(origin.inexpressible("file.file_data"));
    }
    Ok(ContentOut::Document { source, title: document.title.as_deref() })
}

fn source<'a>(source: &'a Source, origin: Origin, field: &str) -> Result<SourceOut<'a>, TranslateError> {
    Ok(match source {
        Source::Base64 { media_type, data } => SourceOut::Base64 { media_type, data: standard_base64(data) },
        Source::Text(text) => SourceOut::Text { media_type: "text/plain", data: text },
        Source::Url(url) => SourceOut::Url { url },
        Source::File(file_id) if origin.is_own() => SourceOut::File { file_id },
        Source::File(_) => return Err(origin.inexpressible(&format!("{field}.file_id"))),
    })
}

fn tool_result<'a>(
    result: &'a ToolResult,
    origin: Origin,
    id: Option<Cow<'a, str>>,
    losses: &mut Losses,
) -> Result<ContentOut<'a>, TranslateError> {
    let mut blocks = Vec::with_capacity(result.parts.len());
    for part in &result.parts {
        blocks.extend(block(part, origin, None, losses)?);
    }
    let content = match (blocks.as_slice(), result.parts.as_slice()) {
        ([], _) => ResultOut::Text(Cow::Borrowed("")),
        ([only], [Part { content: Content::Text(text), .. }]) if only.as_plain_text().is_some() => {
            ResultOut::Text(text.into())
        }
        ([_], [Part { content: Content::Json(json), .. }]) => ResultOut::Text(json.as_str().into()),
        _ => ResultOut::Blocks(blocks),
    };
    let tool_use_id = id.unwrap_or(Cow::Borrowed(&result.call_id));
    Ok(ContentOut::ToolResult { tool_use_id, content, is_error: result.is_error })
}

fn opaque_block<'a>(
    part: &'a Part,
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
            let content = ContentOut::Text { text: text.into() };
            let cache_control = cache_control(part, origin, losses);
            let extra = Fields(&[]);
            Ok(Some(BlockOut::Known(KnownOut { content, citations: Vec::new(), cache_control, extra })))
        }
        None => Err(origin.inexpressible(&opaque.kind)),
    }
}
