//! The request, as far as the sandbox looks at it. Everything borrows from the parsed body.

mod message;
mod tools;

use serde_json::Value;

use crate::{
    brain::{Format, ToolChoice, ToolMode},
    error::ApiError,
    openai::{family, place::Place, schema},
};
pub(super) use message::{Message, Part, Role};
pub(super) use tools::Tool;

/// A request whose every field has the right type; what the fields mean together is checked in `rules.rs`.
pub(super) struct Request<'a> {
    pub(super) model: &'a str,
    pub(super) stream: bool,
    /// `None` where `stream_options` is absent.
    pub(super) include_usage: Option<bool>,
    pub(super) n: u64,
    /// The cap, and whether it came under its old name.
    pub(super) max_tokens: Option<u64>,
    pub(super) old_max_tokens: bool,
    pub(super) messages: Vec<Message<'a>>,
    pub(super) tools: Vec<Tool<'a>>,
    pub(super) tool_choice: Option<ToolMode<'a>>,
    pub(super) parallel: Option<bool>,
    pub(super) format: Option<Format<'a>>,
    pub(super) stops: Vec<&'a str>,
    pub(super) effort: Option<&'a str>,
    pub(super) thinks: bool,
    pub(super) sampling: Vec<(&'static str, f64)>,
    pub(super) logprobs: bool,
}

impl<'a> Request<'a> {
    /// `deployment` is Azure's place for the model.
    pub(super) fn read(body: &'a Value, deployment: Option<&'a str>) -> Result<Self, ApiError> {
        let root = Place::root(body);
        let model = match deployment {
            Some(deployment) => deployment,
            None => root.required("model")?.text()?,
        };
        if !family::is_lenient(model) {
            root.only(FIELDS)?;
        }
        let (tools, tool_choice) = tools::read(&root)?;
        let effort = root.optional("reasoning_effort", |effort| effort.among(EFFORTS))?;
        let old_cap = root.optional("max_tokens", |cap| cap.integer(1))?;
        Ok(Self {
            model,
            stream: root.optional("stream", Place::boolean)?.unwrap_or(false),
            include_usage: root.optional("stream_options", read_stream_options)?,
            n: root.optional("n", |n| n.integer(1))?.unwrap_or(1),
            max_tokens: root.optional("max_completion_tokens", |cap| cap.integer(1))?.or(old_cap),
            old_max_tokens: old_cap.is_some(),
            messages: root
                .required("messages")?
                .list()?
                .iter()
                .map(Message::read)
                .collect::<Result<_, _>>()?,
            tools,
            tool_choice,
            parallel: root.optional("parallel_tool_calls", Place::boolean)?,
            format: root.optional("response_format", read_format)?.flatten(),
            stops: root.optional("stop", read_stops)?.unwrap_or_default(),
            effort,
            thinks: thinks(&root, model, effort),
            sampling: read_sampling(&root)?,
            logprobs: root.optional("logprobs", Place::boolean)?.unwrap_or(false),
        })
    }

    /// What is to be done with the tools.
    pub(super) fn choice(&self) -> ToolChoice<'a> {
        let mode = self.tool_choice.unwrap_or(ToolMode::Auto);
        ToolChoice { mode, parallel: self.parallel.unwrap_or(true) }
    }
}

fn read_stream_options(place: &Place<'_>) -> Result<bool, ApiError> {
    place.object()?;
    place.optional("include_obfuscation", Place::boolean)?;
    Ok(place.optional("include_usage", Place::boolean)?.unwrap_or(false))
}

fn read_format<'a>(place: &Place<'a>) -> Result<Option<Format<'a>>, ApiError> {
    match place.required("type")?.among(&["json_object", "json_schema", "text"])? {
        "text" => Ok(None),
        "json_object" => Ok(Some(Format::AnyJson)),
        _ => {
            let format = place.required("json_schema")?;
            read_schema(&format, place.path()).map(|schema| Some(Format::Schema(schema)))
        }
    }
}

/// Name, schema and `strict`, which stand alike in both dialects. `param` is the field that the vendor blames.
pub(crate) fn read_schema<'a>(format: &Place<'a>, param: &str) -> Result<&'a Value, ApiError> {
    let name = format.required("name")?.text()?;
    let schema = format.required("schema")?;
    schema.object()?;
    let strict = format.optional("strict", Place::boolean)?.unwrap_or(false);
    if strict && let Some(fault) = schema::fault(schema.value()) {
        let message = format!("Invalid schema for response_format '{name}': {fault}");
        return Err(ApiError::invalid(message).about(param));
    }
    Ok(schema.value())
}

fn read_stops<'a>(place: &Place<'a>) -> Result<Vec<&'a str>, ApiError> {
    if let Value::String(stop) = place.value() {
        return Ok(vec![stop]);
    }
    let stops = place.list()?;
    if stops.len() > MAX_STOPS {
        let message = format!(
            "Invalid 'stop': array too long. Expected an array with maximum length {MAX_STOPS}, but got an array with \
             length {} instead.",
            stops.len()
        );
        return Err(place.error(&message).coded("array_above_max_length"));
    }
    stops.iter().map(Place::text).collect()
}

fn read_sampling(root: &Place<'_>) -> Result<Vec<(&'static str, f64)>, ApiError> {
    let mut sampling = Vec::new();
    for (name, least, most) in SAMPLING {
        let Some(value) = root.optional(name, Place::number)? else { continue };
        if !(least..=most).contains(&value) {
            let (bound, code, limit) = if value < least {
                ("below minimum value. Expected a value >=", "decimal_below_min_value", least)
            } else {
                ("above maximum value. Expected a value <=", "decimal_above_max_value", most)
            };
            let message = format!("Invalid '{name}': decimal {bound} {limit}, but got {value} instead.");
            return Err(ApiError::invalid(message).about(name).coded(code));
        }
        sampling.push((name, value));
    }
    Ok(sampling)
}

/// Whether to think: by the model, by its effort, or by the switches of the vendors who offer the dialect too.
fn thinks(root: &Place<'_>, model: &str, effort: Option<&str>) -> bool {
    if let Some(switch) = root.key("thinking").and_then(|thinking| thinking.key("type")) {
        return switch.value() != "disabled";
    }
    if let Some(switch) = root.key("enable_thinking") {
        return switch.value() == true;
    }
    match effort {
        Some(effort) => effort != "none",
        None => family::thinks_by_default(model),
    }
}

/// Names with their bounds.
const SAMPLING: [(&str, f64, f64); 4] = [
    ("temperature", 0.0, 2.0),
    ("top_p", 0.0, 1.0),
    ("presence_penalty", -2.0, 2.0),
    ("frequency_penalty", -2.0, 2.0),
];
const MAX_STOPS: usize = 4;
pub(crate) const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh", "max"];
/// Every field of the vendor's.
const FIELDS: &[&str] = &[
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];
