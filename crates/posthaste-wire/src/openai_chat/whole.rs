//! Whole answers: chat completions.

use serde::{Deserialize, de::IgnoredAny};

use super::{error, usage::Counts};
use crate::{
    WholeAnswer,
    lenient::{Filled, Lenient, List, object},
    terms::TierWord,
};

/// Reads an answer; `None` when the JSON is none of this dialect.
pub(crate) fn read(body: &[u8]) -> serde_json::Result<Option<WholeAnswer>> {
    let Some(answer) = object::<Answer>(body)? else { return Ok(None) };
    if let Some(error) = error::read(body).filter(|_| answer.choices.0.is_none() || answer.error.0) {
        return Ok(Some(WholeAnswer { error: Some(error), ..WholeAnswer::default() }));
    }
    let in_part = answer.usage.0.is_some_and(|counts| !counts.is_complete());
    let usage = answer.usage.0.map(|counts| {
        let mut usage = counts.to_usage();
        answer.service_tier.put(&mut usage.terms.tier);
        usage
    });
    Ok(answer.choices.0.map(|_| WholeAnswer { usage, in_part, error: None }))
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    choices: List<IgnoredAny>,
    #[serde(default)]
    usage: Lenient<Counts>,
    /// The tier that answered, which may be another than was asked for.
    #[serde(default)]
    service_tier: TierWord,
    #[serde(default)]
    error: Filled,
}
