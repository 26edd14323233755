//! A chunk as it comes.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    json::{Str, TextOr},
    openai_chat::part::arguments,
};

#[derive(Deserialize)]
pub(super) struct ChunkIn<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) model: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) choices: Option<Vec<ChoiceIn<'a>>>,
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) x_groq: Option<ExtensionIn<'a>>,
}

impl ChunkIn<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.choices.as_ref().is_none_or(Vec::is_empty) && self.usage.is_none()
    }
}

/// Groq's place for usage.
#[derive(Deserialize)]
pub(super) struct ExtensionIn<'a> {
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct ChoiceIn<'a> {
    #[serde(default)]
    pub(super) index: u64,
    #[serde(borrow)]
    pub(super) delta: Option<DeltaIn<'a>>,
    #[serde(borrow)]
    pub(super) finish_reason: Option<Str<'a>>,
    /// Older Moonshot models' place for usage.
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) logprobs: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct DeltaIn<'a> {
    #[serde(borrow, default)]
    pub(super) content: TextOr<'a, Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub(super) reasoning_content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) reasoning_text: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) reasoning_details: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) refusal: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) tool_calls: Option<Vec<ToolCallIn<'a>>>,
    #[serde(borrow)]
    pub(super) annotations: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub(super) function_call: Option<FunctionIn<'a>>,
    #[serde(borrow)]
    pub(super) audio: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct ToolCallIn<'a> {
    pub(super) index: Option<u64>,
    #[serde(borrow)]
    pub(super) id: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) function: Option<FunctionIn<'a>>,
    #[serde(borrow)]
    pub(super) custom: Option<CustomIn<'a>>,
}

#[derive(Deserialize)]
pub(super) struct FunctionIn<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) arguments: Option<&'a RawValue>,
}

/// A call of a free-text tool.
#[derive(Deserialize)]
pub(super) struct CustomIn<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) input: Option<Str<'a>>,
}

impl<'a> ToolCallIn<'a> {
    /// The tool's name, and the next piece of what it is called with; whether that is free text.
    pub(super) fn take(self) -> Result<Piece<'a>, serde_json::Error> {
        if let Some(custom) = self.custom {
            let text = custom.input.map(Str::into_string).unwrap_or_default();
            return Ok(Piece { name: custom.name, text, free_text: true });
        }
        let (name, raw) = self.function.map_or((None, None), |function| (function.name, function.arguments));
        Ok(Piece { name, text: arguments(raw)?.as_str().to_owned(), free_text: false })
    }
}

pub(super) struct Piece<'a> {
    pub(super) name: Option<Str<'a>>,
    pub(super) text: String,
    pub(super) free_text: bool,
}
