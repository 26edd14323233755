//! Rules over several fields. The messages are the vendor's, as quoted in public reports of them.

use super::request::{Message, Part, Request, Role};
use crate::{
    brain::{Format, ToolMode},
    error::ApiError,
    openai::family,
};

/// Checks everything that a well-typed request may still do wrong.
pub(super) fn check(request: &Request<'_>) -> Result<(), ApiError> {
    check_messages(request)?;
    check_tools(request)?;
    check_streaming(request)?;
    check_format(request)?;
    check_thinking(request)?;
    if request.n > MAX_CHOICES {
        let message = format!(
            "Invalid 'n': integer above maximum value. Expected a value <= {MAX_CHOICES}, but got {} instead.",
            request.n
        );
        return Err(ApiError::invalid(message).about("n").coded("integer_above_max_value"));
    }
    Ok(())
}

fn check_messages(request: &Request<'_>) -> Result<(), ApiError> {
    if request.messages.is_empty() {
        let message = "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty \
                       array instead.";
        return Err(ApiError::invalid(message).about("messages").coded("empty_array"));
    }
    let text_only = request.model.starts_with("deepseek");
    for (index, message) in request.messages.iter().enumerate() {
        if text_only && message.content.iter().any(|part| !matches!(part, Part::Text(_))) {
            let message = format!(
                "Failed to deserialize the JSON body into the target type: messages[{index}]: unknown variant \
                 `image_url`, expected `text`"
            );
            return Err(ApiError::invalid(message).coded("invalid_request_error"));
        }
    }
    check_results(&request.messages)
}

/// Every call is answered before the next message of another role, and nothing else is.
fn check_results(messages: &[Message<'_>]) -> Result<(), ApiError> {
    let mut open: Vec<&str> = Vec::new();
    let mut called_at = "";
    // Whether results may stand here at all: behind calls, or behind other results of them.
    let mut called = false;
    for message in messages {
        if let Role::Tool(id) = message.role {
            if !called {
                let text = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message \
                            with 'tool_calls'.";
                return Err(ApiError::invalid(text).about(format!("{}.role", message.path)));
            }
            let Some(at) = open.iter().position(|open| *open == id) else {
                let text = format!(
                    "Invalid parameter: 'tool_call_id' of '{id}' not found in 'tool_calls' of previous message."
                );
                return Err(ApiError::invalid(text).about(format!("{}.tool_call_id", message.path)));
            };
            open.remove(at);
            continue;
        }
        refuse_unanswered(&open, called_at)?;
        called = false;
        if let Role::Assistant { calls, .. } = &message.role {
            open = calls.iter().map(|call| call.id).collect();
            called = !open.is_empty();
            called_at = &message.path;
        }
    }
    refuse_unanswered(&open, called_at)
}

fn refuse_unanswered(open: &[&str], called_at: &str) -> Result<(), ApiError> {
    if open.is_empty() {
        return Ok(());
    }
    let message = format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. \
         The following tool_call_ids did not have response messages: {}",
        open.join(", ")
    );
    Err(ApiError::invalid(message).about(called_at))
}

fn check_tools(request: &Request<'_>) -> Result<(), ApiError> {
    if request.parallel.is_some() && request.tools.is_empty() {
        let message = "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' \
                       are specified.";
        return Err(ApiError::invalid(message).about("parallel_tool_calls"));
    }
    Ok(())
}

fn check_streaming(request: &Request<'_>) -> Result<(), ApiError> {
    if request.include_usage.is_some() && !request.stream {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(ApiError::invalid(message).about("stream_options"));
    }
    Ok(())
}

fn check_format(request: &Request<'_>) -> Result<(), ApiError> {
    let mentions_json =
        |part: &Part<'_>| matches!(part, Part::Text(text) if text.to_ascii_lowercase().contains("json"));
    let mut parts = request.messages.iter().flat_map(|message| &message.content);
    if matches!(request.format, Some(Format::AnyJson)) && !parts.any(mentions_json) {
        let message = "'messages' must contain the word 'json' in some form, to use 'response_format' of type \
                       'json_object'.";
        return Err(ApiError::invalid(message).about("messages"));
    }
    Ok(())
}

fn check_thinking(request: &Request<'_>) -> Result<(), ApiError> {
    let unsupported = |param: &str, message: String| {
        Err(ApiError::invalid(message).about(param).coded("unsupported_parameter"))
    };
    if request.effort.is_some() && !family::may_think(request.model) {
        return unsupported(
            "reasoning_effort",
            "Unrecognized request argument supplied: reasoning_effort".to_owned(),
        );
    }
    if family::is_openai_thinker(request.model) {
        if request.old_max_tokens {
            return unsupported(
                "max_tokens",
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' \
                 instead."
                    .to_owned(),
            );
        }
        if request.thinks {
            check_sampling(request)?;
        }
    }
    if !family::is_reasoner(request.model) || !request.thinks {
        return Ok(());
    }
    if matches!(request.tool_choice, Some(ToolMode::Any | ToolMode::Named(_))) {
        let message = "Thinking mode does not support this tool_choice";
        return Err(ApiError::invalid(message).coded("invalid_request_error"));
    }
    check_thoughts(&request.messages)
}

/// A model that thinks samples in its own way.
fn check_sampling(request: &Request<'_>) -> Result<(), ApiError> {
    let default = |name: &str| if name.ends_with("_penalty") { 0.0 } else { 1.0 };
    let changed = request.sampling.iter().find(|(name, value)| (value - default(name)).abs() > f64::EPSILON);
    if let Some((name, value)) = changed {
        let message = format!(
            "Unsupported value: '{name}' does not support {value} with this model. Only the default ({}) value is \
             supported.",
            default(name)
        );
        return Err(ApiError::invalid(message).about(*name).coded("unsupported_value"));
    }
    if request.logprobs {
        let message = "Unsupported parameter: 'logprobs' is not supported with this model.";
        return Err(ApiError::invalid(message).about("logprobs").coded("unsupported_parameter"));
    }
    Ok(())
}

/// The thoughts behind a call must come back with it.
fn check_thoughts(messages: &[Message<'_>]) -> Result<(), ApiError> {
    let forgotten = messages.iter().any(|message| match &message.role {
        Role::Assistant { calls, thoughts } => {
            !calls.is_empty() && thoughts.is_none_or(|thoughts| thoughts.is_empty())
        }
        _ => false,
    });
    if forgotten {
        let message = "The reasoning_content in the thinking mode must be passed back to the API.";
        return Err(ApiError::invalid(message).coded("invalid_request_error"));
    }
    Ok(())
}

const MAX_CHOICES: u64 = 128;
