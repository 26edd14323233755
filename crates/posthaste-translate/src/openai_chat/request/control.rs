//! How hard to think, in a vendor's controls, and what those forbid.

use serde::Serialize;

use crate::{
    ir::{
        Content, Effort, Message, OutputFormat, Part, Reasoning, ReasoningDisplay, ReasoningMode, Request,
        Role, ToolChoice,
    },
    loss::Losses,
    openai_chat::{
        request::reasoning::VENDOR_FIELDS,
        variant::{Control, Thoughts, Variant},
    },
};

/// The fields that ask for thinking; a vendor takes one or two of them.
#[derive(Default, Serialize)]
pub(super) struct ControlsOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_thinking: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<TypeOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<ReasoningOut>,
}

#[derive(Serialize)]
struct TypeOut {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Default, Serialize)]
struct ReasoningOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclude: Option<bool>,
}

/// The controls of a request that was read from this dialect: its own word, unless a vendor's field among the extras says
/// the same.
pub(super) fn own_controls(request: &Request) -> ControlsOut {
    let is_vendors = |field: &str| VENDOR_FIELDS.contains(&field);
    let Some(reasoning) = &request.reasoning else { return ControlsOut::default() };
    if request.extra.iter().any(|extra| is_vendors(&extra.field)) {
        return ControlsOut::default();
    }
    let off = reasoning.mode == Some(ReasoningMode::Off);
    let reasoning_effort = if off { Some("none") } else { reasoning.effort.map(Effort::as_str) };
    ControlsOut { reasoning_effort, ..ControlsOut::default() }
}

/// The controls of a request of another dialect.
pub(super) fn controls(request: &Request, variant: &Variant, losses: &mut Losses) -> ControlsOut {
    let mut wish = request.reasoning.clone().unwrap_or_default();
    if let Some(ReasoningMode::Other(_)) = wish.mode {
        wish.mode = None;
        losses.dropped("thinking");
    }
    if let Some(why) = forbidden(request, variant) {
        if wish.mode != Some(ReasoningMode::Off) {
            losses.degraded("thinking", why);
        }
        wish = Reasoning { mode: Some(ReasoningMode::Off), ..Reasoning::default() };
    }
    let hides = wish.display == Some(ReasoningDisplay::Omitted);
    losses.dropped_if(wish.display.is_some() && variant.thinking != Control::Reasoning, "thinking.display");
    match variant.thinking {
        Control::Effort => {
            ControlsOut { reasoning_effort: effort_word(&wish, losses), ..ControlsOut::default() }
        }
        Control::Nothing => {
            losses.dropped_if(wish.mode.is_some() || wish.effort.is_some(), "thinking");
            ControlsOut::default()
        }
        Control::EnableThinking => enable_thinking(&wish, losses),
        Control::Thinking { enabled, effort } => thinking_type(&wish, enabled, effort, losses),
        Control::Reasoning => {
            let reasoning = reasoning_object(&wish, hides);
            ControlsOut { reasoning, ..ControlsOut::default() }
        }
    }
}

fn effort_word(wish: &Reasoning, losses: &mut Losses) -> Option<&'static str> {
    match (&wish.mode, wish.effort) {
        (Some(ReasoningMode::Off), _) => Some("none"),
        (_, Some(effort)) => Some(effort.as_str()),
        (Some(ReasoningMode::Budget(budget)), None) => {
            losses.degraded("thinking.budget_tokens", "carried as the nearest effort");
            Some(Effort::nearest(*budget).as_str())
        }
        // The model decides, which is what saying nothing means.
        (Some(ReasoningMode::Adaptive | ReasoningMode::Other(_)) | None, None) => None,
    }
}

fn enable_thinking(wish: &Reasoning, losses: &mut Losses) -> ControlsOut {
    let (enable_thinking, thinking_budget) = match (&wish.mode, wish.effort) {
        (Some(ReasoningMode::Off), _) => (Some(false), None),
        (Some(ReasoningMode::Budget(budget)), _) => (Some(true), Some(*budget)),
        (_, Some(effort)) => {
            losses.degraded("thinking.effort", "carried as a budget");
            (Some(true), Some(effort.budget()))
        }
        (Some(ReasoningMode::Adaptive | ReasoningMode::Other(_)), None) => (Some(true), None),
        (None, None) => (None, None),
    };
    ControlsOut { enable_thinking, thinking_budget, ..ControlsOut::default() }
}

