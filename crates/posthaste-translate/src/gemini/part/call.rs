//! Calls and what came of them.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::read::{Read, nested, required, result_extra};
use crate::{
    gemini::{ids::Ids, spelling::List},
    ir::{Arguments, Content, Json, Part, Proof, ToolCall, ToolResult},
    json::{self, Str, at, compact, wire_object},
};

wire_object! {
    /// A call; Vertex may stream its arguments in pieces.
    struct CallFieldsIn<'a> {
        id: Option<Str<'a>> = "id",
        name: Option<Str<'a>> = "name",
        args: Option<&'a RawValue> = "args",
        partial_args: List<'a> = "partialArgs" | "partial_args",
        will_continue: Option<bool> = "willContinue" | "will_continue",
    }
}

/// A call as it came.
#[derive(Debug)]
pub(in crate::gemini) struct CallIn<'a> {
    pub(in crate::gemini) id: Option<Str<'a>>,
    pub(in crate::gemini) name: Option<Str<'a>>,
    pub(in crate::gemini) args: Option<&'a RawValue>,
    pub(in crate::gemini) partial_args: List<'a>,
    pub(in crate::gemini) will_continue: bool,
}

impl<'de: 'a, 'a> serde::Deserialize<'de> for CallIn<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let CallFieldsIn { id, name, args, partial_args, will_continue, rest: _ } =
            CallFieldsIn::deserialize(deserializer)?;
        Ok(Self { id, name, args, partial_args, will_continue: will_continue.unwrap_or(false) })
    }
}

/// A whole call.
pub(super) fn tool_call(call: CallIn<'_>, proof: Option<Proof>, ids: &mut Ids) -> Read<Part> {
    let name = required(call.name, "functionCall")?;
    let id = ids.call(call.id, &name);
    let arguments = Arguments::new(call.args.map_or("{}", RawValue::get));
    Ok(Part::new(Content::ToolCall(ToolCall { proof, ..ToolCall::new(id, name, arguments) })))
}

wire_object! {
    /// What a function gave, as it came.
    pub(super) struct ResponseIn<'a> {
        id: Option<Str<'a>> = "id",
        name: Option<Str<'a>> = "name",
        response: Option<&'a RawValue> = "response",
        parts: List<'a> = "parts",
    }
}

/// What a function gave.
pub(super) fn tool_result(wire: ResponseIn<'_>, ids: &mut Ids) -> Read<Part> {
    let in_response = |error| at("functionResponse", error);
    let name = required(wire.name, "functionResponse")?;
    let (said, is_error) = wire.response.map_or((None, false), said);
    let mut parts = Vec::with_capacity(wire.parts.0.len() + 1);
    parts.extend(said);
    for media in wire.parts.0 {
        parts.push(nested(media).map_err(in_response)?);
    }
    let result = ToolResult { call_id: ids.result(wire.id, &name), parts, is_error };
    Ok(Part { extra: result_extra(wire.rest), ..Part::new(Content::ToolResult(result)) })
}

/// The response's text where it follows the convention (`output` or `error` alone), else the object itself
/// (<https://ai.google.dev/api/caching#FunctionResponse>).
fn said(raw: &RawValue) -> (Option<Part>, bool) {
    wire_object! {
        struct SaidIn<'a> {
            output: Option<&'a RawValue> = "output",
            error: Option<&'a RawValue> = "error",
        }
    }
    let text = |raw: &RawValue| match serde_json::from_str::<Str<'_>>(raw.get()) {
        Ok(text) => Part::text(text.into_string()),
        Err(_) => json_part(raw),
    };
    match json::read::<SaidIn<'_>>(raw.get().as_bytes()) {
        Ok(SaidIn { output: Some(output), error: None, rest }) if rest.is_empty() && is_text(output) => {
            (Some(text(output)), false)
        }
        Ok(SaidIn { output: None, error: Some(error), rest }) if rest.is_empty() => (Some(text(error)), true),
        _ => (Some(json_part(raw)), false),
    }
}

