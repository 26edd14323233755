//! The request, as far as the sandbox looks at it. Everything borrows from the parsed body.

mod item;
mod tools;

use serde_json::Value;

use super::history::History;
use crate::{
    brain::{Format, ToolChoice, ToolMode},
    chat::{EFFORTS, read_schema},
    error::ApiError,
    openai::{family, place::Place},
};
pub(super) use item::{Item, Part, Role};
pub(super) use tools::Tool;

/// A request whose every field has the right type; what the fields mean together is checked in `rules.rs`.
pub(super) struct Request<'a> {
    pub(super) body: &'a Value,
    pub(super) model: &'a str,
    pub(super) stream: bool,
    pub(super) store: bool,
    pub(super) instructions: Option<&'a str>,
    pub(super) previous: Option<&'a str>,
    pub(super) items: Vec<Item<'a>>,
    pub(super) max_tokens: Option<u64>,
    pub(super) tools: Vec<Tool<'a>>,
    pub(super) tool_choice: ToolMode<'a>,
    pub(super) parallel: bool,
    pub(super) format: Option<Format<'a>>,
    pub(super) effort: Option<&'a str>,
    pub(super) summary: Option<&'a str>,
    /// Whether thoughts come with what is needed to send them back.
    pub(super) encrypted: bool,
    pub(super) thinks: bool,
    pub(super) temperature: Option<f64>,
    pub(super) top_p: Option<f64>,
}

impl<'a> Request<'a> {
    pub(super) fn read(body: &'a Value, history: &'a History) -> Result<Self, ApiError> {
        let root = Place::root(body);
        let model = root.required("model")?.text()?;
        if !family::is_lenient(model) {
            root.only(FIELDS)?;
        }
        let (tools, tool_choice) = tools::read(&root)?;
        let reasoning = root.key("reasoning");
        let reasoning = |key: &str, options: &[&str]| match &reasoning {
            Some(reasoning) => reasoning.optional(key, |place| place.among(options)),
            None => Ok(None),
        };
        let effort = reasoning("effort", EFFORTS)?;
        Ok(Self {
            body,
            model,
            stream: root.optional("stream", Place::boolean)?.unwrap_or(false),
            store: root.optional("store", Place::boolean)?.unwrap_or(true),
            instructions: root.optional("instructions", Place::text)?,
            previous: root.optional("previous_response_id", Place::text)?,
            items: history.places().map(|place| Item::read(&place)).collect::<Result<_, _>>()?,
            max_tokens: root.optional("max_output_tokens", |cap| cap.integer(LEAST_CAP))?,
            tools,
            tool_choice,
            parallel: root.optional("parallel_tool_calls", Place::boolean)?.unwrap_or(true),
            format: root.optional("text", read_format)?.flatten(),
            effort,
            summary: reasoning("summary", &["auto", "concise", "detailed"])?,
            encrypted: root
                .items("include", |include| include.among(INCLUDES))?
                .contains(&"reasoning.encrypted_content"),
            thinks: match effort {
                Some(effort) => effort != "none",
                None => family::thinks_by_default(model),
            },
            temperature: root.optional("temperature", Place::number)?,
            top_p: root.optional("top_p", Place::number)?,
        })
    }

    /// What is to be done with the tools.
    pub(super) const fn choice(&self) -> ToolChoice<'a> {
        ToolChoice { mode: self.tool_choice, parallel: self.parallel }
    }
}

fn read_format<'a>(text: &Place<'a>) -> Result<Option<Format<'a>>, ApiError> {
    text.optional("verbosity", |verbosity| verbosity.among(&["low", "medium", "high"]))?;
    let Some(format) = text.key("format") else { return Ok(None) };
    match format.required("type")?.among(&["json_object", "json_schema", "text"])? {
        "text" => Ok(None),
        "json_object" => Ok(Some(Format::AnyJson)),
        _ => read_schema(&format, "text.format.schema").map(|schema| Some(Format::Schema(schema))),
    }
}

/// The vendor takes no less.
const LEAST_CAP: u64 = 16;
const INCLUDES: &[&str] = &[
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "file_search_call.results",
    "message.input_image.image_url",
    "message.output_text.logprobs",
    "reasoning.encrypted_content",
    "web_search_call.action.sources",
    "web_search_call.results",
];
/// Every field of the vendor's, and the one that Codex adds (`client_metadata`, seen with 0.169).
const FIELDS: &[&str] = &[
    "access_programs",
    "background",
    "background_options",
    "client_metadata",
    "context_management",
    "conversation",
    "image",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];
