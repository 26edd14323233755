//! The list of models. The runtime has none; this is the shape of Bedrock's control plane
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html>), with what it requires.

use serde::Serialize;

use crate::{ModelEntry, fault::to_json, models::Page};

/// Writes the list, which has no pages.
pub(crate) fn render(page: &Page<'_>) -> Vec<u8> {
    to_json(&List { model_summaries: page.models.iter().map(Model::from).collect() })
}

/// Writes one model (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_GetFoundationModel.html>).
pub(crate) fn render_one(model: &ModelEntry) -> Vec<u8> {
    to_json(&One { model_details: Model::from(model) })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    model_summaries: Vec<Model<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct One<'a> {
    model_details: Model<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Model<'a> {
    model_arn: String,
    model_id: &'a str,
    model_name: &'a str,
    provider_name: &'a str,
    response_streaming_supported: bool,
    model_lifecycle: Lifecycle,
}

#[derive(Serialize)]
struct Lifecycle {
    status: &'static str,
}

impl<'a> From<&'a ModelEntry> for Model<'a> {
    fn from(entry: &'a ModelEntry) -> Self {
        Self {
            // Of no region: the relay is in none.
            model_arn: format!("arn:aws:bedrock:::foundation-model/{}", entry.id),
            model_id: &entry.id,
            model_name: &entry.display_name,
            provider_name: &entry.owned_by,
            response_streaming_supported: true,
            model_lifecycle: Lifecycle { status: "ACTIVE" },
        }
    }
}
