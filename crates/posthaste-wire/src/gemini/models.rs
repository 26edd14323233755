//! The list of models (<https://ai.google.dev/api/models>).

use serde::Serialize;

use crate::{
    ModelEntry,
    fault::to_json,
    models::{self, ModelKind},
};

/// Writes a page. The next one is asked for by the last name on this one, which is a token like any other.
pub(crate) fn render(page: &models::Page<'_>) -> Vec<u8> {
    let next = page.models.last().filter(|_| page.has_more);
    to_json(&Page {
        models: page.models.iter().map(Model::from).collect(),
        next_page_token: next.map(|model| model.id.as_str()),
    })
}

/// Writes one model (<https://ai.google.dev/api/models#method:-models.get>).
pub(crate) fn render_one(model: &ModelEntry) -> Vec<u8> {
    to_json(&Model::from(model))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    models: Vec<Model<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Model<'a> {
    /// A resource's name, of which requests use what follows `models/`.
    name: String,
    base_model_id: &'a str,
    display_name: &'a str,
    /// Clients choose from a list by these.
    supported_generation_methods: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    input_token_limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_token_limit: Option<u64>,
}

impl<'a> From<&'a ModelEntry> for Model<'a> {
    fn from(entry: &'a ModelEntry) -> Self {
        Self {
            name: format!("models/{}", entry.id),
            base_model_id: &entry.id,
            display_name: &entry.display_name,
            supported_generation_methods: match entry.kind {
                ModelKind::Conversation => &["generateContent", "streamGenerateContent", "countTokens"],
                ModelKind::Embedding => &["embedContent", "batchEmbedContents"],
                ModelKind::Completion => &[],
            },
            input_token_limit: entry.context_window,
            output_token_limit: entry.max_output,
        }
    }
}
