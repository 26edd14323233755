//! The request, as far as the sandbox looks at it. Everything borrows from the parsed body.

mod config;
mod content;
mod tools;

use super::place::Place;
use crate::error::ApiError;
pub(super) use config::Config;
pub(super) use content::{Content, Data, Role};
pub(super) use tools::Tools;

/// A request whose every field has the right type; what the fields mean together is checked in `rules.rs`.
pub(super) struct Request<'a> {
    pub(super) model: &'a str,
    pub(super) contents: Vec<Content<'a>>,
    pub(super) system: Vec<&'a str>,
    pub(super) tools: Tools<'a>,
    pub(super) config: Config<'a>,
}

impl<'a> Request<'a> {
    /// `envelope` says that Code Assist asks, whose requests have a few fields more.
    pub(super) fn read(model: &'a str, root: &Place<'a>, envelope: bool) -> Result<Self, ApiError> {
        let more: &[&str] = if envelope { &["labels", "sessionId"] } else { &[] };
        root.only(&[FIELDS, more].concat())?;
        Ok(Self {
            model,
            contents: content::read_contents(root)?,
            system: root.optional("systemInstruction", content::read_system)?.unwrap_or_default(),
            tools: Tools::read(root)?,
            config: root.optional("generationConfig", Config::read)?.unwrap_or_default(),
        })
    }
}

const FIELDS: &[&str] = &[
    "cachedContent",
    "contents",
    "generationConfig",
    "model",
    "safetySettings",
    "serviceTier",
    "store",
    "systemInstruction",
    "toolConfig",
    "tools",
];
