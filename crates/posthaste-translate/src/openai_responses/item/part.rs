//! The parts of a message or of a tool's result.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, de::Error};
use serde_json::value::RawValue;

use super::{Kept, read::citation};
use crate::{
    Loss, TranslateError,
    ir::{Citation, Content, Document, Image, Json, Opaque, Part, Source},
    json::{Str, TextOr, hints, wire_object},
    loss::Losses,
    media::{data_url, is_data_url, split_data_url, titled},
    openai_responses::DIALECT,
};

type Read<T> = Result<T, serde_json::Error>;

/// The parts of a `content` or an `output` that is a text or a list.
pub(in crate::openai_responses) fn parts(content: TextOr<'_, Vec<&RawValue>>) -> Read<Vec<Part>> {
    match content {
        TextOr::Null => Ok(Vec::new()),
        TextOr::Text(text) => Ok(vec![Part::text(text.into_string())]),
        TextOr::Rich(parts) => parts.into_iter().map(part).collect(),
    }
}

wire_object! {
    struct PartIn<'a> {
        kind: Str<'a> = "type",
        text: Option<Str<'a>> = "text",
        refusal: Option<Str<'a>> = "refusal",
        annotations: Option<Vec<&'a RawValue>> = "annotations",
        image_url: Option<Str<'a>> = "image_url",
        detail: Option<Str<'a>> = "detail",
        file_id: Option<Str<'a>> = "file_id",
        file_url: Option<Str<'a>> = "file_url",
        file_data: Option<Str<'a>> = "file_data",
        filename: Option<Str<'a>> = "filename",
        input_audio: Option<AudioIn<'a>> = "input_audio",
    }
}

#[derive(Debug, Deserialize)]
struct AudioIn<'a> {
    #[serde(borrow)]
    data: Str<'a>,
    #[serde(borrow)]
    format: Str<'a>,
}

const KNOWN: [&str; 7] =
    ["input_text", "output_text", "text", "refusal", "input_image", "input_file", "input_audio"];

fn part(raw: &RawValue) -> Read<Part> {
    let wire = match serde_json::from_str::<PartIn<'_>>(raw.get()) {
        Ok(wire) => wire,
        // A field of an unknown part may share a known one's name and not its form.
        Err(error) => return unread(raw, error),
    };
    let text = |text: Option<Str<'_>>| text.map(Str::into_string).unwrap_or_default();
    let content = match &*wire.kind {
        "input_text" | "output_text" | "text" => Content::Text(text(wire.text)),
        "refusal" => Content::Refusal(text(wire.refusal)),
        "input_image" => Content::Image(Image {
            source: image_source(wire.image_url, wire.file_id)?,
            detail: wire.detail.map(Str::into_string),
        }),
        "input_file" => Content::Document(Document {
            source: file_source(wire.file_data, wire.file_url, wire.file_id)?,
            title: wire.filename.map(Str::into_string),
        }),
        "input_audio" => {
            let audio = wire.input_audio.ok_or_else(|| Error::custom("input_audio: missing"))?;
            Content::Audio { data: audio.data.into_string(), format: audio.format.into_string() }
        }
        _ => return opaque(wire.kind, raw),
    };
    let citations = wire.annotations.unwrap_or_default().into_iter().map(citation).collect();
    Ok(Part { citations, extra: hints(wire.rest), ..Part::new(content) })
}

fn unread(raw: &RawValue, error: serde_json::Error) -> Read<Part> {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow, rename = "type")]
        kind: Str<'a>,
    }
    match serde_json::from_str::<Kind<'_>>(raw.get()) {
        Ok(Kind { kind }) if !KNOWN.contains(&&*kind) => opaque(kind, raw),
        _ => Err(error),
    }
}

fn opaque(kind: Str<'_>, raw: &RawValue) -> Read<Part> {
    if kind.is_empty() {
        return Err(Error::custom("a part without a type"));
    }
    Ok(Part::new(Content::Opaque(Opaque { kind: kind.into_string(), value: Json::from(raw), text: None })))
}

