//! Wire parts to parts.

use serde::de::Error;
use serde_json::value::RawValue;

use super::{
    call::{CallIn, ResponseIn, tool_call, tool_result},
    media,
};
use crate::{
    gemini::{
        DIALECT,
        extras::extras,
        ids::Ids,
        spelling::{List, camel},
    },
    ir::{Content, Extra, Json, Opaque, Part, Proof, Thinking, Weight},
    json::{Rest, Str, at, wire_object},
    media::fenced,
};

pub(super) type Read<T> = Result<T, serde_json::Error>;

wire_object! {
    /// Every part that the relay knows, in one.
    struct PartFieldsIn<'a> {
        text: Option<Str<'a>> = "text",
        thought: Option<bool> = "thought",
        thought_signature: Option<Str<'a>> = "thoughtSignature" | "thought_signature",
        inline_data: Option<&'a RawValue> = "inlineData" | "inline_data",
        file_data: Option<&'a RawValue> = "fileData" | "file_data",
        function_call: Option<CallIn<'a>> = "functionCall" | "function_call",
        function_response: Option<ResponseIn<'a>> = "functionResponse" | "function_response",
        executable_code: Option<&'a RawValue> = "executableCode" | "executable_code",
        code_execution_result: Option<&'a RawValue> = "codeExecutionResult" | "code_execution_result",
    }
}

/// A part as it came.
#[derive(Debug)]
pub(in crate::gemini) struct PartIn<'a> {
    fields: PartFieldsIn<'a>,
    raw: &'a RawValue,
}

impl<'a> PartIn<'a> {
    /// Reads a part.
    pub(in crate::gemini) fn new(raw: &'a RawValue) -> Read<Self> {
        serde_json::from_str(raw.get()).map(|fields| Self { fields, raw })
    }

    /// Its call, if it is one.
    pub(in crate::gemini) fn call(&mut self) -> Option<&mut CallIn<'a>> {
        self.fields.function_call.as_mut()
    }

    /// Takes its proof.
    pub(in crate::gemini) fn take_proof(&mut self) -> Option<Proof> {
        let signature = self.fields.thought_signature.take().filter(|signature| !signature.is_empty());
        signature.map(|data| Proof::of(DIALECT, data.into_string()))
    }
}

/// The parts of a content.
pub(in crate::gemini) fn parts(list: List<'_>, ids: &mut Ids) -> Read<Vec<Part>> {
    list.0.into_iter().map(|raw| part(raw, ids)).collect()
}

/// One part.
pub(in crate::gemini) fn part(raw: &RawValue, ids: &mut Ids) -> Read<Part> {
    PartIn::new(raw).and_then(|part| content(part, ids)).map_err(|error| at("parts", error))
}

/// What a part holds. One of no known kind is kept whole.
pub(in crate::gemini) fn content(mut wire: PartIn<'_>, ids: &mut Ids) -> Read<Part> {
    let proof = wire.take_proof();
    let PartIn { fields, raw } = wire;
    let thought = fields.thought.unwrap_or(false);
    let mut part = if let Some(call) = fields.function_call {
        tool_call(call, proof, ids)?
    } else if let Some(response) = fields.function_response {
        tool_result(response, ids)?
    } else if let Some(blob) = fields.inline_data {
        Part { proof, ..media::inline(blob, raw)? }
    } else if let Some(file) = fields.file_data {
        Part { proof, ..media::file(file, raw)? }
    } else if let Some(code) = fields.executable_code {
        return Ok(opaque("executableCode", raw, code_text(code)));
    } else if let Some(result) = fields.code_execution_result {
        return Ok(opaque("codeExecutionResult", raw, output_text(result)));
    } else if let Some(kind) = fields.text.is_none().then(|| kind(&fields.rest)).flatten() {
        return Ok(opaque(&kind, raw, None));
    } else {
        let text = fields.text.map(Str::into_string).unwrap_or_default();
        match thought {
            true => Part::new(Content::Thinking(Thinking { text, proof })),
            false => Part { proof, ..Part::text(text) },
        }
    };
    part.extra.extend(extras("", fields.rest, weight));
    Ok(part)
}

