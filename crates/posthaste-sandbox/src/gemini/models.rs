//! `GET /v1beta/models` and `GET /v1beta/models/{model}` (<https://ai.google.dev/api/models>).

use serde::Serialize;

use crate::{
    error::{ApiError, ErrorKind},
    models::serves,
};

/// Whether the sandbox answers in this dialect for a model of this name.
pub(crate) fn is_served(model: &str) -> bool {
    serves(model, &["gemini-", "gemma-", "sandbox-", "text-embedding-", "embedding-"])
}

/// Models that sign their calls and want the signatures back.
pub(super) fn signs(model: &str) -> bool {
    model.contains("gemini-3")
}

/// Whether the model thinks when the request says nothing about it.
pub(super) fn thinks_by_default(model: &str) -> bool {
    signs(model) || model.contains("gemini-2.5")
}

/// The error for a model that is not [served](is_served).
pub(crate) fn unknown(model: &str) -> ApiError {
    let message = format!(
        "models/{model} is not found for API version v1beta, or is not supported for generateContent. Call \
         ModelService.ListModels to see the list of available models and their supported methods."
    );
    ApiError::new(ErrorKind::NotFound, message)
}

/// The list of models.
pub(crate) fn list() -> String {
    serde_json::to_string(&List { models: MODELS.map(Model::new) }).expect("strings become JSON")
}

/// One model. Every [served](is_served) name is one, listed or not.
pub(crate) fn get(model: &str) -> Result<String, ApiError> {
    if !is_served(model) {
        return Err(unknown(model));
    }
    Ok(serde_json::to_string(&Model::new(model)).expect("strings become JSON"))
}

#[derive(Serialize)]
struct List<'a> {
    models: [Model<'a>; MODELS.len()],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Model<'a> {
    name: String,
    version: &'static str,
    display_name: &'a str,
    input_token_limit: u64,
    output_token_limit: u64,
    supported_generation_methods: &'static [&'static str],
}

impl<'a> Model<'a> {
    fn new(model: &'a str) -> Self {
        let methods: &[&str] = if model.contains("embedding") {
            &["embedContent", "batchEmbedContents"]
        } else {
            &["generateContent", "countTokens"]
        };
        Self {
            name: format!("models/{model}"),
            version: "001",
            display_name: model,
            input_token_limit: 200_000,
            output_token_limit: 65_536,
            supported_generation_methods: methods,
        }
    }
}

const MODELS: [&str; 5] = [
    "gemini-3.1-pro-preview",
    "gemini-3.5-flash",
    "gemini-2.5-flash",
    "gemini-embedding-001",
    "sandbox-echo",
];
