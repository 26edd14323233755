//! Neutral parts to wire parts.

use std::borrow::Cow;

use posthaste_core::Dialect;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    Loss, TranslateError,
    ir::{CacheHint, Content, Document, Opaque, Part, Source, ToolCall},
    json::{Fields, compact},
    loss::Losses,
    media::{data_url, titled},
};

const DIALECT: Dialect = Dialect::OpenAiChat;

/// A part of a user's message as it is written.
#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::openai_chat) enum PartOut<'a> {
    /// One of our own dialect that we do not know.
    Raw(&'a RawValue),
    /// One that we know.
    Known {
        #[serde(flatten)]
        content: ContentOut<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        prompt_cache_breakpoint: Option<BreakpointOut<'a>>,
        #[serde(flatten)]
        extra: Fields<'a>,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::openai_chat) enum ContentOut<'a> {
    Text { text: Cow<'a, str> },
    Refusal { refusal: &'a str },
    ImageUrl { image_url: ImageOut<'a> },
    InputAudio { input_audio: AudioOut<'a> },
    File { file: FileOut<'a> },
}

/// A mark up to which the prompt may be cached.
#[derive(Serialize)]
pub(in crate::openai_chat) struct BreakpointOut<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'a str>,
}

#[derive(Serialize)]
pub(in crate::openai_chat) struct ImageOut<'a> {
    url: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

#[derive(Serialize)]
pub(in crate::openai_chat) struct AudioOut<'a> {
    data: &'a str,
    format: &'a str,
}

#[derive(Serialize)]
pub(in crate::openai_chat) struct FileOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'a str>,
}

impl<'a> PartOut<'a> {
    /// A text and nothing more.
    pub(in crate::openai_chat) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::marked_text(text, None)
    }

    /// A text with a mark.
    pub(in crate::openai_chat) fn marked_text(
        text: impl Into<Cow<'a, str>>,
        prompt_cache_breakpoint: Option<BreakpointOut<'a>>,
    ) -> Self {
        let content = ContentOut::Text { text: text.into() };
        Self::Known { content, prompt_cache_breakpoint, extra: Fields(&[]) }
    }

    /// The text, when the part is nothing but text.
    pub(in crate::openai_chat) fn as_plain_text(&self) -> Option<&str> {
        match self {
            Self::Known { content: ContentOut::Text { text }, prompt_cache_breakpoint: None, extra }
                if extra.0.is_empty() =>
            {
                Some(text)
            }
            _ => None,
        }
    }

    /// The text, when the part is nothing but text; else the part again.
    pub(in crate::openai_chat) fn into_plain_text(self) -> Result<Cow<'a, str>, Self> {
        match self {
            Self::Known { content: ContentOut::Text { text }, prompt_cache_breakpoint: None, extra }
                if extra.0.is_empty() =>
            {
                Ok(text)
            }
            other => Err(other),
        }
    }
}

/// What the upstream takes in its messages.
#[derive(Clone, Copy, Debug)]
pub(in crate::openai_chat) struct Reach {
    /// Whether the parts were read from this dialect.
    pub(in crate::openai_chat) own: bool,
    /// Whether parts may be marked for the cache.
    pub(in crate::openai_chat) marks: bool,
    /// Whether it takes anything but text.
    pub(in crate::openai_chat) media: bool,
}

impl Reach {
    /// The mark of a part, if it has one and may. Other dialects' spans are no words here: the vendor's default counts.
    pub(in crate::openai_chat) fn mark<'a>(
        self,
        cache: Option<&'a CacheHint>,
        field: &'static str,
        losses: &mut Losses,
    ) -> Option<BreakpointOut<'a>> {
        let hint = cache?;
        if !self.marks {
            losses.dropped(field);
            return None;
        }
        let ttl = hint.ttl.as_deref().filter(|_| self.own);
        if ttl.is_none() && hint.ttl.is_some() {
            losses.degraded("cache_control.ttl", "the vendor's default instead");
        }
        Some(BreakpointOut { mode: "explicit", ttl })
    }
}

/// The wire part for a part of the user's turn; `None` for one that has nothing to say here.
pub(in crate::openai_chat) fn part<'a>(
    part: &'a Part,
    reach: Reach,
    losses: &mut Losses,
) -> Result<Option<PartOut<'a>>, TranslateError> {
    let own = reach.own;
    refuse_media(&part.content, reach)?;
    let content = match &part.content {
        Content::Text(text) => ContentOut::Text { text: text.into() },
        Content::Refusal(refusal) => ContentOut::Refusal { refusal },
        Content::Image(image) => ContentOut::ImageUrl {
            image_url: ImageOut { url: image_url(&image.source, own)?, detail: image.detail.as_deref() },
        },
        Content::Document(document) => document_part(document, own, losses)?,
        Content::Json(json) => ContentOut::Text { text: json.as_str().into() },
        Content::Audio { data, format } => ContentOut::InputAudio { input_audio: AudioOut { data, format } },
        Content::Opaque(opaque) if own => return Ok(Some(PartOut::Raw(opaque.value.as_raw()))),
        Content::Opaque(opaque) => {
            let field = format!("messages.content.{}", opaque.kind);
            let Some(text) = &opaque.text else { return Err(inexpressible(field)) };
            losses.add(Loss::degraded(field, "carried as text"));
            ContentOut::Text { text: text.into() }
        }
        // Only a mixed-up history has these on the user's side.
        Content::ToolCall(_)
        | Content::ToolResult(_)
        | Content::Thinking(_)
        | Content::RedactedThinking(_) => {
            losses.dropped("messages.content");
            return Ok(None);
        }
    };
    let prompt_cache_breakpoint = reach.mark(part.cache.as_ref(), "messages.content.cache_control", losses);
    losses.dropped_if(!part.citations.is_empty(), "messages.content.citations");
    let extra = if own {
        Fields(&part.extra)
    } else {
        losses.foreign("messages.content", &part.extra, DIALECT)?;
        Fields(&[])
    };
    Ok(Some(PartOut::Known { content, prompt_cache_breakpoint, extra }))
}

