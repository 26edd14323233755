//! `thinkingConfig`: how hard to think (<https://ai.google.dev/gemini-api/docs/thinking>).

use posthaste_core::Dialect;
use serde::Serialize;

use crate::{
    gemini::{
        extras::{At, extras},
        model::{is_pro, is_third},
        spelling::Whole,
    },
    ir::{Effort, Extra, Reasoning, ReasoningDisplay, ReasoningMode, Request, Weight},
    json::{Str, wire_object},
    loss::Losses,
};

wire_object! {
    pub(super) struct ThinkingIn<'a> {
        include_thoughts: Option<bool> = "includeThoughts" | "include_thoughts",
        budget: Option<Whole> = "thinkingBudget" | "thinking_budget",
        level: Option<Str<'a>> = "thinkingLevel" | "thinking_level",
    }
}

/// Reads the configuration.
pub(super) fn reasoning(wire: ThinkingIn<'_>, extra: &mut Vec<Extra>) -> Reasoning {
    extra.extend(extras("generationConfig.thinkingConfig.", wire.rest, |_, _| Weight::Unknown));
    let mode = wire.budget.map(|budget| match budget.unsigned() {
        Some(0) => ReasoningMode::Off,
        Some(budget) => ReasoningMode::Budget(budget),
        None => ReasoningMode::Adaptive,
    });
    let effort = wire.level.and_then(|level| Effort::parse(&level.to_ascii_lowercase()));
    let display = wire.include_thoughts.map(|include| match include {
        true => ReasoningDisplay::Summary,
        false => ReasoningDisplay::Omitted,
    });
    Reasoning { mode, effort, display }
}

/// The configuration as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ThinkingOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    include_thoughts: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
    #[serde(flatten)]
    extra: At<'a>,
}

impl ThinkingOut<'_> {
    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        let told = self.include_thoughts.is_some() || self.thinking_budget.is_some();
        !told && self.thinking_level.is_none() && self.extra.is_empty()
    }
}

/// How hard to think: by levels since Gemini 3, by a budget before.
pub(super) fn thinking<'a>(
    request: &Request,
    own: bool,
    extras: &'a [Extra],
    losses: &mut Losses,
) -> ThinkingOut<'a> {
    let extra = At { home: "generationConfig.thinkingConfig.", extras };
    let mut wire = ThinkingOut { include_thoughts: None, thinking_budget: None, thinking_level: None, extra };
    let Some(reasoning) = &request.reasoning else { return wire };
    wire.include_thoughts = include_thoughts(request, reasoning);
    if own {
        wire.thinking_budget = reasoning.mode.as_ref().and_then(own_budget);
        wire.thinking_level = reasoning.effort.map(|effort| level(effort, false));
    } else if is_third(&request.model) {
        wire.thinking_level = foreign_level(request, reasoning, losses);
    } else {
        wire.thinking_budget = foreign_budget(request, reasoning, losses);
    }
    wire
}

/// Anthropic's and Converse's clients get thoughts unless they say otherwise, all others if they say so.
fn include_thoughts(request: &Request, reasoning: &Reasoning) -> Option<bool> {
    match (&reasoning.display, &reasoning.mode) {
        (Some(ReasoningDisplay::Omitted), _) => Some(false),
        (Some(_), _) => Some(true),
        (None, Some(ReasoningMode::Adaptive | ReasoningMode::Budget(_))) => {
            matches!(request.dialect, Dialect::AnthropicMessages | Dialect::BedrockConverse).then_some(true)
        }
        (None, _) => None,
    }
}

fn own_budget(mode: &ReasoningMode) -> Option<i64> {
    match mode {
        ReasoningMode::Off => Some(0),
        ReasoningMode::Adaptive => Some(-1),
        ReasoningMode::Budget(budget) => i64::try_from(*budget).ok(),
        ReasoningMode::Other(_) => None,
    }
}

fn foreign_level(request: &Request, reasoning: &Reasoning, losses: &mut Losses) -> Option<&'static str> {
    let pro = is_pro(&request.model);
    match (&reasoning.mode, reasoning.effort) {
        (Some(ReasoningMode::Off), _) => {
            losses.degraded(control(request.dialect), "the least level, since the model always thinks");
            Some(level(Effort::Minimal, pro))
        }
        (_, Some(effort)) => {
            if effort > Effort::High {
                losses.degraded(control(request.dialect), "the highest level that all models know");
            }
            Some(level(effort.min(Effort::High), pro))
        }
        (Some(ReasoningMode::Budget(budget)), None) => {
            losses.degraded(control(request.dialect), "carried as the nearest level");
            Some(level(Effort::nearest(*budget), pro))
        }
        // The model decides, which is what saying nothing means.
        (Some(ReasoningMode::Adaptive | ReasoningMode::Other(_)) | None, None) => None,
    }
}

