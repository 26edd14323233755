//! The list of models (<https://platform.openai.com/docs/api-reference/models/list>).

use serde::Serialize;

use crate::{ModelEntry, fault::to_json, models::Page};

/// Writes the list.
pub(crate) fn render(page: &Page<'_>) -> Vec<u8> {
    to_json(&List { object: "list", data: page.models.iter().map(Model::from).collect() })
}

/// Writes one model (<https://platform.openai.com/docs/api-reference/models/retrieve>).
pub(crate) fn render_one(model: &ModelEntry) -> Vec<u8> {
    to_json(&Model::from(model))
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Model<'a>>,
}

#[derive(Serialize)]
struct Model<'a> {
    id: &'a str,
    object: &'static str,
    /// Whole seconds since the epoch.
    created: i64,
    owned_by: &'a str,
}

impl<'a> From<&'a ModelEntry> for Model<'a> {
    fn from(entry: &'a ModelEntry) -> Self {
        Self { id: &entry.id, object: "model", created: entry.created.as_secs(), owned_by: &entry.owned_by }
    }
}
