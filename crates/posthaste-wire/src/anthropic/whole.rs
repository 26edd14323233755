//! Whole answers: messages and token counts.

use posthaste_core::Usage;
use serde::Deserialize;

use super::{error, usage::Counts};
use crate::{
    WholeAnswer,
    count::Count,
    lenient::{Filled, Lenient, Text, object},
};

/// Reads an answer; `None` when the JSON is none of this dialect.
pub(crate) fn read(body: &[u8]) -> serde_json::Result<Option<WholeAnswer>> {
    let Some(answer) = object::<Answer<'_>>(body)? else { return Ok(None) };
    let kind = answer.kind.0.as_ref().map(|kind| &*kind.0);
    if answer.error.0 || kind == Some("error") {
        return Ok(
            error::read(body).map(|error| WholeAnswer { error: Some(error), ..WholeAnswer::default() })
        );
    }
    let is_message = kind == Some("message");
    let is_token_count = kind.is_none() && answer.input_tokens.0.is_some();
    let in_part = answer.usage.0.is_some_and(|counts| !counts.is_complete());
    let usage = answer.usage.0.map(|counts| {
        let mut usage = Usage::default();
        counts.merge_into(&mut usage);
        usage
    });
    Ok((is_message || is_token_count).then_some(WholeAnswer { usage, in_part, error: None }))
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Lenient<Text<'a>>,
    #[serde(default)]
    usage: Lenient<Counts>,
    #[serde(default)]
    error: Filled,
    #[serde(default)]
    input_tokens: Count,
}
