//! The list of models (<https://ai.google.dev/api/models>).

use serde::Serialize;

use crate::{ModelEntry, fault::to_json};

/// Writes the list on one page.
pub(crate) fn render(models: &[ModelEntry]) -> Vec<u8> {
    to_json(&Page { models: models.iter().map(Model::from).collect() })
}

/// Writes one model (<https://ai.google.dev/api/models#method:-models.get>).
pub(crate) fn render_one(model: &ModelEntry) -> Vec<u8> {
    to_json(&Model::from(model))
}

#[derive(Serialize)]
struct Page<'a> {
    models: Vec<Model<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Model<'a> {
    /// A resource's name, of which requests use what follows `models/`.
    name: String,
    base_model_id: &'a str,
    display_name: &'a str,
    /// Clients choose from a list by these.
    supported_generation_methods: [&'static str; 3],
}

impl<'a> From<&'a ModelEntry> for Model<'a> {
    fn from(entry: &'a ModelEntry) -> Self {
        Self {
            name: format!("models/{}", entry.id),
            base_model_id: &entry.id,
            display_name: &entry.display_name,
            supported_generation_methods: ["generateContent", "streamGenerateContent", "countTokens"],
        }
    }
}
