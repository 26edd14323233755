//! The request, as far as the sandbox looks at it. Everything borrows from the parsed body.

mod block;
mod tool;

use serde_json::Value;

use super::place::Place;
pub(super) use crate::brain::{Role, ToolChoice, ToolMode, Ttl};
use crate::error::ApiError;

pub(super) use block::{Block, BlockKind};
pub(super) use tool::Tool;

/// A request whose every field has the right type; what the fields mean together is checked in `rules.rs`.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) model: &'a str,
    pub(super) max_tokens: u64,
    pub(super) stream: bool,
    pub(super) system: Vec<Block<'a>>,
    pub(super) messages: Vec<Message<'a>>,
    pub(super) tools: Vec<Tool<'a>>,
    pub(super) tool_choice: Option<ToolChoice<'a>>,
    pub(super) thinking: Thinking,
    /// The JSON Schema that the answer must fit.
    pub(super) format: Option<&'a Value>,
    pub(super) stop_sequences: Vec<&'a str>,
    /// A top-level `cache_control` marks the last block that can be cached.
    pub(super) cache_last: Option<Ttl>,
}

impl<'a> Request<'a> {
    pub(super) fn read(body: &'a Value) -> Result<Self, ApiError> {
        let root = Place::root(body);
        // Zero is allowed: such a request only fills the prompt cache.
        let max_tokens = root.required("max_tokens")?.integer(0)?;
        Ok(Self { max_tokens, ..Self::read_uncapped(body)? })
    }

    /// Reads a request that may lack `max_tokens`, as counting allows.
    pub(super) fn read_uncapped(body: &'a Value) -> Result<Self, ApiError> {
        let root = Place::root(body);
        root.only(FIELDS)?;
        Ok(Self {
            model: root.required("model")?.text()?,
            max_tokens: u64::MAX,
            stream: root.key("stream").map(|place| place.boolean()).transpose()?.unwrap_or(false),
            system: root
                .key("system")
                .map(|place| block::read_content(&place))
                .transpose()?
                .unwrap_or_default(),
            messages: read_list(&root, "messages", true, Message::read)?,
            tools: read_list(&root, "tools", false, Tool::read)?,
            tool_choice: root.key("tool_choice").map(|place| tool::read_choice(&place)).transpose()?,
            thinking: root
                .key("thinking")
                .map(|place| Thinking::read(&place))
                .transpose()?
                .unwrap_or_default(),
            format: read_format(&root)?,
            stop_sequences: read_list(&root, "stop_sequences", false, Place::text)?,
            cache_last: block::read_cache_control(&root)?,
        })
    }

    /// Every block of every message, for rules that do not care where one stands.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Block<'a>> {
        self.messages.iter().flat_map(|message| &message.content)
    }
}

/// One turn.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) role: Role,
    pub(super) content: Vec<Block<'a>>,
}

impl<'a> Message<'a> {
    fn read(place: &Place<'a>) -> Result<Self, ApiError> {
        let role = place.required("role")?;
        let role = match role.text()? {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => return Err(role.error("Input should be 'user' or 'assistant'")),
        };
        Ok(Self { role, content: block::read_content(&place.required("content")?)? })
    }
}

/// Whether and how to think.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Thinking {
    #[default]
    Disabled,
    Enabled {
        budget: u64,
        omitted: bool,
    },
    Adaptive {
        omitted: bool,
    },
    BetweenTools,
}

impl Thinking {
    fn read(place: &Place<'_>) -> Result<Self, ApiError> {
        let omitted = match place.key("display") {
            None => false,
            Some(display) => match display.text()? {
                "summarized" => false,
                "omitted" => true,
                _ => return Err(display.error("Input should be 'summarized' or 'omitted'")),
            },
        };
        let kind = place.required("type")?;
        match kind.text()? {
            "disabled" => Ok(Self::Disabled),
            "adaptive" => Ok(Self::Adaptive { omitted }),
            "between_tools" => Ok(Self::BetweenTools),
            "enabled" => {
                let budget = place.chosen("enabled").required("budget_tokens")?.integer(1_024)?;
                Ok(Self::Enabled { budget, omitted })
            }
            _ => Err(kind.error("Input should be 'enabled', 'adaptive', 'between_tools' or 'disabled'")),
        }
    }
}

/// `output_config.format`, or `output_format` as older clients write it.
fn read_format<'a>(root: &Place<'a>) -> Result<Option<&'a Value>, ApiError> {
    let format = root.key("output_config").and_then(|config| config.key("format"));
    let Some(format) = format.or_else(|| root.key("output_format")) else { return Ok(None) };
    let kind = format.required("type")?;
    if kind.text()? != "json_schema" {
        return Err(kind.error("Input should be 'json_schema'"));
    }
    let schema = format.required("schema")?;
    schema.object()?;
    Ok(Some(schema.value()))
}

fn read_list<'a, T>(
    root: &Place<'a>,
    key: &str,
    required: bool,
    read: impl Fn(&Place<'a>) -> Result<T, ApiError>,
) -> Result<Vec<T>, ApiError> {
    let list = if required { Some(root.required(key)?) } else { root.key(key) };
    let Some(list) = list else { return Ok(Vec::new()) };
    list.list()?.iter().map(read).collect()
}

/// Every field of the vendor's, those of betas included.
const FIELDS: &[&str] = &[
    "billing_policy",
    "cache_control",
    "compaction",
    "container",
    "context_management",
    "diagnostics",
    "fallback_credit_token",
    "fallbacks",
    "inference_geo",
    "max_tokens",
    "mcp_servers",
    "messages",
    "metadata",
    "model",
    "output_config",
    "output_format",
    "service_tier",
    "speed",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "thread",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
    "user_profile_id",
    "workspace_id",
];
