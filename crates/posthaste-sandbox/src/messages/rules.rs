//! Rules over several fields. The messages are the vendor's, as quoted in public reports of them.

use super::{
    prompt,
    request::{Block, BlockKind, Message, Request, Role, Thinking, ToolChoice, ToolMode, Ttl},
};
use crate::{error::ApiError, seal};

/// Checks everything that a well-typed request may still do wrong.
pub(super) fn check(request: &Request<'_>) -> Result<(), ApiError> {
    check_content(request)?;
    check_tools(request)?;
    check_tool_choice(request)?;
    check_tool_turns(&request.messages)?;
    check_thinking(request)?;
    check_signatures(request)?;
    check_cache_marks(request)?;
    check_stop_sequences(request)
}

fn check_content(request: &Request<'_>) -> Result<(), ApiError> {
    let Some(last) = request.messages.len().checked_sub(1) else {
        return Err(ApiError::invalid("messages: at least one message is required"));
    };
    for (index, message) in request.messages.iter().enumerate() {
        if message.role == Role::System && index == 0 {
            return Err(ApiError::invalid(
                "messages: Unexpected role \"system\". The Messages API accepts a top-level `system` parameter, not \
                 \"system\" as an input message role.",
            ));
        }
        let optional = index == last && message.role == Role::Assistant;
        if message.content.is_empty() && !optional {
            return Err(ApiError::invalid(format!(
                "messages.{index}: all messages must have non-empty content except for the optional final assistant \
                 message"
            )));
        }
    }
    let empty = |block: &Block<'_>| matches!(block.kind, BlockKind::Text(""));
    if request.system.iter().any(empty) {
        return Err(ApiError::invalid("system: text content blocks must be non-empty"));
    }
    if request.blocks().any(empty) {
        return Err(ApiError::invalid("messages: text content blocks must be non-empty"));
    }
    check_prefill(&request.messages[last])
}

fn check_prefill(last: &Message<'_>) -> Result<(), ApiError> {
    let ends_blank = |block: &Block<'_>| matches!(block.kind, BlockKind::Text(text) if text.ends_with(char::is_whitespace));
    if last.role == Role::Assistant && last.content.last().is_some_and(ends_blank) {
        return Err(ApiError::invalid(
            "messages: final assistant content cannot end with trailing whitespace",
        ));
    }
    Ok(())
}

fn check_tools(request: &Request<'_>) -> Result<(), ApiError> {
    let mut names: Vec<_> = request.tools.iter().filter_map(|tool| tool.name).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(ApiError::invalid("tools: Tool names must be unique."));
    }
    let strict = request.tools.iter().filter(|tool| tool.strict).count();
    if strict > MAX_STRICT_TOOLS {
        return Err(ApiError::invalid(format!(
            "Too many strict tools ({strict}). The maximum number of strict tools supported is {MAX_STRICT_TOOLS}. \
             Try reducing the number of tools marked as strict."
        )));
    }
    Ok(())
}

fn check_tool_choice(request: &Request<'_>) -> Result<(), ApiError> {
    let Some(choice) = &request.tool_choice else { return Ok(()) };
    if request.tools.is_empty() && choice.is_forced() {
        return Err(ApiError::invalid(
            "tool_choice: tool_choice may only be specified while providing tools.",
        ));
    }
    if let ToolMode::Named(name) = choice.mode
        && !request.tools.iter().any(|tool| tool.name == Some(name))
    {
        return Err(ApiError::invalid(format!("tool_choice: Tool '{name}' not found in provided tools")));
    }
    Ok(())
}

/// Every call is answered in the next turn, and nothing else is.
fn check_tool_turns(messages: &[Message<'_>]) -> Result<(), ApiError> {
    let mut calls: Vec<&str> = Vec::new();
    let mut called_at = 0;
    let mut at = 0;
    while at < messages.len() {
        let role = messages[at].role;
        let end = at + messages[at..].iter().take_while(|message| message.role == role).count();
        match role {
            Role::User => {
                let unanswered = answer_calls(&messages[at..end], at, std::mem::take(&mut calls))?;
                refuse_unanswered(&unanswered, called_at)?;
            }
            Role::Assistant => {
                refuse_unanswered(&calls, called_at)?;
                calls = find_calls(&messages[at..end], at)?;
                called_at = end - 1;
            }
            Role::System => {}
        }
        at = end;
    }
    refuse_unanswered(&calls, called_at)
}

fn find_calls<'a>(turn: &[Message<'a>], first: usize) -> Result<Vec<&'a str>, ApiError> {
    let mut calls = Vec::new();
    for (index, message) in turn.iter().enumerate() {
        for block in &message.content {
            match block.kind {
                BlockKind::ToolUse { id } if calls.contains(&id) => {
                    return Err(ApiError::invalid("messages: `tool_use` ids must be unique"));
                }
                BlockKind::ToolUse { id } => calls.push(id),
                BlockKind::ToolResult { .. } => {
                    let at = first + index;
                    return Err(ApiError::invalid(format!(
                        "messages.{at}: `tool_result` blocks can only be in `user` messages"
                    )));
                }
                _ => {}
            }
        }
    }
    Ok(calls)
}

