//! Wire parts to neutral ones.

use serde::{Deserialize, de::Error};
use serde_json::value::RawValue;

use crate::{
    ir::{Arguments, CacheHint, Content, Document, Image, Json, Opaque, Part, Source, Thinking, ToolCall},
    json::{Str, TextOr, at, hints, wire_object},
    media::{is_data_url, split_data_url},
};

type Read<T> = Result<T, serde_json::Error>;

/// The parts of a `content` that is a text or a list.
pub(in crate::openai_chat) fn parts(content: TextOr<'_, Vec<&RawValue>>) -> Read<Vec<Part>> {
    match content {
        TextOr::Null => Ok(Vec::new()),
        TextOr::Text(text) => Ok(vec![Part::text(text.into_string())]),
        TextOr::Rich(parts) => parts.into_iter().map(part).collect(),
    }
}

/// The calls of an assistant's message.
pub(in crate::openai_chat) fn tool_calls(calls: Option<Vec<&RawValue>>) -> Read<Vec<Part>> {
    let call = |raw| tool_call(raw).map_err(|error| at("tool_calls", error));
    calls.unwrap_or_default().into_iter().map(call).collect()
}

wire_object! {
    struct PartIn<'a> {
        kind: Str<'a> = "type",
        text: Str<'a> = "text",
        refusal: Str<'a> = "refusal",
        thinking: TextOr<'a, Vec<&'a RawValue>> = "thinking",
        prompt_cache_breakpoint: Option<BreakpointIn<'a>> = "prompt_cache_breakpoint",
        image_url: Option<ImageIn<'a>> = "image_url",
        input_audio: Option<AudioIn<'a>> = "input_audio",
        file: Option<FileIn<'a>> = "file",
    }
}

/// A mark up to which the prompt may be cached
/// (<https://platform.openai.com/docs/guides/prompt-caching>).
#[derive(Debug, Deserialize)]
struct BreakpointIn<'a> {
    #[serde(borrow)]
    ttl: Option<Str<'a>>,
}

#[derive(Debug, Deserialize)]
struct ImageIn<'a> {
    #[serde(borrow)]
    url: Str<'a>,
    #[serde(borrow)]
    detail: Option<Str<'a>>,
}

#[derive(Debug, Deserialize)]
struct AudioIn<'a> {
    #[serde(borrow)]
    data: Str<'a>,
    #[serde(borrow)]
    format: Str<'a>,
}

#[derive(Debug, Deserialize)]
struct FileIn<'a> {
    #[serde(borrow)]
    file_id: Option<Str<'a>>,
    #[serde(borrow)]
    file_data: Option<Str<'a>>,
    #[serde(borrow)]
    filename: Option<Str<'a>>,
}

fn part(raw: &RawValue) -> Read<Part> {
    let part = match serde_json::from_str::<PartIn<'_>>(raw.get()) {
        Ok(part) => part,
        Err(error) => return unread(raw, error),
    };
    let content = match (&*part.kind, part.image_url, part.input_audio, part.file) {
        ("text", ..) => Content::Text(part.text.into_string()),
        ("refusal", ..) => Content::Refusal(part.refusal.into_string()),
        ("thinking", ..) => Content::Thinking(Thinking::new(thinking_text(part.thinking))),
        ("image_url", Some(image), ..) => Content::Image(Image {
            source: image_source(&image.url)?,
            detail: image.detail.map(Str::into_string),
        }),
        ("input_audio", _, Some(audio), _) => {
            Content::Audio { data: audio.data.into_string(), format: audio.format.into_string() }
        }
        ("file", _, _, Some(file)) => document(file)?,
        (kind, ..) if KNOWN.contains(&kind) => {
            return Err(Error::custom(format_args!("a `{kind}` part without its `{kind}`")));
        }
        _ => return opaque(part.kind, raw),
    };
    let cache = part.prompt_cache_breakpoint.map(|mark| CacheHint { ttl: mark.ttl.map(Str::into_string) });
    Ok(Part { cache, extra: hints(part.rest), ..Part::new(content) })
}

/// Mistral's thoughts are a list of texts inside a list of parts (<https://docs.mistral.ai/capabilities/reasoning>).
fn thinking_text(content: TextOr<'_, Vec<&RawValue>>) -> String {
    #[derive(Deserialize)]
    struct TextIn<'a> {
        #[serde(borrow, default)]
        text: Str<'a>,
    }
    match content {
        TextOr::Null => String::new(),
        TextOr::Text(text) => text.into_string(),
        TextOr::Rich(texts) => {
            let texts = texts.into_iter().filter_map(|raw| serde_json::from_str(raw.get()).ok());
            texts.map(|text: TextIn<'_>| text.text.into_string()).collect()
        }
    }
}

const KNOWN: [&str; 3] = ["image_url", "input_audio", "file"];

/// A part of an unknown type may have a field of a known name and another form.
fn unread(raw: &RawValue, error: serde_json::Error) -> Read<Part> {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow, rename = "type")]
        kind: Str<'a>,
    }
    match serde_json::from_str::<Kind<'_>>(raw.get()) {
        Ok(Kind { kind })
            if !KNOWN.contains(&&*kind) && !matches!(&*kind, "text" | "refusal" | "thinking") =>
        {
            opaque(kind, raw)
        }
        _ => Err(error),
    }
}