fn thinking_type(wish: &Reasoning, enabled: bool, effort: bool, losses: &mut Losses) -> ControlsOut {
    if wish.mode == Some(ReasoningMode::Off) {
        return ControlsOut { thinking: Some(TypeOut { kind: "disabled" }), ..ControlsOut::default() };
    }
    let asked = wish.mode.is_some() || wish.effort.is_some();
    let reasoning_effort = if effort { effort_word(wish, losses) } else { None };
    let measured = wish.effort.is_some() || matches!(wish.mode, Some(ReasoningMode::Budget(_)));
    if measured && !effort {
        losses.degraded("thinking", "on, and how much is left to the model");
    }
    let thinking = (asked && enabled).then_some(TypeOut { kind: "enabled" });
    ControlsOut { reasoning_effort, thinking, ..ControlsOut::default() }
}

fn reasoning_object(wish: &Reasoning, hides: bool) -> Option<ReasoningOut> {
    let exclude = hides.then_some(true);
    match (&wish.mode, wish.effort) {
        (Some(ReasoningMode::Off), _) => {
            Some(ReasoningOut { enabled: Some(false), ..ReasoningOut::default() })
        }
        (Some(ReasoningMode::Budget(budget)), _) => {
            Some(ReasoningOut { max_tokens: Some(*budget), exclude, ..ReasoningOut::default() })
        }
        (_, Some(effort)) => {
            Some(ReasoningOut { effort: Some(effort.as_str()), exclude, ..ReasoningOut::default() })
        }
        (Some(ReasoningMode::Adaptive | ReasoningMode::Other(_)), None) => {
            Some(ReasoningOut { enabled: Some(true), exclude, ..ReasoningOut::default() })
        }
        (None, None) => None,
    }
}

/// Why the model must not think, where the vendor would refuse the request: most of these models think unless told not to.
fn forbidden(request: &Request, variant: &Variant) -> Option<&'static str> {
    let wants_json = matches!(request.output, Some(OutputFormat::JsonObject | OutputFormat::JsonSchema(_)));
    if variant.forced_tool_stops_thinking && forces_tool(request) {
        Some("off, since a tool is forced")
    } else if variant.thoughts == Thoughts::Required && request.messages.iter().any(calls_without_thoughts) {
        Some("off, since a turn that called a tool has no thoughts")
    } else if variant.json_stops_thinking && wants_json {
        Some("off, since the answer must be JSON")
    } else if variant.thinking == Control::EnableThinking
        && !request.stream
        && thinks_in_streams_only(&request.model)
    {
        Some("off, since the model thinks in streams only")
    } else {
        None
    }
}

/// Whether the request makes the model call a tool.
pub(super) fn forces_tool(request: &Request) -> bool {
    let forced = matches!(
        request.tool_choice,
        Some(ToolChoice::Any | ToolChoice::Tool(_) | ToolChoice::Allowed { required: true, .. })
    );
    forced && !request.tools.is_empty()
}

fn calls_without_thoughts(message: &Message) -> bool {
    let calls = |part: &Part| matches!(part.content, Content::ToolCall(_));
    let thinks =
        |part: &Part| matches!(&part.content, Content::Thinking(thinking) if !thinking.text.is_empty());
    message.role == Role::Assistant && message.parts.iter().any(calls) && !message.parts.iter().any(thinks)
}

/// Qwen's open models think by default and refuse to do so outside streams
/// (`parameter.enable_thinking must be set to false for non-streaming calls`). Their names tell their size, as in
/// `qwen3-32b` and `qwen3-235b-a22b`; those made for one way of thinking say so at the end.
fn thinks_in_streams_only(model: &str) -> bool {
    let Some(rest) = model.rsplit('/').next().and_then(|name| name.strip_prefix("qwen3-")) else {
        return false;
    };
    let is_size = |word: &str| {
        word.strip_suffix('b').is_some_and(|digits| {
            !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
        })
    };
    let mut words = rest.split('-');
    words.next().is_some_and(is_size) && !rest.contains("thinking") && !rest.contains("instruct")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_models_are_told_by_their_size() {
        for model in ["qwen3-32b", "qwen3-235b-a22b", "qwen3-0.6b"] {
            assert!(thinks_in_streams_only(model), "{model}");
        }
        for model in
            ["qwen3-max", "qwen-plus", "qwen3-235b-a22b-thinking-2507", "qwen3-coder-plus", "qwen3-b"]
        {
            assert!(!thinks_in_streams_only(model), "{model}");
        }
    }
}
