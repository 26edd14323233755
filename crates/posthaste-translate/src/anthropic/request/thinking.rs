//! How hard to think, in Anthropic's controls, and what those forbid.

use serde::Serialize;
use serde_json::Number;

use super::{cap::default_cap, write::Purpose};
use crate::{
    ir::{Content, Effort, Message, Reasoning, ReasoningDisplay, ReasoningMode, Request, Role, ToolChoice},
    loss::Losses,
    policy::reasoning_field,
};

/// Anthropic's least thinking budget.
const LEAST_BUDGET: u64 = 1_024;

/// The controls that hang together: thinking, the cap above its budget, and sampling, which thinking restricts.
pub(crate) struct Controls<'a> {
    pub(crate) thinking: Option<ThinkingOut<'a>>,
    pub(crate) effort: Option<&'static str>,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) temperature: Option<Number>,
    pub(crate) top_p: Option<&'a Number>,
    pub(crate) top_k: Option<u64>,
}

/// `thinking`, as it is written.
#[derive(Clone, Copy, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ThinkingOut<'a> {
    Disabled,
    Adaptive {
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'a str>,
    },
    Enabled {
        budget_tokens: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'a str>,
    },
    #[serde(untagged)]
    Other {
        #[serde(rename = "type")]
        kind: &'a str,
    },
}

/// The controls for a request; `own` ones, that were read for Claude, stay as they are.
pub(crate) fn controls<'a>(
    request: &'a Request,
    own: bool,
    purpose: Purpose,
    losses: &mut Losses,
) -> Controls<'a> {
    let mut controls = Controls {
        thinking: request.reasoning.as_ref().and_then(|reasoning| thinking(reasoning, own)),
        effort: request.reasoning.as_ref().and_then(|reasoning| reasoning.effort).map(Effort::as_str),
        max_tokens: (purpose == Purpose::Answer).then(|| cap(request, losses)),
        temperature: request.sampling.temperature.clone(),
        top_p: request.sampling.top_p.as_ref(),
        top_k: request.sampling.top_k,
    };
    if !own {
        // Effort is a budget there, since models that know the word are not told from those that do not; who asks for
        // adaptive thinking means one that does.
        controls.effort =
            controls.effort.filter(|_| matches!(controls.thinking, Some(ThinkingOut::Adaptive { .. })));
        controls.clamp_temperature(losses);
        controls.drop_forbidden_thinking(request, losses);
        controls.make_room(losses);
    }
    controls
}

fn cap(request: &Request, losses: &mut Losses) -> u64 {
    request.max_tokens.unwrap_or_else(|| {
        let (cap, told) = default_cap(&request.model);
        losses.degraded("max_tokens", told);
        cap
    })
}

fn thinking(reasoning: &Reasoning, own: bool) -> Option<ThinkingOut<'_>> {
    let display = reasoning.display.as_ref().and_then(|display| display_word(display, own));
    match (&reasoning.mode, reasoning.effort) {
        (Some(ReasoningMode::Off), _) => Some(ThinkingOut::Disabled),
        (Some(ReasoningMode::Adaptive), _) => Some(ThinkingOut::Adaptive { display }),
        (Some(ReasoningMode::Budget(budget)), _) if own => {
            Some(ThinkingOut::Enabled { budget_tokens: *budget, display })
        }
        (Some(ReasoningMode::Budget(budget)), _) => {
            Some(ThinkingOut::Enabled { budget_tokens: (*budget).max(LEAST_BUDGET), display })
        }
        (Some(ReasoningMode::Other(kind)), _) => own.then_some(ThinkingOut::Other { kind }),
        (None, Some(effort)) if !own => {
            Some(ThinkingOut::Enabled { budget_tokens: effort.budget(), display })
        }
        (None, _) => None,
    }
}

fn display_word(display: &ReasoningDisplay, own: bool) -> Option<&str> {
    match display {
        ReasoningDisplay::Summary => Some("summarized"),
        ReasoningDisplay::Omitted => Some("omitted"),
        ReasoningDisplay::Other(word) => own.then_some(word),
    }
}

