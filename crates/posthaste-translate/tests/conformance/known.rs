//! What arrives in other words that mean the same, so that there is no loss to tell.

use posthaste_core::Dialect::{
    self, AnthropicMessages, BedrockConverse, GeminiGenerate, OpenAiChat, OpenAiResponses,
};

use crate::outcome::Outcome;

/// A feature that its receiver's dialect says otherwise.
struct Known {
    feature: &'static str,
    /// Who receives it.
    to: &'static [Dialect],
    /// As what it is read there.
    arrived: Option<&'static str>,
    /// How it is said there.
    how: &'static str,
}

/// Puts what is known in the place of a silent loss.
pub(crate) fn reworded(outcome: Outcome, feature: &str, to: Dialect, arrived: Option<&str>) -> Outcome {
    if !matches!(outcome, Outcome::Silent(_)) {
        return outcome;
    }
    let is_known =
        |known: &&Known| known.feature == feature && known.to.contains(&to) && known.arrived == arrived;
    KNOWN.iter().find(is_known).map_or(outcome, |known| Outcome::Reworded(known.how))
}

const KNOWN: &[Known] = &[
    Known {
        feature: "a strict function",
        to: &[GeminiGenerate],
        arrived: None,
        how: "as the mode `VALIDATED`",
    },
    Known {
        feature: "as much as the model likes",
        to: &[OpenAiChat, OpenAiResponses],
        arrived: None,
        how: "by leaving it out: models that think do so",
    },
    Known {
        feature: "effort: xhigh",
        to: &[AnthropicMessages, GeminiGenerate, BedrockConverse],
        arrived: Some("high"),
        how: "as the greatest budget that every model takes",
    },
    Known {
        feature: "exactly",
        to: &[AnthropicMessages, GeminiGenerate, BedrockConverse],
        arrived: None,
        how: "always so there",
    },
    Known {
        feature: "tier: the vendor's choice",
        to: &[GeminiGenerate, BedrockConverse],
        arrived: None,
        how: "by leaving it out",
    },
    Known {
        feature: "a refusal in words",
        to: &[AnthropicMessages, GeminiGenerate, BedrockConverse],
        arrived: Some("Refusal: I would rather not."),
        how: "as text, and the answer ends as a refused one",
    },
    Known {
        feature: "a stop sequence",
        to: &[OpenAiChat, OpenAiResponses, GeminiGenerate],
        arrived: Some("EndTurn"),
        how: "one word stands for both ends there",
    },
    Known {
        feature: "the model's context was full",
        to: &[OpenAiChat, OpenAiResponses, GeminiGenerate],
        arrived: Some("MaxTokens"),
        how: "one word stands for both limits there",
    },
];
