//! Rules over several fields. The messages are the vendor's, as quoted in public reports of them.

use super::{
    models,
    request::{Content, Data, Request, Role},
    signature,
};
use crate::error::ApiError;

/// Checks everything that a well-typed request may still do wrong.
pub(super) fn check(request: &Request<'_>) -> Result<(), ApiError> {
    check_turns(&request.contents)?;
    check_signatures(request)?;
    check_config(request)
}

/// Calls are answered in the next turn, all of them, and nothing else is.
fn check_turns(contents: &[Content<'_>]) -> Result<(), ApiError> {
    let count = |content: &Content<'_>, of: fn(&Data<'_>) -> bool| {
        content.parts.iter().filter(|part| of(&part.data)).count()
    };
    let calls = |content: &Content<'_>| count(content, |data| matches!(data, Data::Call { .. }));
    let responses = |content: &Content<'_>| count(content, |data| matches!(data, Data::Response { .. }));
    for (index, content) in contents.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| &contents[before]);
        let answered = responses(content);
        if answered > 0 && before.is_none_or(|before| calls(before) == 0) {
            return Err(ApiError::invalid(
                "Please ensure that function response turn comes immediately after a function call turn.",
            ));
        }
        let called = calls(content);
        if called == 0 {
            continue;
        }
        if !before.is_some_and(|before| before.role == Role::User) {
            return Err(ApiError::invalid(
                "Please ensure that function call turn comes immediately after a user turn or after a function \
                 response turn.",
            ));
        }
        if contents.get(index + 1).is_none_or(|next| responses(next) != called) {
            return Err(ApiError::invalid(
                "Please ensure that the number of function response parts is equal to the number of function call \
                 parts of the function call turn.",
            ));
        }
    }
    Ok(())
}

fn check_signatures(request: &Request<'_>) -> Result<(), ApiError> {
    let parts = request.contents.iter().flat_map(|content| &content.parts);
    for part in parts {
        let Some(signature) = part.signature else { continue };
        let fits = match &part.data {
            Data::Call { name, args, .. } => signature::fits_call(name, args, signature),
            _ => signature::fits_text(signature),
        };
        if !fits {
            return Err(ApiError::invalid("Corrupted thought signature."));
        }
    }
    if models::signs(request.model) { check_signed(&request.contents) } else { Ok(()) }
}

/// In the turn that is going on, the first call of each step is signed. Older turns are not looked at.
fn check_signed(contents: &[Content<'_>]) -> Result<(), ApiError> {
    let begins = |content: &Content<'_>| {
        content.role == Role::User
            && content.parts.iter().any(|part| !matches!(part.data, Data::Response { .. }))
    };
    let start = contents.iter().rposition(begins).unwrap_or(0);
    for (index, content) in contents.iter().enumerate().skip(start) {
        let mut calls = content.parts.iter().filter_map(|part| match part.data {
            Data::Call { name, .. } => Some((name, part.signature)),
            _ => None,
        });
        if let Some((name, None)) = calls.next() {
            return Err(ApiError::invalid(format!(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to \
                 work correctly, and missing thought_signature may lead to degraded model performance. Additional \
                 data, function call `default_api:{name}` , position {}. Please refer to \
                 https://ai.google.dev/gemini-api/docs/thought-signatures for more details.",
                index + 1
            )));
        }
    }
    Ok(())
}

fn check_config(request: &Request<'_>) -> Result<(), ApiError> {
    let config = &request.config;
    if config.stops.len() > MAX_STOPS {
        return Err(ApiError::invalid(format!(
            "* GenerateContentRequest.generation_config.stop_sequences: at most {MAX_STOPS} stop sequences may be set\n"
        )));
    }
    if config.answers() > MAX_CANDIDATES {
        return Err(ApiError::invalid(format!(
            "The value of candidate_count parameter is {} but should be in the range [1, {MAX_CANDIDATES}]",
            config.answers()
        )));
    }
    if config.schema.is_some() && !config.is_json {
        return Err(ApiError::invalid("Response schema requires a response mime type of application/json."));
    }
    let older = !models::signs(request.model) && request.model.starts_with("gemini-");
    if older && config.is_json && !request.tools.functions.is_empty() {
        return Err(ApiError::invalid(
            "Function calling with a response mime type: 'application/json' is unsupported",
        ));
    }
    let Some(thinking) = config.thinking else { return Ok(()) };
    if thinking.budget.is_some() && thinking.level.is_some() {
        return Err(ApiError::invalid("You can only set one of thinking budget and thinking level."));
    }
    if older && thinking.level.is_some() {
        return Err(ApiError::invalid("Thinking level is not supported for this model."));
    }
    Ok(())
}

const MAX_STOPS: usize = 5;
const MAX_CANDIDATES: u64 = 8;
