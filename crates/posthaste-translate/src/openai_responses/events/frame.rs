//! The events as they are read.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{json::Str, openai_responses::response::IncompleteIn};

/// Every event in one: its type may stand behind what it says.
#[derive(Deserialize)]
pub(super) struct EventIn<'a> {
    #[serde(borrow, rename = "type", default)]
    pub(super) kind: Str<'a>,
    #[serde(default)]
    pub(super) output_index: u64,
    #[serde(default)]
    pub(super) content_index: u64,
    #[serde(default)]
    pub(super) summary_index: u64,
    #[serde(borrow)]
    pub(super) delta: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) text: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) refusal: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) arguments: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) input: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) annotation: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) item: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) response: Option<ResponseIn<'a>>,
}

#[derive(Deserialize)]
pub(super) struct ResponseIn<'a> {
    #[serde(borrow, default)]
    pub(super) id: Str<'a>,
    #[serde(borrow, default)]
    pub(super) model: Str<'a>,
    #[serde(borrow)]
    pub(super) status: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) incomplete_details: Option<IncompleteIn<'a>>,
    #[serde(borrow)]
    pub(super) output: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) tool_usage: Option<&'a RawValue>,
}

impl EventIn<'_> {
    /// The piece that the event brings.
    pub(super) fn piece(&self) -> Result<String, serde_json::Error> {
        match self.delta {
            Some(raw) => serde_json::from_str::<Str<'_>>(raw.get()).map(Str::into_string),
            None => Ok(String::new()),
        }
    }
}

/// Events whose news stand in others as well, or that are of a hosted tool, which its item tells.
pub(super) fn is_told_elsewhere(kind: &str) -> bool {
    let Some(name) = kind.strip_prefix("response.") else { return false };
    TOLD_ELSEWHERE.contains(&name) || HOSTED.iter().any(|tool| name.starts_with(tool))
}

const TOLD_ELSEWHERE: [&str; 5] = [
    "content_part.added",
    "reasoning_summary_part.added",
    "reasoning_summary_part.done",
    "reasoning_summary_text.done",
    "reasoning_text.done",
];

const HOSTED: [&str; 8] = [
    "apply_patch_call",
    "code_interpreter_call",
    "file_search_call",
    "image_generation_call",
    "mcp_",
    "shell_call",
    "tool_search_call",
    "web_search_call",
];
