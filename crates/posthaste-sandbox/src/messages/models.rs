//! `GET /v1/models` and `GET /v1/models/{id}` (<https://docs.anthropic.com/en/api/models-list>).

use std::borrow::Cow;

use serde::Serialize;

use crate::{
    error::{ApiError, ErrorKind},
    models::serves,
};

/// Whether the sandbox answers in this dialect for a model of this name: the vendor's own, and those of the vendors
/// who offer the dialect too.
pub(crate) fn is_served(model: &str) -> bool {
    serves(model, &["claude-", "sandbox-", "qwen", "glm", "deepseek", "kimi"])
}

/// The error for a model that is not [served](is_served).
pub(crate) fn unknown(model: &str) -> ApiError {
    ApiError::new(ErrorKind::NotFound, format!("model: {model}"))
}

/// One page of the list. `query` may hold `limit`, `after_id` and `before_id`; other parameters are ignored.
pub(crate) fn list(query: Option<&str>) -> Result<String, ApiError> {
    let parameter = |name: &str| {
        let pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next_back()
    };
    let limit = match parameter("limit") {
        None => DEFAULT_LIMIT,
        Some(limit) => {
            limit.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(|| {
                ApiError::invalid(format!("limit: Input should be an integer from 1 to {MAX_LIMIT}"))
            })?
        }
    };
    let position = |id| MODELS.iter().position(|(model, _)| *model == id);
    let start = parameter("after_id").and_then(position).map_or(0, |after| after + 1);
    let end = parameter("before_id").and_then(position).unwrap_or(MODELS.len());
    let range = MODELS.get(start..end).unwrap_or_default();
    let data: Vec<_> =
        range.iter().take(limit).map(|(id, name)| Model::new(id, Cow::Borrowed(name))).collect();
    let page = Page {
        first_id: data.first().map(|model| model.id),
        last_id: data.last().map(|model| model.id),
        has_more: range.len() > data.len(),
        data,
    };
    Ok(serde_json::to_string(&page).expect("strings become JSON"))
}

/// One model. Every [served](is_served) name is one, listed or not.
pub(crate) fn get(id: &str) -> Result<String, ApiError> {
    if !is_served(id) {
        return Err(unknown(id));
    }
    let listed = MODELS.iter().find(|(model, _)| *model == id);
    let name = listed.map_or_else(|| Cow::Owned(format!("Sandbox ({id})")), |(_, name)| Cow::Borrowed(*name));
    Ok(serde_json::to_string(&Model::new(id, name)).expect("strings become JSON"))
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
    r#type: &'static str,
    id: &'a str,
    display_name: Cow<'a, str>,
    created_at: &'static str,
    /// The SDKs' types demand it.
    lifecycle: &'static str,
}

impl<'a> Model<'a> {
    const fn new(id: &'a str, display_name: Cow<'a, str>) -> Self {
        Self { r#type: "model", id, display_name, created_at: "2026-01-01T00:00:00Z", lifecycle: "active" }
    }
}

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 1_000;

const MODELS: [(&str, &str); 4] = [
    ("claude-opus-4-8", "Sandbox imitation of Claude Opus 4.8"),
    ("claude-sonnet-4-6", "Sandbox imitation of Claude Sonnet 4.6"),
    ("claude-haiku-4-5", "Sandbox imitation of Claude Haiku 4.5"),
    ("sandbox-echo", "Sandbox"),
];

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn page(query: &str) -> Value {
        serde_json::from_str(&list(Some(query)).unwrap()).unwrap()
    }

    #[test]
    fn pages_follow_one_another() {
        let first = page("beta=true&limit=3");
        assert_eq!(first["has_more"], true);
        assert_eq!(first["last_id"], "claude-haiku-4-5");
        let second = page("limit=3&after_id=claude-haiku-4-5");
        assert_eq!(second["has_more"], false);
        assert_eq!(second["data"].as_array().unwrap().len(), 1);
        assert_eq!(second["first_id"], "sandbox-echo");
        assert_eq!(page("before_id=claude-sonnet-4-6")["last_id"], "claude-opus-4-8");
        assert_eq!(page("after_id=sandbox-echo")["first_id"], Value::Null);
        assert!(list(Some("limit=0")).unwrap_err().message.starts_with("limit: "));
    }

    #[test]
    fn only_served_names_are_models() {
        assert!(get("claude-next-9").unwrap().contains("claude-next-9"));
        assert_eq!(get("gpt-5").unwrap_err(), unknown("gpt-5"));
        assert!(!is_served("claude-"));
    }
}
