//! Rules over several fields. The messages are the vendor's, as quoted in public reports of them.

use super::{
    output,
    request::{Item, Request, Role},
};
use crate::{answer::Asked, brain::Format, error::ApiError, openai::family, seal};

/// Checks everything that a well-typed request may still do wrong.
pub(super) fn check(request: &Request<'_>, asked: &Asked<'_>) -> Result<(), ApiError> {
    check_calls(&request.items)?;
    check_reasoning_items(&request.items)?;
    check_sealed(&request.items, asked.scope)?;
    check_format(request)?;
    check_thinking(request)
}

/// Every call has its output behind it, and every output its call before it.
fn check_calls(items: &[Item<'_>]) -> Result<(), ApiError> {
    let mut open: Vec<&str> = Vec::new();
    for item in items {
        match item {
            Item::Call { call, .. } => open.push(call),
            Item::Output { call, .. } => {
                let Some(at) = open.iter().position(|open| open == call) else {
                    let message = format!("No tool call found for function call output with call_id {call}.");
                    return Err(ApiError::invalid(message).about("input"));
                };
                open.remove(at);
            }
            _ => {}
        }
    }
    match open.first() {
        None => Ok(()),
        Some(call) => {
            let message = format!("No tool output found for function call {call}.");
            Err(ApiError::invalid(message).about("input"))
        }
    }
}

/// A thought and what it led to come back together or not at all.
fn check_reasoning_items(items: &[Item<'_>]) -> Result<(), ApiError> {
    for (index, item) in items.iter().enumerate() {
        let (id, kind) = match item {
            Item::Reasoning { id, .. } => {
                check_followed(*id, items.get(index + 1))?;
                continue;
            }
            Item::Message { id: Some(id), .. } => (*id, "message"),
            Item::Call { id: Some(id), .. } => (*id, "function_call"),
            _ => continue,
        };
        let Some(thought) = output::thought_before(id) else { continue };
        let before = items[..index].iter().rev().find(|item| !is_made_by_model(item));
        if !matches!(before, Some(Item::Reasoning { .. })) {
            let message = format!(
                "Item '{id}' of type '{kind}' was provided without its required 'reasoning' item: '{thought}'."
            );
            return Err(ApiError::invalid(message).about("input"));
        }
    }
    Ok(())
}

fn check_followed(id: Option<&str>, next: Option<&Item<'_>>) -> Result<(), ApiError> {
    let led = next.is_some_and(|next| {
        is_made_by_model(next) || matches!(next, Item::Reasoning { .. } | Item::Other(_))
    });
    if led {
        return Ok(());
    }
    let id = id.unwrap_or_default();
    let message =
        format!("Item '{id}' of type 'reasoning' was provided without its required following item.");
    Err(ApiError::invalid(message).about("input"))
}

const fn is_made_by_model(item: &Item<'_>) -> bool {
    matches!(item, Item::Call { .. } | Item::Message { role: Role::Assistant, .. })
}

/// What was encrypted comes from here, for this account, and unchanged.
fn check_sealed(items: &[Item<'_>], scope: &[u8]) -> Result<(), ApiError> {
    for item in items {
        let (id, path, purpose, encrypted) = match item {
            Item::Reasoning { id, encrypted: Some(encrypted), path } => {
                (id.unwrap_or_default(), path, output::REASONING, encrypted)
            }
            Item::Compaction { encrypted, path } => ("", path, output::COMPACTION, encrypted),
            _ => continue,
        };
        if seal::unstamp(purpose, scope, encrypted).is_none() {
            let message = format!(
                "The encrypted content for item {id} could not be verified. Reason: Encrypted content could not be \
                 decrypted or parsed."
            );
            let error = ApiError::invalid(message).about(format!("{path}.encrypted_content"));
            return Err(error.coded("invalid_encrypted_content"));
        }
    }
    Ok(())
}

fn check_format(request: &Request<'_>) -> Result<(), ApiError> {
    if !matches!(request.format, Some(Format::AnyJson)) {
        return Ok(());
    }
    let mentions = |text: &str| text.to_ascii_lowercase().contains("json");
    let input = request.body.get("input").map(ToString::to_string);
    if mentions(&input.unwrap_or_default()) || mentions(request.instructions.unwrap_or_default()) {
        return Ok(());
    }
    let message = "Response input messages must contain the word 'json' in some form to use 'text.format' of type \
                   'json_object'.";
    Err(ApiError::invalid(message).about("input"))
}

fn check_thinking(request: &Request<'_>) -> Result<(), ApiError> {
    let unsupported = |param: &str| {
        let message = format!("Unsupported parameter: '{param}' is not supported with this model.");
        Err(ApiError::invalid(message).about(param).coded("unsupported_parameter"))
    };
    if request.effort.is_some() && !family::may_think(request.model) {
        return unsupported("reasoning.effort");
    }
    if !(request.thinks && family::is_openai_thinker(request.model)) {
        return Ok(());
    }
    if request.temperature.is_some() {
        return unsupported("temperature");
    }
    if request.top_p.is_some() {
        return unsupported("top_p");
    }
    Ok(())
}
