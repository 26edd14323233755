//! Rules over several fields: first the service's own, then those of the model behind it, which the service passes on.

use super::request::{Block, Data, Marked, Message, Request, Thinking};
use crate::{
    brain::{Role, ToolMode},
    error::ApiError,
    seal,
};

/// Checks everything that a well-typed request may still do wrong.
pub(super) fn check(request: &Request<'_>) -> Result<(), ApiError> {
    check_turns(&request.messages)?;
    check_content(request)?;
    check_tools(request)?;
    check_results(&request.messages)?;
    check_marks(request)?;
    check_thinking(request)?;
    check_signatures(&request.messages)
}

fn check_turns(messages: &[Message<'_>]) -> Result<(), ApiError> {
    let turns: Vec<_> =
        messages.iter().map(|message| message.role).filter(|role| *role != Role::System).collect();
    if turns.first() != Some(&Role::User) {
        return Err(ApiError::invalid(
            "A conversation must start with a user message. Try again with a conversation that starts with a user \
             message.",
        ));
    }
    if turns.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(ApiError::invalid(
            "A conversation must alternate between user and assistant roles. Make sure the conversation alternates \
             between user and assistant roles and try again.",
        ));
    }
    Ok(())
}

fn check_content(request: &Request<'_>) -> Result<(), ApiError> {
    for (index, message) in request.messages.iter().enumerate() {
        if message.content.is_empty() {
            return Err(ApiError::invalid(format!(
                "The content field in the Message object at messages.{index} is empty. Add a ContentBlock object to the \
                 content field and try again."
            )));
        }
        let blocks = || message.content.iter().filter_map(Marked::item);
        let blank = |block: &Block<'_>| matches!(block.data, Data::Text(text) if text.trim().is_empty());
        if let Some(position) = blocks().position(blank) {
            return Err(ApiError::invalid(format!(
                "The text field in the ContentBlock object at messages.{index}.content.{position} is blank. Add text \
                 to the text field, and try again."
            )));
        }
        let has = |wanted: fn(&Data<'_>) -> bool| blocks().any(|block| wanted(&block.data));
        if has(|data| matches!(data, Data::Document(_))) && !has(|data| matches!(data, Data::Text(_))) {
            return Err(ApiError::invalid(
                "The model returned the following errors: A text block is required when a document is provided. Add a \
                 text block and try again.",
            ));
        }
    }
    Ok(())
}

fn check_tools(request: &Request<'_>) -> Result<(), ApiError> {
    let Some(tools) = &request.tools else {
        let used = |block: &Block<'_>| matches!(block.data, Data::ToolUse { .. } | Data::ToolResult { .. });
        if request.blocks().any(used) {
            return Err(ApiError::invalid(
                "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
            ));
        }
        return Ok(());
    };
    let mut names: Vec<_> = tools.declared().map(|tool| tool.tool.name).collect();
    if let ToolMode::Named(name) = tools.choice.mode
        && !names.contains(&name)
    {
        return Err(ApiError::invalid(format!(
            "The model returned the following errors: tool_choice: Tool '{name}' not found in provided tools"
        )));
    }
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(ApiError::invalid(format!(
            "The toolConfig.tools field contains duplicate tool names: {}. Make sure that each tool has its own name.",
            pair[0]
        )));
    }
    Ok(())
}

/// Every call is answered in the next turn, and nothing else is.
fn check_results(messages: &[Message<'_>]) -> Result<(), ApiError> {
    let ids = |message: &Message<'_>, of: for<'b> fn(&'b Data<'_>) -> Option<&'b str>| {
        let blocks = message.content.iter().filter_map(Marked::item);
        blocks.filter_map(|block| of(&block.data).map(str::to_owned)).collect::<Vec<_>>()
    };
    let mut open: Vec<String> = Vec::new();
    let turns = messages.iter().enumerate().filter(|(_, message)| message.role != Role::System);
    for (index, message) in turns {
        let results = ids(message, |data| match data {
            Data::ToolResult { id, .. } => Some(id),
            _ => None,
        });
        if results.iter().any(|id| !open.contains(id)) || results.len() > open.len() {
            return Err(ApiError::invalid(format!(
                "The number of toolResult blocks at messages.{index}.content exceeds the number of toolUse blocks of \
                 previous turn."
            )));
        }
        open.retain(|id| !results.contains(id));
        if !open.is_empty() {
            return Err(expected_results(index, &open));
        }
        open = ids(message, |data| match data {
            Data::ToolUse { id, .. } => Some(id),
            _ => None,
        });
    }
    if open.is_empty() { Ok(()) } else { Err(expected_results(messages.len(), &open)) }
}

fn expected_results(index: usize, open: &[String]) -> ApiError {
    ApiError::invalid(format!(
        "Expected toolResult blocks at messages.{index}.content for the following Ids: {}",
        open.join(", ")
    ))
}

fn check_marks(request: &Request<'_>) -> Result<(), ApiError> {
    let marks = request.marks().count();
    if marks > MAX_MARKS {
        return Err(ApiError::invalid(format!(
            "The model returned the following errors: A maximum of {MAX_MARKS} blocks with cache_control may be \
             provided. Found {marks}."
        )));
    }
    Ok(())
}

fn check_thinking(request: &Request<'_>) -> Result<(), ApiError> {
    let model =
        |message: &str| Err(ApiError::invalid(format!("The model returned the following errors: {message}")));
    let Thinking::Enabled { budget, .. } = request.thinking else { return Ok(()) };
    if request.max_tokens.is_some_and(|most| budget >= most) {
        return model("`max_tokens` must be greater than `thinking.budget_tokens`");
    }
    if request.tools.as_ref().is_some_and(|tools| tools.choice.is_forced()) {
        return model("Thinking may not be enabled when tool_choice forces tool use.");
    }
    let last = request.messages.iter().rposition(|message| message.role == Role::Assistant);
    let Some(index) = last else { return Ok(()) };
    let mut blocks = request.messages[index].content.iter().filter_map(Marked::item);
    let calls = blocks.clone().any(|block| matches!(block.data, Data::ToolUse { .. }));
    let thinks =
        blocks.next().is_some_and(|first| matches!(first.data, Data::Reasoning { .. } | Data::Redacted(_)));
    if calls && !thinks {
        return model(&format!(
            "messages.{index}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`. When \
             `thinking` is enabled, a final `assistant` message must start with a thinking block."
        ));
    }
    Ok(())
}

fn check_signatures(messages: &[Message<'_>]) -> Result<(), ApiError> {
    for (index, message) in messages.iter().enumerate() {
        for (position, block) in message.content.iter().filter_map(Marked::item).enumerate() {
            let (genuine, what) = match &block.data {
                Data::Reasoning { text, signature } => {
                    (seal::is_genuine(text, signature), "Invalid `signature` in `thinking` block")
                }
                Data::Redacted(data) => {
                    (seal::is_genuine_redaction(data), "Invalid `data` in `redacted_thinking` block")
                }
                _ => continue,
            };
            if !genuine {
                return Err(ApiError::invalid(format!(
                    "The model returned the following errors: messages.{index}.content.{position}: {what}"
                )));
            }
        }
    }
    Ok(())
}

const MAX_MARKS: usize = 4;