/// Other models read it as a text, and pay for its white space.
fn json_part(raw: &RawValue) -> Part {
    let json = match compact(raw.get()) {
        Cow::Borrowed(_) => Json::from(raw),
        Cow::Owned(text) => Json::parse(&text).unwrap_or_else(|_| Json::from(raw)),
    };
    Part::new(Content::Json(json))
}

fn is_text(raw: &RawValue) -> bool {
    raw.get().starts_with('"')
}

/// The `response` of a result.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::gemini) enum ResponseOut<'a> {
    /// What the function gave.
    Output(ValueOut<'a>),
    /// Why it failed.
    Error(ValueOut<'a>),
    /// An object of the function's own.
    #[serde(untagged)]
    Object(Json),
}

impl ResponseOut<'_> {
    /// That there is none.
    pub(super) fn missing() -> Self {
        Self::Error(ValueOut::Text("no result".into()))
    }
}

#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::gemini) enum ValueOut<'a> {
    Text(Cow<'a, str>),
    Json(&'a Json),
}

/// The `response` for the texts of a result. A text that is a JSON object is that object, unless it came from this dialect.
pub(in crate::gemini) fn response_out<'a>(
    result: &'a ToolResult,
    texts: &[&'a str],
    own: bool,
) -> ResponseOut<'a> {
    let json = match result.parts.as_slice() {
        [Part { content: Content::Json(json), .. }, media @ ..]
            if media.iter().all(|part| !is_said(part)) =>
        {
            Some(json)
        }
        _ => None,
    };
    let value = || match (json, texts) {
        (Some(json), _) => ValueOut::Json(json),
        (None, [only]) => ValueOut::Text((*only).into()),
        (None, texts) => ValueOut::Text(texts.join("\n").into()),
    };
    if result.is_error {
        return ResponseOut::Error(value());
    }
    let object = match (json, texts) {
        (Some(json), _) => object(json.as_str()),
        (None, [only]) if !own => object(only),
        _ => None,
    };
    object.map_or_else(|| ResponseOut::Output(value()), ResponseOut::Object)
}

fn object(text: &str) -> Option<Json> {
    text.trim_start().starts_with('{').then(|| Json::parse(text).ok()).flatten()
}

/// Whether a part of a result is words rather than media.
pub(super) fn is_said(part: &Part) -> bool {
    matches!(part.content, Content::Text(_) | Content::Refusal(_) | Content::Json(_) | Content::Thinking(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(response: &str) -> (String, bool) {
        let raw = format!(r#"{{"name":"f","response":{response}}}"#);
        let part = tool_result(serde_json::from_str(&raw).unwrap(), &mut Ids::of_request()).unwrap();
        let Content::ToolResult(result) = part.content else { panic!("a result") };
        let texts: Vec<&str> = result
            .parts
            .iter()
            .filter_map(
                |part| if let Content::Text(text) = &part.content { Some(text.as_str()) } else { None },
            )
            .collect();
        let written = serde_json::to_string(&response_out(&result, &texts, true)).unwrap();
        (written, result.is_error)
    }

    #[test]
    fn responses_of_any_convention_survive() {
        for (response, is_error) in [
            (r#"{"output":"fine"}"#, false),
            (r#"{"output":"{\"a\":1}"}"#, false),
            (r#"{"output":{"a":1.0}}"#, false),
            (r#"{"error":"broken"}"#, true),
            (r#"{"error":{"code":7}}"#, true),
            (r#"{"output":"a","error":"b"}"#, false),
            (r#"{"result":"40 C"}"#, false),
            ("{}", false),
        ] {
            assert_eq!(through(response), (response.to_owned(), is_error));
        }
    }

    #[test]
    fn a_foreign_text_that_is_an_object_is_the_response() {
        let result = |text: &str| ToolResult {
            call_id: String::new(),
            parts: vec![Part::text(text)],
            is_error: false,
        };
        let written =
            |text: &str| serde_json::to_string(&response_out(&result(text), &[text], false)).unwrap();
        assert_eq!(written(r#"{"a":1.0}"#), r#"{"a":1.0}"#);
        assert_eq!(written("{broken"), r#"{"output":"{broken"}"#);
        assert_eq!(written("[1]"), r#"{"output":"[1]"}"#);
    }
}