fn image_source(url: Option<Str<'_>>, file_id: Option<Str<'_>>) -> Read<Source> {
    match (url, file_id) {
        (Some(url), _) if is_data_url(&url) => split_data_url(&url)
            .ok_or_else(|| Error::custom("image_url: expected an URL of the form data:<type>;base64,<data>")),
        (Some(url), _) => Ok(Source::Url(url.into_string())),
        (None, Some(id)) => Ok(Source::File(id.into_string())),
        (None, None) => Err(Error::custom("an image without `image_url` or `file_id`")),
    }
}

/// Data is a data URL; some clients send its base64 alone.
fn file_source(data: Option<Str<'_>>, url: Option<Str<'_>>, id: Option<Str<'_>>) -> Read<Source> {
    match (data, url, id) {
        (Some(data), ..) if is_data_url(&data) => split_data_url(&data)
            .ok_or_else(|| Error::custom("file_data: expected an URL of the form data:<type>;base64,<data>")),
        (Some(data), ..) => {
            Ok(Source::Base64 { media_type: "application/pdf".to_owned(), data: data.into_string() })
        }
        (None, Some(url), _) => Ok(Source::Url(url.into_string())),
        (None, None, Some(id)) => Ok(Source::File(id.into_string())),
        (None, None, None) => Err(Error::custom("a file without `file_data`, `file_url` or `file_id`")),
    }
}

/// A part as it is written.
#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::openai_responses) enum PartOut<'a> {
    /// One of our own dialect that we do not know.
    Raw(&'a RawValue),
    /// One that we know.
    Known {
        #[serde(flatten)]
        content: ContentOut<'a>,
        #[serde(flatten)]
        extra: Kept<'a>,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::openai_responses) enum ContentOut<'a> {
    InputText {
        text: Cow<'a, str>,
    },
    OutputText {
        text: Cow<'a, str>,
        annotations: Vec<AnnotationOut<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        logprobs: Option<[(); 0]>,
    },
    Refusal {
        refusal: &'a str,
    },
    InputImage {
        #[serde(skip_serializing_if = "Option::is_none")]
        image_url: Option<Cow<'a, str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<&'a str>,
    },
    InputFile {
        #[serde(skip_serializing_if = "Option::is_none")]
        file_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_url: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        filename: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_data: Option<String>,
    },
    InputAudio {
        input_audio: AudioOut<'a>,
    },
}

#[derive(Serialize)]
pub(in crate::openai_responses) struct AudioOut<'a> {
    data: &'a str,
    format: &'a str,
}

/// The source of a text as it is written.
#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::openai_responses) enum AnnotationOut<'a> {
    /// One of our own dialect.
    Own(&'a Json),
    /// One on the web.
    Url {
        #[serde(rename = "type")]
        kind: &'static str,
        start_index: usize,
        end_index: usize,
        url: &'a str,
        title: &'a str,
    },
}

impl<'a> AnnotationOut<'a> {
    /// The annotation for a source of a text of so many characters; `None` for one that cannot be told here.
    pub(in crate::openai_responses) fn new(
        citation: &'a Citation,
        own: bool,
        characters: usize,
    ) -> Option<Self> {
        if let Some(own) = citation.own.as_ref().filter(|_| own) {
            return Some(Self::Own(own));
        }
        let (start_index, end_index) = citation.span.unwrap_or((0, characters));
        let title = citation.title.as_deref().unwrap_or_default();
        citation.url.as_deref().map(|url| Self::Url {
            kind: "url_citation",
            start_index,
            end_index,
            url,
            title,
        })
    }
}

impl<'a> PartOut<'a> {
    /// A text of the client's side and nothing more.
    pub(in crate::openai_responses) fn input_text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::own_input_text(text, Kept::NONE)
    }

    /// A text of the client's side with extras.
    pub(in crate::openai_responses) fn own_input_text(
        text: impl Into<Cow<'a, str>>,
        extra: Kept<'a>,
    ) -> Self {
        Self::Known { content: ContentOut::InputText { text: text.into() }, extra }
    }

    /// A refusal of the model and nothing more.
    pub(in crate::openai_responses) fn refusal(refusal: &'a str) -> Self {
        Self::Known { content: ContentOut::Refusal { refusal }, extra: Kept::NONE }
    }

    /// A text of the model, its sources with it. Only answers have a place for probabilities.
    pub(in crate::openai_responses) fn output_text(
        text: impl Into<Cow<'a, str>>,
        annotations: Vec<AnnotationOut<'a>>,
        in_answer: bool,
        extra: Kept<'a>,
    ) -> Self {
        let has_logprobs = extra.has("logprobs");
        let content = ContentOut::OutputText {
            text: text.into(),
            annotations,
            logprobs: (in_answer && !has_logprobs).then_some([]),
        };
        Self::Known { content, extra }
    }

    /// The text, when the part is nothing but text.
    pub(in crate::openai_responses) fn as_plain_text(&self) -> Option<&str> {
        match self {
            Self::Known { content: ContentOut::InputText { text }, extra } if extra.is_empty() => Some(text),
            _ => None,
        }
    }
}