/// A part inside a function's response: only media stand there.
pub(super) fn nested(raw: &RawValue) -> Read<Part> {
    let wire = PartIn::new(raw)?;
    let mut part = match (wire.fields.inline_data, wire.fields.file_data, wire.fields.text) {
        (Some(blob), ..) => media::inline(blob, raw)?,
        (None, Some(file), _) => media::file(file, raw)?,
        (None, None, Some(text)) => Part::text(text.into_string()),
        (None, None, None) => return Ok(opaque("functionResponse.parts", raw, None)),
    };
    part.extra.extend(extras("", wire.fields.rest, weight));
    Ok(part)
}

/// The extras of a part that holds a result, apart from those of the result.
pub(super) fn result_extra(rest: Rest<'_>) -> Vec<Extra> {
    extras("functionResponse.", rest, |_, _| Weight::Hint)
}

/// The first field that could be the part's content.
fn kind(rest: &Rest<'_>) -> Option<String> {
    let modifier = |name: &str| matches!(&*camel(name), "videoMetadata" | "mediaResolution");
    let told = rest.iter().find(|(name, value)| value.get() != "null" && !modifier(name));
    told.map(|(name, _)| camel(name).into_owned())
}

fn weight(field: &str, _: &str) -> Weight {
    match field {
        "mediaResolution" | "videoMetadata" => Weight::Hint,
        _ => Weight::Unknown,
    }
}

pub(super) fn opaque(kind: &str, raw: &RawValue, text: Option<String>) -> Part {
    let opaque = Opaque { kind: kind.to_owned(), value: Json::from(raw), text };
    Part::new(Content::Opaque(opaque))
}

/// The code between fences.
fn code_text(raw: &RawValue) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct CodeIn<'a> {
        #[serde(borrow)]
        code: Option<Str<'a>>,
        #[serde(borrow)]
        language: Option<Str<'a>>,
    }
    let wire: CodeIn<'_> = serde_json::from_str(raw.get()).ok()?;
    let language = wire.language.map(|language| language.to_ascii_lowercase()).unwrap_or_default();
    wire.code.map(|code| fenced(&language, &code))
}

fn output_text(raw: &RawValue) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct OutputIn<'a> {
        #[serde(borrow)]
        output: Option<Str<'a>>,
    }
    let wire: OutputIn<'_> = serde_json::from_str(raw.get()).ok()?;
    Some(fenced("", &wire.output.unwrap_or_default()))
}

/// A name that must be there.
pub(super) fn required(name: Option<Str<'_>>, field: &str) -> Read<String> {
    let name = name.filter(|name| !name.is_empty()).map(Str::into_string);
    name.ok_or_else(|| Error::custom(format_args!("{field}: name: missing")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Part {
        part(serde_json::from_str(json).unwrap(), &mut Ids::of_request()).unwrap()
    }

    #[test]
    fn a_signature_alone_is_an_empty_text_that_holds_it() {
        for json in
            [r#"{"text":"","thoughtSignature":"c2ln"}"#, r#"{"thought_signature":"c2ln","thought":false}"#]
        {
            let part = read(json);
            assert_eq!(part.content, Content::Text(String::new()), "{json}");
            assert_eq!(part.proof.unwrap().data, "c2ln", "{json}");
        }
    }

    #[test]
    fn code_and_its_result_are_kept_whole_and_readable() {
        let json = r#"{"executableCode":{"language":"PYTHON","code":"print(1)"},"thoughtSignature":"c2ln"}"#;
        let Content::Opaque(code) = read(json).content else { panic!("opaque") };
        assert_eq!((code.value.as_str(), code.text.as_deref()), (json, Some("```python\nprint(1)\n```")));
    }

    #[test]
    fn unknown_parts_are_kept_whole() {
        let json = r#"{"hologram":{"a":1},"thought":false}"#;
        let Content::Opaque(opaque) = read(json).content else { panic!("opaque") };
        assert_eq!((opaque.kind.as_str(), opaque.value.as_str()), ("hologram", json));
        let modified = read(r#"{"text":"a","media_resolution":{"level":"LOW"},"novel":1}"#);
        let weights: Vec<_> = modified.extra.iter().map(|extra| extra.weight).collect();
        assert_eq!(weights, [Weight::Hint, Weight::Unknown]);
    }
}
