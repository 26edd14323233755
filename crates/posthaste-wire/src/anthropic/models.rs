//! The list of models (<https://platform.claude.com/docs/en/api/models-list>).

use posthaste_core::Timestamp;
use serde::Serialize;

use crate::{ModelEntry, fault::to_json, models};

/// Writes a page.
pub(crate) fn render(page: &models::Page<'_>) -> Vec<u8> {
    let models = page.models;
    to_json(&Page {
        data: models.iter().map(Model::from).collect(),
        has_more: page.has_more,
        first_id: models.first().map(|model| model.id.as_str()),
        last_id: models.last().map(|model| model.id.as_str()),
    })
}

/// Writes one model (<https://platform.claude.com/docs/en/api/models-get>).
pub(crate) fn render_one(model: &ModelEntry) -> Vec<u8> {
    to_json(&Model::from(model))
}

#[derive(Serialize)]
struct Page<'a> {
    data: Vec<Model<'a>>,
    has_more: bool,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Model<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    display_name: &'a str,
    created_at: Timestamp,
    /// The SDK's types want it (`anthropic` 2.12, checked 2026-11-23); what is retired is not listed.
    lifecycle: &'static str,
    max_input_tokens: Option<u64>,
    max_tokens: Option<u64>,
}

impl<'a> From<&'a ModelEntry> for Model<'a> {
    fn from(entry: &'a ModelEntry) -> Self {
        Self {
            kind: "model",
            id: &entry.id,
            display_name: &entry.display_name,
            created_at: entry.created,
            lifecycle: "active",
            max_input_tokens: entry.context_window,
            max_tokens: entry.max_output,
        }
    }
}
