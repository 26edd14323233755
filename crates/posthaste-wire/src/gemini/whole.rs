//! Whole answers: generated content, token counts and embeddings.

use serde::{Deserialize, de::IgnoredAny};

use super::{error, usage::Counts};
use crate::{
    WholeAnswer,
    count::Count,
    lenient::{Filled, Lenient, List, object},
};

/// Reads an answer; `None` when the JSON is none of this dialect.
pub(crate) fn read(body: &[u8]) -> serde_json::Result<Option<WholeAnswer>> {
    let Some(answer) = object::<Answer>(body)? else {
        return Ok(error::read(body).map(|error| WholeAnswer { usage: None, error: Some(error) }));
    };
    if answer.error.0 {
        return Ok(error::read(body).map(|error| WholeAnswer { usage: None, error: Some(error) }));
    }
    let usage = answer.usage_metadata.0.filter(Counts::tells_something).map(Counts::to_usage);
    Ok(answer.is_one().then_some(WholeAnswer { usage, error: None }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    candidates: List<IgnoredAny>,
    /// Stands alone where the prompt was blocked.
    #[serde(default)]
    prompt_feedback: Filled,
    #[serde(default)]
    usage_metadata: Lenient<Counts>,
    #[serde(default)]
    error: Filled,
    #[serde(default)]
    total_tokens: Count,
    #[serde(default)]
    embedding: Filled,
    #[serde(default)]
    embeddings: List<IgnoredAny>,
}

impl Answer {
    fn is_one(&self) -> bool {
        self.candidates.0.is_some()
            || self.prompt_feedback.0
            || self.total_tokens.0.is_some()
            || self.embedding.0
            || self.embeddings.0.is_some()
    }
}
