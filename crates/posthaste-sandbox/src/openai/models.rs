//! `GET /v1/models` and `GET /v1/models/{id}` (<https://platform.openai.com/docs/api-reference/models>).

use serde::Serialize;

use super::{CREATED, error, family};
use crate::error::ApiError;

/// The list of models.
pub(crate) fn list() -> String {
    let list = List { object: "list", data: MODELS.map(Model::new) };
    serde_json::to_string(&list).expect("strings become JSON")
}

/// One model. Every served name is one, listed or not.
pub(crate) fn get(id: &str) -> Result<String, ApiError> {
    if !family::is_served(id) {
        return Err(error::unknown_model(id));
    }
    Ok(serde_json::to_string(&Model::new(id)).expect("strings become JSON"))
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: [Model<'a>; MODELS.len()],
}

#[derive(Serialize)]
struct Model<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    owned_by: &'static str,
}

impl<'a> Model<'a> {
    const fn new(id: &'a str) -> Self {
        Self { id, object: "model", created: CREATED, owned_by: "sandbox" }
    }
}

const MODELS: [&str; 6] =
    ["gpt-5.4", "gpt-4.1", "o4-mini", "text-embedding-3-small", "sandbox-echo", "sandbox-reasoner"];