/// The wire part for a part of the user's message or of a tool's result; `None` for one that has nothing to say there.
pub(in crate::openai_responses) fn user_part<'a>(
    part: &'a Part,
    own: bool,
    losses: &mut Losses,
) -> Result<Option<PartOut<'a>>, TranslateError> {
    let content = match &part.content {
        Content::Text(text) => ContentOut::InputText { text: text.into() },
        Content::Json(json) => ContentOut::InputText { text: json.as_str().into() },
        Content::Refusal(refusal) => ContentOut::InputText { text: refusal.into() },
        Content::Image(image) => image_part(image, own)?,
        Content::Document(document) => document_part(document, own, losses)?,
        Content::Audio { data, format } if own => {
            ContentOut::InputAudio { input_audio: AudioOut { data, format } }
        }
        Content::Audio { .. } => return Err(inexpressible("messages.content.input_audio")),
        Content::Opaque(opaque) if own => return Ok(Some(PartOut::Raw(opaque.value.as_raw()))),
        Content::Opaque(opaque) => {
            let field = format!("messages.content.{}", opaque.kind);
            let Some(text) = &opaque.text else { return Err(inexpressible(field)) };
            losses.add(Loss::degraded(field, "carried as text"));
            ContentOut::InputText { text: text.into() }
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
    losses.dropped_if(part.cache.is_some(), "messages.content.cache_control");
    let extra = if own {
        Kept::part(&part.extra)
    } else {
        losses.foreign("messages.content", &part.extra, DIALECT)?;
        Kept::NONE
    };
    Ok(Some(PartOut::Known { content, extra }))
}

fn image_part(image: &Image, own: bool) -> Result<ContentOut<'_>, TranslateError> {
    let detail = image.detail.as_deref();
    let (image_url, file_id) = match &image.source {
        Source::Url(url) => (Some(Cow::Borrowed(url.as_str())), None),
        Source::Base64 { media_type, data } => (Some(Cow::Owned(data_url(media_type, data))), None),
        Source::File(id) if own => (None, Some(id.as_str())),
        Source::File(_) => return Err(inexpressible("messages.content.image.source.file_id")),
        Source::Text(_) => return Err(inexpressible("messages.content.image.source")),
    };
    Ok(ContentOut::InputImage { image_url, file_id, detail })
}

fn document_part<'a>(
    document: &'a Document,
    own: bool,
    losses: &mut Losses,
) -> Result<ContentOut<'a>, TranslateError> {
    let filename = document.title.as_deref();
    let file = |file_id, file_url, filename, file_data| {
        Ok(ContentOut::InputFile { file_id, file_url, filename, file_data })
    };
    match &document.source {
        // OpenAI wants a name beside the data, and none beside an address.
        Source::Base64 { media_type, data } => {
            let filename = if own { filename } else { filename.or(Some("document.pdf")) };
            file(None, None, filename, Some(data_url(media_type, data)))
        }
        Source::Url(url) => file(None, Some(url.as_str()), filename.filter(|_| own), None),
        Source::File(id) if own => file(Some(id.as_str()), None, filename, None),
        Source::File(_) => Err(inexpressible("messages.content.document.source.file_id")),
        Source::Text(text) => {
            losses.degraded("messages.content.document", "carried as text");
            Ok(ContentOut::InputText { text: titled(filename, text).into() })
        }
    }
}

fn inexpressible(field: impl Into<String>) -> TranslateError {
    TranslateError::inexpressible(field, DIALECT)
}
