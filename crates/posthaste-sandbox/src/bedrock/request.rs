//! The request of Converse, as far as the sandbox looks at it. Everything borrows from the parsed body.

mod block;
mod tools;

use serde_json::Value;

use super::place::Place;
use crate::{
    brain::{self, Ttl},
    error::ApiError,
};
pub(super) use block::{Block, Data, Marked};
pub(super) use tools::Tools;

/// A request whose every field has the right type; what the fields mean together is checked in `rules.rs`.
pub(super) struct Request<'a> {
    pub(super) system: Vec<Marked<Block<'a>>>,
    pub(super) messages: Vec<Message<'a>>,
    pub(super) tools: Option<Tools<'a>>,
    pub(super) max_tokens: Option<u64>,
    pub(super) stops: Vec<&'a str>,
    pub(super) thinking: Thinking,
    /// The schema that the answer must fit; it comes as text.
    pub(super) schema: Option<Value>,
    pub(super) tells_sequence: bool,
}

/// One turn.
pub(super) struct Message<'a> {
    pub(super) role: brain::Role,
    pub(super) content: Vec<Marked<Block<'a>>>,
}

/// Whether and how to think, in the model's own words.
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
}

impl<'a> Request<'a> {
    pub(super) fn read(root: &Place<'a>) -> Result<Self, ApiError> {
        root.only(FIELDS)?;
        let config = root.key("inferenceConfig");
        if let Some(config) = &config {
            config.only(&["maxTokens", "temperature", "topP", "stopSequences"])?;
            config.optional("temperature", Place::number)?;
            config.optional("topP", Place::number)?;
        }
        let max_tokens = match &config {
            Some(config) => config.optional("maxTokens", |cap| cap.integer(1))?,
            None => None,
        };
        let stops = match &config {
            Some(config) => config.items("stopSequences", Place::text)?,
            None => Vec::new(),
        };
        let paths = root.items("additionalModelResponseFieldPaths", Place::text)?;
        Ok(Self {
            system: root.optional("system", block::read_list)?.unwrap_or_default(),
            messages: root
                .required("messages")?
                .list()?
                .iter()
                .map(Message::read)
                .collect::<Result<_, _>>()?,
            tools: root.optional("toolConfig", Tools::read)?,
            max_tokens,
            stops,
            thinking: root.optional("additionalModelRequestFields", Thinking::read)?.unwrap_or_default(),
            schema: root.optional("outputConfig", read_schema)?.flatten(),
            tells_sequence: paths.contains(&"/stop_sequence"),
        })
    }

    /// Every block of every message.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Block<'a>> {
        self.messages.iter().flat_map(|message| &message.content).filter_map(Marked::item)
    }

    /// The marks of a request in the cache's order.
    pub(super) fn marks(&self) -> impl Iterator<Item = Ttl> {
        let tools = self.tools.iter().flat_map(|tools| &tools.tools).filter_map(Marked::mark);
        let blocks = self.system.iter().chain(self.messages.iter().flat_map(|message| &message.content));
        tools.chain(blocks.filter_map(Marked::mark))
    }
}

impl<'a> Message<'a> {
    fn read(place: &Place<'a>) -> Result<Self, ApiError> {
        place.only(&["role", "content"])?;
        let role = match place.required("role")?.among(&["user", "assistant", "system"])? {
            "user" => brain::Role::User,
            "assistant" => brain::Role::Assistant,
            _ => brain::Role::System,
        };
        Ok(Self { role, content: block::read_list(&place.required("content")?)? })
    }
}

impl Thinking {
    /// The model's own fields are looked at as far as they say how to think.
    fn read(fields: &Place<'_>) -> Result<Self, ApiError> {
        fields.object()?;
        let Some(thinking) = fields.key("thinking").or_else(|| fields.key("reasoning_config")) else {
            return Ok(Self::Disabled);
        };
        let omitted = thinking.key("display").is_some_and(|display| display.value() == "omitted");
        match thinking.required("type")?.among(&["enabled", "adaptive", "disabled"])? {
            "enabled" => {
                Ok(Self::Enabled { budget: thinking.required("budget_tokens")?.integer(1_024)?, omitted })
            }
            "adaptive" => Ok(Self::Adaptive { omitted }),
            _ => Ok(Self::Disabled),
        }
    }
}

fn read_schema(config: &Place<'_>) -> Result<Option<Value>, ApiError> {
    config.only(&["textFormat", "effort"])?;
    let Some(format) = config.key("textFormat") else { return Ok(None) };
    format.required("type")?.among(&["json_schema"])?;
    let schema = format.required("structure")?.required("jsonSchema")?.required("schema")?;
    let parsed: Value = serde_json::from_str(schema.text()?).map_err(|_| {
        schema.error("The schema in outputConfig.textFormat.structure.jsonSchema is not valid JSON.")
    })?;
    Ok(Some(parsed))
}

const FIELDS: &[&str] = &[
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
    "guardrailConfig",
    "inferenceConfig",
    "messages",
    "outputConfig",
    "performanceConfig",
    "projectIdentifier",
    "promptVariables",
    "requestMetadata",
    "serviceTier",
    "system",
    "toolConfig",
];
