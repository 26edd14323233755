//! Whole answers: of `Converse` and `CountTokens`.

use posthaste_core::Dialect;
use serde::{Deserialize, de::IgnoredAny};

use super::{
    error,
    usage::{Counts, Tier},
};
use crate::{
    WholeAnswer,
    count::Count,
    lenient::{Lenient, Text, object},
    spoiled,
};

/// Reads an answer; `None` when the JSON is none of this dialect.
pub(crate) fn read(body: &[u8]) -> serde_json::Result<Option<WholeAnswer>> {
    let Some(answer) = object::<Answer<'_>>(body)? else { return Ok(None) };
    if answer.output.is_some() {
        let tier = answer.service_tier.0.unwrap_or_default();
        let in_part = answer.usage.0.as_ref().is_some_and(|counts| !counts.is_complete());
        let usage = answer.usage.0.map(|counts| {
            let mut usage = counts.to_usage();
            tier.put(&mut usage);
            usage
        });
        let reason = answer.stop_reason.0;
        let error = reason.and_then(|word| spoiled(Dialect::BedrockConverse, &word.0));
        return Ok(Some(WholeAnswer { usage, in_part, error }));
    }
    if answer.input_tokens.0.is_some() {
        return Ok(Some(WholeAnswer::default()));
    }
    Ok(error::read(body).map(|error| WholeAnswer { error: Some(error), ..WholeAnswer::default() }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    #[serde(default)]
    output: Option<IgnoredAny>,
    #[serde(borrow, default)]
    stop_reason: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    usage: Lenient<Counts<'a>>,
    #[serde(default)]
    service_tier: Lenient<Tier>,
    #[serde(default)]
    input_tokens: Count,
}