fn level(effort: Effort, pro: bool) -> &'static str {
    match effort {
        Effort::Minimal if pro => "LOW",
        Effort::Minimal => "MINIMAL",
        Effort::Low => "LOW",
        Effort::Medium => "MEDIUM",
        Effort::High => "HIGH",
        Effort::XHigh | Effort::Max => "XHIGH",
    }
}

/// The ranges are those of <https://ai.google.dev/gemini-api/docs/thinking#set-budget>.
fn foreign_budget(request: &Request, reasoning: &Reasoning, losses: &mut Losses) -> Option<i64> {
    let pro = is_pro(&request.model);
    let budget = match (&reasoning.mode, reasoning.effort) {
        (Some(ReasoningMode::Off), _) if pro => {
            losses.degraded(control(request.dialect), "the least budget, since the model always thinks");
            return Some(LEAST_OF_PRO);
        }
        (Some(ReasoningMode::Off), _) => return Some(0),
        (Some(ReasoningMode::Budget(budget)), _) => *budget,
        (_, Some(effort)) => effort.budget(),
        (Some(ReasoningMode::Adaptive), None) => return Some(-1),
        (Some(ReasoningMode::Other(_)) | None, None) => return None,
    };
    let most = if pro { MOST_OF_PRO } else { MOST };
    if budget > most && reasoning.effort.is_none() {
        losses.degraded(control(request.dialect), "the highest budget that the model takes");
    }
    i64::try_from(budget.min(most)).ok()
}

const LEAST_OF_PRO: i64 = 128;
const MOST_OF_PRO: u64 = 32_768;
const MOST: u64 = 24_576;

/// What the client's dialect calls its control.
fn control(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiChat => "reasoning_effort",
        Dialect::OpenAiResponses => "reasoning.effort",
        Dialect::AnthropicMessages | Dialect::BedrockConverse => "thinking",
        Dialect::GeminiGenerate => "generationConfig.thinkingConfig",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(dialect: Dialect, model: &str, reasoning: Reasoning) -> Request {
        Request { reasoning: Some(reasoning), ..Request::new(dialect, model) }
    }

    fn written(request: &Request) -> String {
        serde_json::to_string(&thinking(request, false, &[], &mut Losses::default())).unwrap()
    }

    #[test]
    fn efforts_are_levels_or_budgets_as_the_model_takes_them() {
        let effort = |effort| Reasoning { effort: Some(effort), ..Reasoning::default() };
        let chat = |model, reasoning| written(&request(Dialect::OpenAiChat, model, reasoning));
        let level = |word: &str| format!(r#"{{"thinkingLevel":"{word}"}}"#);
        let budget = |tokens: i64| format!(r#"{{"thinkingBudget":{tokens}}}"#);
        assert_eq!(chat("gemini-3-flash-preview", effort(Effort::Minimal)), level("MINIMAL"));
        assert_eq!(chat("gemini-3.1-pro-preview", effort(Effort::Minimal)), level("LOW"));
        assert_eq!(chat("gemini-3.1-pro-preview", effort(Effort::Max)), level("HIGH"));
        assert_eq!(chat("gemini-2.5-flash", effort(Effort::Medium)), budget(10_240));
        assert_eq!(chat("gemini-2.5-flash", effort(Effort::Max)), budget(24_576));
        let off = || Reasoning { mode: Some(ReasoningMode::Off), ..Reasoning::default() };
        assert_eq!(chat("gemini-2.5-flash", off()), budget(0));
        assert_eq!(chat("gemini-2.5-pro", off()), budget(128));
        assert_eq!(chat("gemini-3-flash", off()), level("MINIMAL"));
    }

    #[test]
    fn thoughts_are_asked_for_where_the_client_would_see_them() {
        let budget = || Reasoning { mode: Some(ReasoningMode::Budget(2_048)), ..Reasoning::default() };
        let anthropic = request(Dialect::AnthropicMessages, "gemini-2.5-pro", budget());
        assert_eq!(written(&anthropic), r#"{"includeThoughts":true,"thinkingBudget":2048}"#);
        let chat = request(Dialect::OpenAiChat, "gemini-2.5-pro", budget());
        assert_eq!(written(&chat), r#"{"thinkingBudget":2048}"#);
    }
}
