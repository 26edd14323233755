//! Parts to wire parts.

use std::borrow::Cow;

use posthaste_core::Dialect;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    call::{ResponseOut, is_said, response_out},
    media::media_type_of,
};
use crate::{
    Loss, TranslateError,
    gemini::DIALECT,
    ir::{Content, Document, Extra, Image, Json, Opaque, Part, Proof, Source, ToolCall, ToolResult},
    json::Fields,
    loss::Losses,
    media::titled,
};

/// A part as it is written.
#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::gemini) enum PartOut<'a> {
    /// One of our own dialect that we do not know.
    Raw(&'a RawValue),
    /// One that we know.
    Known(KnownOut<'a>),
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::gemini) struct KnownOut<'a> {
    /// None where it stands among the extras, as it came.
    #[serde(flatten)]
    data: Option<DataOut<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    thought: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    thought_signature: Option<&'a str>,
    #[serde(flatten)]
    extra: Fields<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum DataOut<'a> {
    Text(Cow<'a, str>),
    InlineData(BlobOut<'a>),
    FileData(FileOut<'a>),
    FunctionCall(CallOut<'a>),
    FunctionResponse(Box<FunctionResponseOut<'a>>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlobOut<'a> {
    mime_type: Cow<'a, str>,
    data: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FileOut<'a> {
    mime_type: &'static str,
    file_uri: &'a str,
}

#[derive(Serialize)]
struct CallOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    name: &'a str,
    args: Json,
}

#[derive(Serialize)]
struct FunctionResponseOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    name: Cow<'a, str>,
    response: ResponseOut<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<PartOut<'a>>,
    #[serde(flatten)]
    extra: UnderOut<'a>,
}

/// The extras of a response, which its part holds.
struct UnderOut<'a>(&'a [Extra]);

impl Serialize for UnderOut<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let own = self
            .0
            .iter()
            .filter_map(|extra| Some((extra.field.strip_prefix("functionResponse.")?, &extra.value)));
        serializer.collect_map(own)
    }
}

impl<'a> PartOut<'a> {
    /// A text and nothing more.
    pub(in crate::gemini) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Known(KnownOut { data: Some(DataOut::Text(text.into())), ..KnownOut::default() })
    }

    /// Thoughts.
    pub(in crate::gemini) fn thought(text: &'a str, signature: Option<&'a str>) -> Self {
        let data = Some(DataOut::Text(text.into()));
        Self::Known(KnownOut { data, thought: true, thought_signature: signature, ..KnownOut::default() })
    }

    /// A call, under an id where it has one that others may see.
    pub(in crate::gemini) fn call(
        call: &'a ToolCall,
        id: Option<Cow<'a, str>>,
        signature: Option<&'a str>,
    ) -> Self {
        let data = DataOut::FunctionCall(CallOut { id, name: &call.name, args: call.arguments.to_object() });
        Self::Known(KnownOut { data: Some(data), thought_signature: signature, ..KnownOut::default() })
    }

    /// That the history has no result for a call.
    pub(in crate::gemini) fn missing_result(id: Option<Cow<'a, str>>, name: Cow<'a, str>) -> Self {
        let response = ResponseOut::missing();
        let response = FunctionResponseOut { id, name, response, parts: Vec::new(), extra: UnderOut(&[]) };
        let data = Some(DataOut::FunctionResponse(Box::new(response)));
        Self::Known(KnownOut { data, ..KnownOut::default() })
    }

    /// Puts a signature on the part, which has none of its own.
    pub(in crate::gemini) fn sign(&mut self, signature: &'a str) {
        if let Self::Known(known) = self {
            known.thought_signature = Some(signature);
        }
    }
}

/// Where parts come from.
#[derive(Clone, Copy)]
pub(in crate::gemini) struct Origin {
    /// The dialect that they were read from.
    pub(in crate::gemini) dialect: Dialect,
    /// Whether the target takes media inside results.
    pub(in crate::gemini) media_in_results: bool,
}

impl Origin {
    /// Whether they were read from this dialect.
    pub(in crate::gemini) fn is_own(self) -> bool {
        self.dialect == DIALECT
    }

