//! Whole answers: generated content, token counts and embeddings.

use posthaste_core::Dialect;
use serde::{Deserialize, de::IgnoredAny};

use super::{error, usage::Counts};
use crate::{
    UpstreamError, WholeAnswer,
    count::Count,
    lenient::{Filled, Lenient, List, Text, object},
    spoiled,
};

/// Reads an answer; `None` when the JSON is none of this dialect.
pub(crate) fn read(body: &[u8]) -> serde_json::Result<Option<WholeAnswer>> {
    let Some(answer) = object::<Answer<'_>>(body)? else {
        return Ok(
            error::read(body).map(|error| WholeAnswer { error: Some(error), ..WholeAnswer::default() })
        );
    };
    if answer.error.0 {
        return Ok(
            error::read(body).map(|error| WholeAnswer { error: Some(error), ..WholeAnswer::default() })
        );
    }
    let usage = answer.usage_metadata.0.filter(Counts::tells_something).map(Counts::to_usage);
    // Every prompt has tokens; an answer that was blocked has none.
    let in_part = usage.is_some_and(|usage| usage.prompt() == 0);
    Ok(answer.is_one().then(|| WholeAnswer { usage, in_part, error: answer.spoiled() }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    #[serde(borrow, default)]
    candidates: List<Candidate<'a>>,
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(borrow, default)]
    finish_reason: Lenient<Text<'a>>,
}

impl Answer<'_> {
    /// The failure, where no candidate is of use.
    fn spoiled(&self) -> Option<UpstreamError> {
        let candidates = self.candidates.0.as_deref()?;
        let mut spoilt = candidates.iter().map(|candidate| {
            let reason = candidate.finish_reason.0.as_ref()?;
            spoiled(Dialect::GeminiGenerate, &reason.0)
        });
        let first = spoilt.next()?;
        first.filter(|_| spoilt.all(|other| other.is_some()))
    }

    fn is_one(&self) -> bool {
        self.candidates.0.is_some()
            || self.prompt_feedback.0
            || self.total_tokens.0.is_some()
            || self.embedding.0
            || self.embeddings.0.is_some()
    }
}
