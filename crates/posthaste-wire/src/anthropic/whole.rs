//! Whole answers: messages and token counts.

use std::borrow::Cow;

use posthaste_core::Usage;
use serde::Deserialize;

use super::{error, usage::Counts};
use crate::{
    WholeAnswer,
    count::Count,
    lenient::{Filled, Lenient},
};

/// Reads an answer; `None` when the JSON is none of this dialect.
pub(crate) fn read(body: &[u8]) -> serde_json::Result<Option<WholeAnswer>> {
    let answer: Answer<'_> = serde_json::from_slice(body)?;
    if answer.error.0 || answer.kind.0.as_deref() == Some("error") {
        return Ok(error::read(body).map(|error| WholeAnswer { usage: None, error: Some(error) }));
    }
    let is_message = answer.kind.0.as_deref() == Some("message");
    let is_token_count = answer.kind.0.is_none() && answer.input_tokens.0.is_some();
    let usage = answer.usage.0.map(|counts| {
        let mut usage = Usage::default();
        counts.merge_into(&mut usage);
        usage
    });
    Ok((is_message || is_token_count).then_some(WholeAnswer { usage, error: None }))
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Lenient<Cow<'a, str>>,
    #[serde(default)]
    usage: Lenient<Counts>,
    #[serde(default)]
    error: Filled,
    #[serde(default)]
    input_tokens: Count,
}