    /// Where parts stand, in the words of the dialect that they were read from.
    pub(in crate::gemini) fn path(self) -> &'static str {
        match self.dialect {
            Dialect::OpenAiResponses => "input.content",
            Dialect::GeminiGenerate => "contents.parts",
            Dialect::AnthropicMessages | Dialect::OpenAiChat | Dialect::BedrockConverse => "messages.content",
        }
    }

    pub(in crate::gemini) fn field(self, name: &str) -> String {
        format!("{}.{name}", self.path())
    }

    fn inexpressible(self, names: [&str; Dialect::ALL.len()]) -> TranslateError {
        TranslateError::inexpressible(self.field(names[self.dialect.index()]), DIALECT)
    }
}

/// The wire part for a part that is no call, no result and no thought; `None` for one that has nothing to say here.
pub(in crate::gemini) fn part_out<'a>(
    part: &'a Part,
    origin: Origin,
    losses: &mut Losses,
) -> Result<Option<PartOut<'a>>, TranslateError> {
    let extra = own_extras(&part.extra, origin, losses)?;
    losses_of(part, origin, losses);
    let stands_in_extra = extra.iter().any(|extra| matches!(extra.field.as_str(), "fileData" | "inlineData"));
    let data = match &part.content {
        _ if stands_in_extra => None,
        Content::Text(text) if text.is_empty() && part.proof.is_none() && extra.is_empty() => {
            return Ok(None);
        }
        Content::Text(text) | Content::Refusal(text) => Some(DataOut::Text(text.into())),
        Content::Json(json) => Some(DataOut::Text(json.as_str().into())),
        Content::Image(image) => Some(image_out(image, extra, origin)?),
        Content::Document(document) => Some(document_out(document, origin, losses)?),
        Content::Audio { data, format } => {
            let mime_type = format!("audio/{format}").into();
            Some(DataOut::InlineData(BlobOut { mime_type, data, display_name: None }))
        }
        Content::Opaque(opaque) => return opaque_out(opaque, origin, losses),
        Content::ToolCall(_)
        | Content::ToolResult(_)
        | Content::Thinking(_)
        | Content::RedactedThinking(_) => {
            losses.add(Loss::dropped(origin.path()));
            return Ok(None);
        }
    };
    // A picture's name is written with its data.
    let extra = if matches!(data, Some(DataOut::InlineData(_))) { without_name(extra) } else { extra };
    let thought_signature = part.proof.as_ref().map(signature);
    Ok(Some(PartOut::Known(KnownOut { data, thought: false, thought_signature, extra: Fields(extra) })))
}

/// The name is the first extra of a picture, if it has one.
fn without_name(extra: &[Extra]) -> &[Extra] {
    match extra {
        [Extra { field, .. }, rest @ ..] if field == "displayName" => rest,
        all => all,
    }
}

fn own_extras<'a>(
    extra: &'a [Extra],
    origin: Origin,
    losses: &mut Losses,
) -> Result<&'a [Extra], TranslateError> {
    if origin.is_own() {
        return Ok(extra);
    }
    losses.foreign(origin.path(), extra, DIALECT)?;
    Ok(&[])
}

/// Names what a part has beside its content and this dialect has not.
pub(in crate::gemini) fn losses_of(part: &Part, origin: Origin, losses: &mut Losses) {
    if part.cache.is_some() {
        losses.add(Loss::dropped(origin.field("cache_control")));
    }
    if let Content::Image(Image { detail: Some(_), .. }) = &part.content {
        losses.add(Loss::dropped(origin.field("detail")));
    }
}

/// A proof as it is written.
pub(in crate::gemini) fn signature(proof: &Proof) -> &str {
    &proof.data
}

fn image_out<'a>(
    image: &'a Image,
    extra: &'a [Extra],
    origin: Origin,
) -> Result<DataOut<'a>, TranslateError> {
    const URL: [&str; 5] =
        ["image.source.url", "image_url.url", "image_url", "fileData.fileUri", "image.source.s3Location"];
    const FILE: [&str; 5] =
        ["image.source.file_id", "image_url.url", "file_id", "fileData.fileUri", "image.source.s3Location"];
    match &image.source {
        Source::Base64 { media_type, data } => {
            let name = extra.iter().find(|extra| extra.field == "displayName");
            let display_name = name.and_then(|name| serde_json::from_str(name.value.as_str()).ok());
            Ok(DataOut::InlineData(BlobOut { mime_type: media_type.into(), data, display_name }))
        }
        // The media type is required, and the relay does not fetch.
        Source::Url(url) => match media_type_of(url).filter(|media_type| media_type.starts_with("image/")) {
            Some(mime_type) => Ok(DataOut::FileData(FileOut { mime_type, file_uri: url })),
            None => Err(origin.inexpressible(URL)),
        },
        Source::File(_) | Source::Text(_) => Err(origin.inexpressible(FILE)),
    }
}

