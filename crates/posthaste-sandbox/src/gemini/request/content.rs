//! Turns and what is in them.

use serde_json::Value;

use super::super::place::Place;
use crate::error::ApiError;

/// One turn.
pub(in crate::gemini) struct Content<'a> {
    pub(in crate::gemini) role: Role,
    pub(in crate::gemini) parts: Vec<Part<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gemini) enum Role {
    User,
    Model,
}

/// A part of a turn.
pub(in crate::gemini) struct Part<'a> {
    pub(in crate::gemini) data: Data<'a>,
    pub(in crate::gemini) signature: Option<&'a str>,
}

pub(in crate::gemini) enum Data<'a> {
    Text(&'a str),
    Thought(&'a str),
    Image,
    Audio,
    /// Other media.
    Document,
    Call {
        id: Option<&'a str>,
        name: &'a str,
        args: &'a Value,
    },
    Response {
        id: Option<&'a str>,
        name: &'a str,
        response: &'a Value,
        parts: Vec<Data<'a>>,
    },
    /// A part that is counted and not looked into, such as those of code execution.
    Other(&'a Value),
}

pub(super) fn read_contents<'a>(root: &Place<'a>) -> Result<Vec<Content<'a>>, ApiError> {
    let contents = root.required("contents")?;
    // The vendor takes one turn in place of a list of them.
    let contents = if contents.value().is_object() {
        vec![read_content(&contents)?]
    } else {
        contents.list()?.iter().map(read_content).collect::<Result<_, _>>()?
    };
    if contents.is_empty() {
        return Err(ApiError::invalid("* GenerateContentRequest.contents: contents is not specified\n"));
    }
    Ok(contents)
}

/// The texts of a system instruction.
pub(super) fn read_system<'a>(place: &Place<'a>) -> Result<Vec<&'a str>, ApiError> {
    place.only(&["role", "parts"])?;
    let part = |part: &Place<'a>| match read_part(part)?.data {
        Data::Text(text) => Ok(text),
        _ => Err(ApiError::invalid("Developer instruction may only hold text.")),
    };
    place.items("parts", part)
}

fn read_content<'a>(place: &Place<'a>) -> Result<Content<'a>, ApiError> {
    place.only(&["role", "parts"])?;
    let role = match place.optional("role", Place::text)? {
        None | Some("" | "user" | "function") => Role::User,
        Some("model") => Role::Model,
        Some(_) => return Err(ApiError::invalid("Please use a valid role: user, model.")),
    };
    let parts = place.items("parts", read_part)?;
    if parts.is_empty() {
        let path = place.path();
        return Err(ApiError::invalid(format!(
            "* GenerateContentRequest.{path}.parts: contents.parts must not be empty.\n"
        )));
    }
    Ok(Content { role, parts })
}

fn read_part<'a>(place: &Place<'a>) -> Result<Part<'a>, ApiError> {
    place.only(&[DATA, BESIDES].concat())?;
    let given: Vec<_> = DATA.iter().filter(|key| place.key(key).is_some()).collect();
    let signature = place.optional("thoughtSignature", Place::text)?;
    let data = match given[..] {
        [only] => read_data(place, only)?,
        // A signature may come on a part with nothing else.
        [] if signature.is_some() => Data::Text(""),
        [] => {
            return Err(ApiError::invalid(format!(
                "* GenerateContentRequest.{}.data: required oneof field 'data' must have one initialized field\n",
                place.path()
            )));
        }
        _ => {
            return Err(ApiError::invalid(format!(
                "Invalid value at '{}' (oneof), oneof field 'data' is already set. Cannot set '{}'",
                place.path(),
                given[1]
            )));
        }
    };
    Ok(Part { data, signature })
}

fn read_data<'a>(place: &Place<'a>, key: &str) -> Result<Data<'a>, ApiError> {
    let data = place.required(key)?;
    match key {
        "text" => {
            let thought = place.optional("thought", Place::boolean)?.unwrap_or(false);
            let text = data.text()?;
            Ok(if thought { Data::Thought(text) } else { Data::Text(text) })
        }
        "inlineData" => {
            data.only(&["mimeType", "data", "displayName"])?;
            data.required("data")?.text()?;
            Ok(media(data.required("mimeType")?.text()?))
        }
        "fileData" => {
            data.only(&["mimeType", "fileUri", "displayName"])?;
            data.required("fileUri")?.text()?;
            Ok(media(data.optional("mimeType", Place::text)?.unwrap_or_default()))
        }
        "functionCall" => {
            data.only(&["id", "name", "args", "partialArgs", "willContinue"])?;
            let args = data.key("args");
            if let Some(args) = &args {
                args.object()?;
            }
            Ok(Data::Call {
                id: data.optional("id", Place::text)?,
                name: data.required("name")?.text()?,
                args: args.map_or(&Value::Null, |args| args.value()),
            })
        }
        "functionResponse" => {
            data.only(&["id", "name", "response", "parts", "willContinue", "scheduling"])?;
            let response = data.required("response")?;
            response.object()?;
            Ok(Data::Response {
                id: data.optional("id", Place::text)?,
                name: data.required("name")?.text()?,
                response: response.value(),
                parts: data.items("parts", |part| Ok(read_part(part)?.data))?,
            })
        }
        _ => Ok(Data::Other(data.value())),
    }
}

fn media(mime: &str) -> Data<'static> {
    match mime.split('/').next() {
        Some("image") => Data::Image,
        Some("audio") => Data::Audio,
        _ => Data::Document,
    }
}

const DATA: &[&str] = &[
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
];
const BESIDES: &[&str] = &[
    "audioMetadata",
    "audioTranscription",
    "documentMetadata",
    "mediaProcessing",
    "mediaResolution",
    "partMetadata",
    "speechMetadata",
    "spreadsheetMetadata",
    "thought",
    "thoughtSignature",
    "videoMetadata",
];