/// A vendor that takes text alone answers 400 to anything else: the client is told which field it is.
fn refuse_media(content: &Content, reach: Reach) -> Result<(), TranslateError> {
    if reach.media || reach.own {
        return Ok(());
    }
    match content {
        Content::Image(_) => Err(inexpressible("messages.content.image")),
        Content::Audio { .. } => Err(inexpressible("messages.content.input_audio")),
        Content::Document(Document { source: Source::Text(_), .. }) => Ok(()),
        Content::Document(_) => Err(inexpressible("messages.content.document")),
        _ => Ok(()),
    }
}

fn image_url(source: &Source, own: bool) -> Result<Cow<'_, str>, TranslateError> {
    match source {
        Source::Url(url) => Ok(url.into()),
        Source::Base64 { media_type, data } => Ok(data_url(media_type, data).into()),
        Source::Text(_) => Err(inexpressible("messages.content.image.source")),
        Source::File(_) if own => {
            Err(TranslateError::invalid("messages.content.image_url", "must be an URL"))
        }
        Source::File(_) => Err(inexpressible("messages.content.image.source.file_id")),
    }
}

fn document_part<'a>(
    document: &'a Document,
    own: bool,
    losses: &mut Losses,
) -> Result<ContentOut<'a>, TranslateError> {
    let title = document.title.as_deref();
    let file = match &document.source {
        Source::Base64 { media_type, data } => {
            let file_data = Some(data_url(media_type, data));
            // OpenAI wants a name beside the data.
            let filename = if own { title } else { title.or(Some("document.pdf")) };
            FileOut { file_id: None, file_data, filename }
        }
        Source::File(id) if own => FileOut { file_id: Some(id), file_data: None, filename: title },
        Source::Text(text) => {
            losses.degraded("messages.content.document", "carried as text");
            return Ok(ContentOut::Text { text: titled(title, text).into() });
        }
        Source::File(_) => return Err(inexpressible("messages.content.document.source.file_id")),
        Source::Url(_) => return Err(inexpressible("messages.content.document.source.url")),
    };
    Ok(ContentOut::File { file })
}

fn inexpressible(field: impl Into<String>) -> TranslateError {
    TranslateError::inexpressible(field, DIALECT)
}

/// A tool call as it is written.
#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::openai_chat) enum ToolCallOut<'a> {
    /// One of our own dialect that we do not know.
    Raw(&'a RawValue),
    /// A function's.
    Function {
        id: Cow<'a, str>,
        #[serde(rename = "type")]
        kind: &'static str,
        function: FunctionOut<'a>,
    },
    /// A free-text tool's.
    Custom {
        id: Cow<'a, str>,
        #[serde(rename = "type")]
        kind: &'static str,
        custom: CustomOut<'a>,
    },
}

#[derive(Serialize)]
pub(in crate::openai_chat) struct FunctionOut<'a> {
    name: &'a str,
    arguments: Cow<'a, str>,
}

#[derive(Serialize)]
pub(in crate::openai_chat) struct CustomOut<'a> {
    name: &'a str,
    input: &'a str,
}

impl<'a> ToolCallOut<'a> {
    /// A call under an id; its arguments lose their white space unless they are our own dialect's.
    pub(in crate::openai_chat) fn new(call: &'a ToolCall, id: Cow<'a, str>, own: bool) -> Self {
        let text = call.arguments.as_str();
        if call.free_text {
            return Self::Custom { id, kind: "custom", custom: CustomOut { name: &call.name, input: text } };
        }
        let arguments = if own { Cow::Borrowed(text) } else { compact(text) };
        Self::Function { id, kind: "function", function: FunctionOut { name: &call.name, arguments } }
    }
}

impl<'a> ToolCallOut<'a> {
    /// The call without its id, as the older form has it; none for a tool that is no function.
    pub(in crate::openai_chat) fn into_function(self) -> Option<FunctionOut<'a>> {
        match self {
            Self::Function { function, .. } => Some(function),
            Self::Custom { .. } | Self::Raw(_) => None,
        }
    }
}

/// Whether a block that is kept whole was one of `tool_calls` and not of `content`.
pub(in crate::openai_chat) fn is_call(opaque: &Opaque) -> bool {
    #[derive(Deserialize)]
    struct CallIn<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
    }
    serde_json::from_str::<CallIn<'_>>(opaque.value.as_str()).is_ok_and(|call| call.id.is_some())
}
