//! Messages and what is in them.

use serde_json::Value;

use crate::{error::ApiError, openai::place::Place, reading::Kind};

/// One message.
pub(in crate::chat) struct Message<'a> {
    pub(in crate::chat) role: Role<'a>,
    pub(in crate::chat) content: Content<'a>,
    pub(in crate::chat) path: String,
}

pub(in crate::chat) enum Role<'a> {
    /// `developer` too: the vendor takes either.
    System,
    User,
    Assistant {
        calls: Vec<Call<'a>>,
        thoughts: Option<&'a str>,
    },
    /// A result, with the id of its call.
    Tool(&'a str),
}

/// A call that was made.
pub(in crate::chat) struct Call<'a> {
    pub(in crate::chat) id: &'a str,
    pub(in crate::chat) name: &'a str,
    pub(in crate::chat) arguments: &'a str,
}

type Content<'a> = Vec<Part<'a>>;

/// A part of a message.
#[derive(Clone, Copy)]
pub(in crate::chat) enum Part<'a> {
    Text(&'a str),
    Image,
    Audio,
    File,
}

impl<'a> Message<'a> {
    pub(super) fn read(place: &Place<'a>) -> Result<Self, ApiError> {
        place.object()?;
        let role = place.required("role")?.among(ROLES)?;
        place.optional("name", Place::text)?;
        let content = match place.key("content") {
            Some(content) => read_content(&content, role)?,
            None if role == "assistant" => Vec::new(),
            None => return Err(no_content(place)),
        };
        let role = match role {
            "user" => Role::User,
            "assistant" => read_assistant(place)?,
            "tool" => Role::Tool(place.required("tool_call_id")?.text()?),
            // The old way to give a result; it names the function and not the call.
            "function" => Role::User,
            _ => Role::System,
        };
        if let Role::Assistant { calls, .. } = &role
            && calls.is_empty()
            && place.key("content").is_none()
            && place.key("refusal").is_none()
            && place.key("function_call").is_none()
        {
            return Err(no_content(place));
        }
        Ok(Self { role, content, path: place.path().to_owned() })
    }
}

fn no_content(place: &Place<'_>) -> ApiError {
    let path = format!("{}.content", place.path());
    ApiError::invalid(format!("Invalid value for '{path}': expected a string, got null.")).about(path)
}

fn read_content<'a>(place: &Place<'a>, role: &str) -> Result<Content<'a>, ApiError> {
    match place.value() {
        Value::String(text) => Ok(vec![Part::Text(text)]),
        Value::Array(_) => place.list()?.iter().map(|part| read_part(part, role)).collect(),
        _ => Err(place.mistyped(Kind::TextOrList)),
    }
}

fn read_part<'a>(place: &Place<'a>, role: &str) -> Result<Part<'a>, ApiError> {
    place.object()?;
    let kind = place.required("type")?.among(PARTS)?;
    let allowed = match kind {
        "text" => true,
        "refusal" => role == "assistant",
        _ => role == "user",
    };
    if !allowed {
        let (message, _) = place.path().rsplit_once(".content").unwrap_or((place.path(), ""));
        let what = if kind == "image_url" { "Image URLs are" } else { "Parts of this type are" };
        return Err(place.error(&format!(
            "Invalid '{message}'. {what} only allowed for messages with role 'user', but this message with role \
             '{role}' contains one."
        )));
    }
    match kind {
        "text" => Ok(Part::Text(place.required("text")?.text()?)),
        "refusal" => Ok(Part::Text(place.required("refusal")?.text()?)),
        "image_url" => {
            let image = place.required("image_url")?;
            check_image(&image.required("url")?)?;
            image.optional("detail", |detail| detail.among(&["auto", "low", "high"]))?;
            Ok(Part::Image)
        }
        "input_audio" => {
            let audio = place.required("input_audio")?;
            audio.required("data")?.text()?;
            audio.required("format")?.among(&["wav", "mp3"])?;
            Ok(Part::Audio)
        }
        _ => {
            let file = place.required("file")?;
            if let Some(data) = file.key("file_data")
                && !data.text()?.starts_with("data:")
            {
                return Err(data.error(&format!(
                    "Invalid '{}'. Expected a base64-encoded data URL with an application/pdf MIME type.",
                    data.path()
                )));
            }
            Ok(Part::File)
        }
    }
}

fn check_image(url: &Place<'_>) -> Result<(), ApiError> {
    let text = url.text()?;
    let fetched = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
    let sent = text.strip_prefix("data:image/").is_some_and(|image| image.contains(";base64,"));
    if fetched || sent {
        return Ok(());
    }
    Err(url
        .error("Invalid image URL. The URL must be a valid HTTP or HTTPS URL, or a data URL with base64 encoding.")
        .coded("invalid_image_url"))
}

fn read_assistant<'a>(place: &Place<'a>) -> Result<Role<'a>, ApiError> {
    let calls = place.items("tool_calls", read_call)?;
    if place.key("tool_calls").is_some() && calls.is_empty() {
        let path = format!("{}.tool_calls", place.path());
        let message = format!(
            "Invalid '{path}': empty array. Expected an array with minimum length 1, but got an empty array instead."
        );
        return Err(ApiError::invalid(message).about(path).coded("empty_array"));
    }
    let thoughts = place.optional("reasoning_content", Place::text)?;
    Ok(Role::Assistant { calls, thoughts })
}

fn read_call<'a>(place: &Place<'a>) -> Result<Call<'a>, ApiError> {
    let id = place.required("id")?.text()?;
    // Some vendors leave the type out, and take calls without it.
    let kind = place.optional("type", |kind| kind.among(&["function", "custom"]))?.unwrap_or("function");
    let inside = place.required(kind)?;
    let name = inside.required("name")?.text()?;
    let arguments = if kind == "custom" { "input" } else { "arguments" };
    Ok(Call { id, name, arguments: inside.required(arguments)?.text()? })
}

const ROLES: &[&str] = &["system", "assistant", "user", "function", "tool", "developer"];
const PARTS: &[&str] = &["text", "image_url", "input_audio", "refusal", "file"];