impl Controls<'_> {
    fn clamp_temperature(&mut self, losses: &mut Losses) {
        let above = |temperature: &Number| temperature.as_f64().is_some_and(|temperature| temperature > 1.0);
        if self.temperature.as_ref().is_some_and(above) {
            self.temperature = Some(Number::from(1));
            losses.degraded("temperature", "clamped to 1");
        }
    }

    /// Thinking goes where the API would refuse it: with a forced tool, and when a tool loop is under way whose model turn
    /// does not begin with signed thoughts (<https://docs.claude.com/en/docs/build-with-claude/extended-thinking>).
    fn drop_forbidden_thinking(&mut self, request: &Request, losses: &mut Losses) {
        if !matches!(self.thinking, Some(ThinkingOut::Enabled { .. } | ThinkingOut::Adaptive { .. })) {
            return;
        }
        let field = reasoning_field(request.dialect);
        if self.clashes_with_tool_choice(request) {
            self.thinking = None;
            losses.degraded(field, "thinking is off, since a tool is forced");
        } else if in_unsigned_tool_loop(&request.messages) {
            self.thinking = None;
            losses.degraded(field, "thinking is off, since the tool loop began without it");
        } else {
            self.drop_forbidden_sampling(losses);
        }
    }

    /// No thinking goes with a forced tool, except that a model which decides itself may be made to call some tool: seen
    /// accepted by `claude-opus-4-6`.
    fn clashes_with_tool_choice(&self, request: &Request) -> bool {
        let some_tool = match &request.tool_choice {
            Some(ToolChoice::Any | ToolChoice::Allowed { required: true, .. }) => true,
            Some(ToolChoice::Tool(_)) => false,
            Some(ToolChoice::Auto | ToolChoice::None | ToolChoice::Allowed { .. }) | None => return false,
        };
        let adaptive = matches!(self.thinking, Some(ThinkingOut::Adaptive { .. }));
        let accepted = some_tool && adaptive;
        !accepted && !request.tools.is_empty()
    }

    /// Thinking takes no temperature but 1, no `top_k`, and no `top_p` below 0.95.
    fn drop_forbidden_sampling(&mut self, losses: &mut Losses) {
        let differs = |temperature: &Number| temperature.as_f64() != Some(1.0);
        let narrow = |top_p: &Number| top_p.as_f64().is_none_or(|top_p| !(0.95..=1.0).contains(&top_p));
        if self.temperature.take_if(|temperature| differs(temperature)).is_some() {
            losses.degraded("temperature", "dropped, since the model thinks");
        }
        if self.top_p.take_if(|top_p| narrow(top_p)).is_some() {
            losses.degraded("top_p", "dropped, since the model thinks");
        }
        if self.top_k.take().is_some() {
            losses.degraded("top_k", "dropped, since the model thinks");
        }
    }

    /// The cap must exceed the budget. The client set no budget, so its cap is read as the room for the visible answer.
    fn make_room(&mut self, losses: &mut Losses) {
        let Some(ThinkingOut::Enabled { budget_tokens, .. }) = self.thinking else { return };
        let Some(cap) = self.max_tokens else { return };
        if cap <= budget_tokens {
            self.max_tokens = Some(cap.saturating_add(budget_tokens));
            losses.degraded("max_tokens", "raised above the thinking budget");
        }
    }
}

/// Whether a tool loop is under way whose model turn does not begin with signed thoughts.
pub(crate) fn in_unsigned_tool_loop(messages: &[Message]) -> bool {
    let is_result =
        |message: &Message| message.parts.iter().any(|part| matches!(part.content, Content::ToolResult(_)));
    let mut latest = messages.iter().rev().skip_while(|message| message.role != Role::Assistant);
    let Some(turn) = latest.next() else { return false };
    let calls = turn.parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
    let after = messages.iter().rev().take_while(|message| message.role != Role::Assistant);
    calls && after.into_iter().any(is_result) && !begins_with_signed_thoughts(turn)
}

fn begins_with_signed_thoughts(turn: &Message) -> bool {
    match turn.parts.first().map(|part| &part.content) {
        Some(Content::Thinking(thinking)) => thinking.proof.is_some(),
        Some(Content::RedactedThinking(_)) => true,
        _ => false,
    }
}