fn opaque(kind: Str<'_>, raw: &RawValue) -> Read<Part> {
    if kind.is_empty() {
        return Err(Error::custom("a part without a type"));
    }
    Ok(Part::new(Content::Opaque(Opaque { kind: kind.into_string(), value: Json::from(raw), text: None })))
}

fn image_source(url: &str) -> Read<Source> {
    if is_data_url(url) { data_url(url, "image_url") } else { Ok(Source::Url(url.to_owned())) }
}

fn document(file: FileIn<'_>) -> Read<Content> {
    let source = match (file.file_data, file.file_id) {
        (Some(data), _) => data_url(&data, "file_data")?,
        (None, Some(id)) => Source::File(id.into_string()),
        (None, None) => return Err(Error::custom("a file without `file_data` or `file_id`")),
    };
    Ok(Content::Document(Document { source, title: file.filename.map(Str::into_string) }))
}

fn data_url(url: &str, field: &str) -> Read<Source> {
    let no = || Error::custom(format_args!("{field}: expected an URL of the form data:<type>;base64,<data>"));
    split_data_url(url).ok_or_else(no)
}

fn tool_call(raw: &RawValue) -> Read<Part> {
    #[derive(Deserialize)]
    struct CallIn<'a> {
        #[serde(borrow, default)]
        id: Option<Str<'a>>,
        #[serde(borrow, rename = "type")]
        kind: Option<Str<'a>>,
        #[serde(borrow)]
        function: Option<FunctionCallIn<'a>>,
        #[serde(borrow)]
        custom: Option<CustomCallIn<'a>>,
    }
    let call: CallIn<'_> = serde_json::from_str(raw.get())?;
    let id = call.id.map(Str::into_string).unwrap_or_default();
    let call = match (call.function, call.custom) {
        (Some(function), _) => function.into_call(id)?,
        (None, Some(custom)) => {
            let input = Arguments::new(custom.input.into_string());
            ToolCall { free_text: true, ..ToolCall::new(id, custom.name.into_string(), input) }
        }
        (None, None) => {
            let kind = call.kind.filter(|kind| !kind.is_empty() && &**kind != "function");
            return opaque(kind.ok_or_else(|| Error::custom("function: missing"))?, raw);
        }
    };
    Ok(Part::new(Content::ToolCall(call)))
}

/// What is called and with what: also the whole of the older `function_call`.
#[derive(Debug, Deserialize)]
pub(in crate::openai_chat) struct FunctionCallIn<'a> {
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

impl FunctionCallIn<'_> {
    /// The call, under an id.
    pub(in crate::openai_chat) fn into_call(self, id: String) -> Read<ToolCall> {
        Ok(ToolCall::new(id, self.name.into_string(), arguments(self.arguments)?))
    }
}

/// A call of a free-text tool.
#[derive(Debug, Deserialize)]
struct CustomCallIn<'a> {
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow, default)]
    input: Str<'a>,
}

/// A string by the book; some clients and vendors send the object itself.
pub(in crate::openai_chat) fn arguments(raw: Option<&RawValue>) -> Read<Arguments> {
    match raw.map(RawValue::get) {
        None => Ok(Arguments::default()),
        Some(text) if text.starts_with('"') => serde_json::from_str::<Str<'_>>(text)
            .map(|text| Arguments::new(text.into_string()))
            .map_err(|error| at("arguments", error)),
        Some(object) => Ok(Arguments::new(object)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_may_be_an_object_too() {
        let read = |json: &str| {
            let part = tool_call(serde_json::from_str(json).unwrap()).unwrap();
            let Content::ToolCall(call) = part.content else { panic!("a call") };
            call.arguments.as_str().to_owned()
        };
        assert_eq!(read(r#"{"id":"a","function":{"name":"f","arguments":"{\"b\":1.0}"}}"#), r#"{"b":1.0}"#);
        assert_eq!(read(r#"{"id":"a","function":{"name":"f","arguments":{"b":1.0}}}"#), r#"{"b":1.0}"#);
        assert_eq!(read(r#"{"id":"a","function":{"name":"f"}}"#), "");
    }

    #[test]
    fn a_call_of_a_free_text_tool_keeps_its_text() {
        let json = r#"{"id":"a","type":"custom","custom":{"name":"f","input":"{ no json"}}"#;
        let part = tool_call(serde_json::from_str(json).unwrap()).unwrap();
        let Content::ToolCall(call) = part.content else { panic!("a call") };
        assert_eq!((call.free_text, call.arguments.as_str()), (true, "{ no json"));
    }

    #[test]
    fn thoughts_inside_a_list_of_parts_are_read() {
        let json =
            r#"{"type":"thinking","thinking":[{"type":"text","text":"Hm"},{"type":"text","text":"."}]}"#;
        let part = part(serde_json::from_str(json).unwrap()).unwrap();
        assert_eq!(part.content, Content::Thinking(Thinking::new("Hm.")));
    }
}
