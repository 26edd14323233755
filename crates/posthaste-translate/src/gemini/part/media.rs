//! Pictures, files and sound, inside the body and elsewhere.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::value::RawValue;

use super::read::{Read, opaque};
use crate::{
    gemini::extras::kept,
    ir::{Content, Document, Image, Json, Part, Source},
    json::{Str, at},
    media::standard_base64,
};

/// `inlineData` or `fileData`.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlobIn<'a> {
    #[serde(borrow, alias = "mime_type")]
    mime_type: Option<Str<'a>>,
    #[serde(borrow)]
    data: Option<Str<'a>>,
    #[serde(borrow, alias = "file_uri")]
    file_uri: Option<Str<'a>>,
    #[serde(borrow, alias = "display_name")]
    display_name: Option<Str<'a>>,
}

impl BlobIn<'_> {
    /// The media type without parameters.
    fn media_type(&self) -> String {
        let full = self.mime_type.as_deref().unwrap_or_default();
        full.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

/// Bytes in the body. Moving pictures are known to this dialect alone.
pub(super) fn inline(raw: &RawValue, part: &RawValue) -> Read<Part> {
    let blob: BlobIn<'_> = serde_json::from_str(raw.get()).map_err(|error| at("inlineData", error))?;
    let media_type = blob.media_type();
    let data = standard_base64(blob.data.as_deref().unwrap_or_default()).into_owned();
    let title = blob.display_name.map(Str::into_string);
    let (class, subtype) = media_type.split_once('/').unwrap_or((&media_type, ""));
    Ok(match class {
        "image" => {
            let image = Image { source: Source::Base64 { media_type, data }, detail: None };
            let name = title.and_then(|title| Json::parse(&serde_json::Value::from(title).to_string()).ok());
            let extra = name.map(|name| kept("displayName", name)).into_iter().collect();
            Part { extra, ..Part::new(Content::Image(image)) }
        }
        "audio" => Part::new(Content::Audio { format: audio_format(subtype).to_owned(), data }),
        "video" | "" => opaque("inlineData", part, None),
        _ => match text(&media_type, &data) {
            // Its media type has no place in the neutral form.
            Some(text) => {
                let document = Document { source: Source::Text(text), title };
                Part {
                    extra: vec![kept("inlineData", Json::from(raw))],
                    ..Part::new(Content::Document(document))
                }
            }
            None => {
                Part::new(Content::Document(Document { source: Source::Base64 { media_type, data }, title }))
            }
        },
    })
}

/// Bytes elsewhere: on the web, or uploaded to the vendor.
pub(super) fn file(raw: &RawValue, part: &RawValue) -> Read<Part> {
    let file: BlobIn<'_> = serde_json::from_str(raw.get()).map_err(|error| at("fileData", error))?;
    let uri = file.file_uri.as_deref().unwrap_or_default().to_owned();
    let mut media_type = file.media_type();
    if media_type.is_empty() {
        media_type = media_type_of(&uri).unwrap_or_default().to_owned();
    }
    let source = if is_web(&uri) { Source::Url(uri) } else { Source::File(uri) };
    let content = match media_type.as_str() {
        image if image.starts_with("image/") => Content::Image(Image { source, detail: None }),
        "application/pdf" => {
            let title = file.display_name.map(Str::into_string);
            Content::Document(Document { source, title })
        }
        _ => return Ok(opaque("fileData", part, None)),
    };
    // The neutral form does not hold all of it.
    Ok(Part { extra: vec![kept("fileData", Json::from(raw))], ..Part::new(content) })
}

fn text(media_type: &str, data: &str) -> Option<String> {
    let is_text =
        media_type.starts_with("text/") || matches!(media_type, "application/json" | "application/xml");
    String::from_utf8(STANDARD.decode(data).ok().filter(|_| is_text)?).ok()
}

/// Whether an address is on the web and not at the vendor's Files API.
fn is_web(uri: &str) -> bool {
    let web = uri.starts_with("https://") || uri.starts_with("http://");
    web && !uri.contains("generativelanguage.googleapis.com/")
}

/// The format's short name, as OpenAI has it.
fn audio_format(subtype: &str) -> &str {
    match subtype {
        "mpeg" | "mp3" => "mp3",
        "x-wav" | "wave" => "wav",
        other => other,
    }
}

/// The media type that an address tells by its last letters.
pub(super) fn media_type_of(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let (_, place) = path.split_once("://").unwrap_or(("", path));
    let (_, name) = place.rsplit_once('/')?;
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "heic" => "image/heic",
        "heif" => "image/heif",
        "gif" => "image/gif",
        "pdf" => "application/pdf",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tells_its_media_type_by_its_extension_alone() {
        assert_eq!(media_type_of("https://a.test/b.PNG?x=y.pdf"), Some("image/png"));
        assert_eq!(media_type_of("https://a.test/b.pdf#page=2"), Some("application/pdf"));
        for none in ["https://a.test/b", "https://a.png", "https://a.test/b.svg", ""] {
            assert_eq!(media_type_of(none), None, "{none}");
        }
    }

    #[test]
    fn only_texts_of_the_right_type_and_bytes_are_texts() {
        assert_eq!(text("text/csv", "YSxi").as_deref(), Some("a,b"));
        assert_eq!(text("text/plain", "/w=="), None);
        assert_eq!(text("application/zip", "YSxi"), None);
    }

    #[test]
    fn uploaded_files_are_not_on_the_web() {
        assert!(is_web("https://a.test/b.png"));
        for file in
            ["gs://bucket/a.png", "https://generativelanguage.googleapis.com/v1beta/files/a", "files/a"]
        {
            assert!(!is_web(file), "{file}");
        }
    }
}
