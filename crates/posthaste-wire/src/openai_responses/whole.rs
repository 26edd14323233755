//! Whole answers: responses, their compactions and token counts.

use serde::{Deserialize, de::IgnoredAny};

use super::{
    error,
    usage::{Counts, ToolCounts},
};
use crate::{
    WholeAnswer,
    count::Count,
    lenient::{Filled, Lenient, List, Text, object},
    terms::TierWord,
};

/// Reads an answer; `None` when the JSON is none of this dialect. A failed answer may have cost something all the same.
pub(crate) fn read(body: &[u8]) -> serde_json::Result<Option<WholeAnswer>> {
    let Some(answer) = object::<Answer<'_>>(body)? else { return Ok(None) };
    let tools = answer.tool_usage.0.unwrap_or_default();
    let in_part = answer.usage.0.is_some_and(|counts| !counts.is_complete());
    let usage = answer.usage.0.map(|counts| {
        let mut usage = counts.to_usage(tools);
        answer.service_tier.put(&mut usage.terms.tier);
        usage
    });
    if let Some(error) = error::read(body).filter(|_| answer.output.0.is_none() || answer.error.0) {
        return Ok(Some(WholeAnswer { usage, in_part, error: Some(error) }));
    }
    let is = |name: &str| answer.object.0.as_ref().is_some_and(|object| object.0 == name);
    let is_token_count = is("response.input_tokens") && answer.input_tokens.0.is_some();
    let is_answer = is("response") || answer.output.0.is_some() || is_token_count;
    Ok(is_answer.then_some(WholeAnswer { usage, in_part, error: None }))
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    object: Lenient<Text<'a>>,
    #[serde(default)]
    output: List<IgnoredAny>,
    #[serde(default)]
    usage: Lenient<Counts>,
    #[serde(default)]
    tool_usage: Lenient<ToolCounts>,
    #[serde(default)]
    service_tier: TierWord,
    #[serde(default)]
    error: Filled,
    #[serde(default)]
    input_tokens: Count,
}