/// Takes the results of a turn off the calls before it and gives the calls that are left.
fn answer_calls<'a>(
    turn: &[Message<'a>],
    first: usize,
    mut calls: Vec<&'a str>,
) -> Result<Vec<&'a str>, ApiError> {
    for (index, message) in turn.iter().enumerate() {
        for (position, block) in message.content.iter().enumerate() {
            match block.kind {
                BlockKind::ToolResult { tool_use_id, .. } => {
                    let known = calls.iter().position(|call| *call == tool_use_id).ok_or_else(|| {
                        ApiError::invalid(format!(
                            "messages.{}.content.{position}: unexpected `tool_use_id` found in `tool_result` blocks: \
                             {tool_use_id}. Each `tool_result` block must have a corresponding `tool_use` block in \
                             the previous message.",
                            first + index
                        ))
                    })?;
                    calls.remove(known);
                }
                BlockKind::ToolUse { .. } => {
                    return Err(ApiError::invalid(format!(
                        "messages.{}: `tool_use` blocks can only be in `assistant` messages",
                        first + index
                    )));
                }
                _ => {}
            }
        }
    }
    Ok(calls)
}

fn refuse_unanswered(calls: &[&str], called_at: usize) -> Result<(), ApiError> {
    if calls.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "messages.{called_at}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each \
         `tool_use` block must have a corresponding `tool_result` block in the next message.",
        calls.join(", ")
    )))
}

fn check_thinking(request: &Request<'_>) -> Result<(), ApiError> {
    let Thinking::Enabled { budget, .. } = request.thinking else { return Ok(()) };
    if budget >= request.max_tokens {
        return Err(ApiError::invalid("`max_tokens` must be greater than `thinking.budget_tokens`"));
    }
    if request.tool_choice.as_ref().is_some_and(ToolChoice::is_forced) {
        return Err(ApiError::invalid("Thinking may not be enabled when tool_choice forces tool use."));
    }
    let last_answer = request.messages.iter().rposition(|message| message.role == Role::Assistant);
    let Some(index) = last_answer else { return Ok(()) };
    let content = &request.messages[index].content;
    let calls = content.iter().any(|block| matches!(block.kind, BlockKind::ToolUse { .. }));
    let thinks = content.first().is_some_and(|block| {
        matches!(block.kind, BlockKind::Thinking { .. } | BlockKind::RedactedThinking { .. })
    });
    if calls && !thinks {
        let found = content[0].raw.get("type").and_then(|kind| kind.as_str()).unwrap_or("text");
        return Err(ApiError::invalid(format!(
            "messages.{index}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{found}`. When \
             `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the \
             lastmost set of `tool_use` and `tool_result` blocks)."
        )));
    }
    Ok(())
}

fn check_signatures(request: &Request<'_>) -> Result<(), ApiError> {
    for (index, message) in request.messages.iter().enumerate() {
        for (position, block) in message.content.iter().enumerate() {
            let (genuine, field, kind) = match block.kind {
                BlockKind::Thinking { text, signature } => {
                    (seal::is_genuine(text, signature), "signature", "thinking")
                }
                BlockKind::RedactedThinking { data } => {
                    (seal::is_genuine_redaction(data), "data", "redacted_thinking")
                }
                _ => continue,
            };
            if !genuine {
                return Err(ApiError::invalid(format!(
                    "messages.{index}.content.{position}: Invalid `{field}` in `{kind}` block"
                )));
            }
        }
    }
    Ok(())
}

fn check_cache_marks(request: &Request<'_>) -> Result<(), ApiError> {
    let marks: Vec<_> = prompt::marks(request).collect();
    if marks.len() > MAX_CACHE_MARKS {
        return Err(ApiError::invalid(format!(
            "A maximum of {MAX_CACHE_MARKS} blocks with cache_control may be provided. Found {}.",
            marks.len()
        )));
    }
    if marks.windows(2).any(|pair| pair == [Ttl::FiveMinutes, Ttl::OneHour]) {
        return Err(ApiError::invalid(
            "cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. \
             Note that blocks are processed in the following order: `tools`, `system`, `messages`.",
        ));
    }
    Ok(())
}

fn check_stop_sequences(request: &Request<'_>) -> Result<(), ApiError> {
    if request.stop_sequences.iter().any(|sequence| sequence.trim().is_empty()) {
        return Err(ApiError::invalid("stop_sequences: each stop sequence must contain non-whitespace"));
    }
    Ok(())
}

const MAX_STRICT_TOOLS: usize = 20;
const MAX_CACHE_MARKS: usize = 4;
