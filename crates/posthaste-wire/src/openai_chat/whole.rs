//! Whole answers: chat completions.

use serde::Deserialize;

use super::{error, usage::Counts};
use crate::{
    WholeAnswer,
    lenient::{Filled, Lenient},
};

/// Reads an answer; `None` when the JSON is none of this dialect.
pub(crate) fn read(body: &[u8]) -> serde_json::Result<Option<WholeAnswer>> {
    let answer: Answer = serde_json::from_slice(body)?;
    if let Some(error) = error::read(body).filter(|_| answer.choices.0.is_none() || answer.error.0) {
        return Ok(Some(WholeAnswer { usage: None, error: Some(error) }));
    }
    let usage = answer.usage.0.map(Counts::to_usage);
    Ok(answer.choices.0.map(|_| WholeAnswer { usage, error: None }))
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    choices: Lenient<Vec<serde::de::IgnoredAny>>,
    #[serde(default)]
    usage: Lenient<Counts>,
    #[serde(default)]
    error: Filled,
}