fn document_out<'a>(
    document: &'a Document,
    origin: Origin,
    losses: &mut Losses,
) -> Result<DataOut<'a>, TranslateError> {
    const URL: [&str; 5] = [
        "document.source.url",
        "file.file_data",
        "file_url",
        "fileData.fileUri",
        "document.source.s3Location",
    ];
    const FILE: [&str; 5] = [
        "document.source.file_id",
        "file.file_id",
        "file_id",
        "fileData.fileUri",
        "document.source.s3Location",
    ];
    let display_name = document.title.as_deref();
    match &document.source {
        Source::Base64 { media_type, data } => {
            Ok(DataOut::InlineData(BlobOut { mime_type: media_type.into(), data, display_name }))
        }
        Source::Text(text) => {
            losses.add(Loss::degraded(origin.field("document"), "carried as text"));
            Ok(DataOut::Text(titled(display_name, text).into()))
        }
        Source::Url(url) => {
            // What Anthropic takes from the web is always a PDF.
            let anthropic = (origin.dialect == Dialect::AnthropicMessages).then_some("application/pdf");
            match media_type_of(url).or(anthropic) {
                Some(mime_type) => Ok(DataOut::FileData(FileOut { mime_type, file_uri: url })),
                None => Err(origin.inexpressible(URL)),
            }
        }
        Source::File(_) => Err(origin.inexpressible(FILE)),
    }
}

fn opaque_out<'a>(
    opaque: &'a Opaque,
    origin: Origin,
    losses: &mut Losses,
) -> Result<Option<PartOut<'a>>, TranslateError> {
    if origin.is_own() {
        return Ok(Some(PartOut::Raw(opaque.value.as_raw())));
    }
    let field = origin.field(&opaque.kind);
    let Some(text) = &opaque.text else { return Err(TranslateError::inexpressible(field, DIALECT)) };
    losses.add(Loss::degraded(field, "carried as text"));
    Ok(Some(PartOut::text(text)))
}

/// A result, and the media that only a turn of the user may hold where the model takes none inside a result.
pub(in crate::gemini) fn result_out<'a>(
    part: &'a Part,
    result: &'a ToolResult,
    (id, name): (Option<Cow<'a, str>>, Cow<'a, str>),
    origin: Origin,
    losses: &mut Losses,
) -> Result<(PartOut<'a>, Vec<PartOut<'a>>), TranslateError> {
    let extra = own_extras(&part.extra, origin, losses)?;
    losses_of(part, origin, losses);
    let mut media = Vec::new();
    for held in result.parts.iter().filter(|part| !is_said(part)) {
        media.extend(part_out(held, origin, losses)?);
    }
    let (parts, after) =
        if origin.media_in_results || origin.is_own() { (media, Vec::new()) } else { (Vec::new(), media) };
    if !after.is_empty() {
        losses.add(Loss::degraded(origin.field("tool_result"), "media follow in the user's turn"));
    }
    let response = response_out(result, &texts(result), origin.is_own());
    let response = FunctionResponseOut { id, name, response, parts, extra: UnderOut(extra) };
    let data = Some(DataOut::FunctionResponse(Box::new(response)));
    Ok((PartOut::Known(KnownOut { data, ..KnownOut::default() }), after))
}

/// The words of a result.
pub(in crate::gemini) fn texts(result: &ToolResult) -> Vec<&str> {
    let mut texts = Vec::with_capacity(result.parts.len());
    for part in &result.parts {
        match &part.content {
            Content::Text(text) | Content::Refusal(text) => texts.push(text.as_str()),
            Content::Json(json) => texts.push(json.as_str()),
            _ => {}
        }
    }
    texts
}
