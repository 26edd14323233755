//! What becomes of an answer's neutral fields, as data.
//!
//! As with requests, one row a field and one column a dialect, here the client's. What an answer loses is told in the
//! request's record: headers leave before a stream.

use posthaste_core::{Dialect, Usage};

use crate::{
    Loss,
    ir::{Event, Response, Start, Stop, StopReason},
};

/// What becomes of a field of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is written as it is, or its writer tells the loss.
    Carry,
    /// It is left out.
    Drop,
    /// It is carried as the nearest thing.
    Degrade(&'static str),
}

/// A field of an answer, and what becomes of it.
struct Rule {
    /// Its name in each dialect, in the order of [`Dialect::ALL`].
    names: [&'static str; Dialect::ALL.len()],
    given: Given,
    /// What becomes of it, by the client's dialect, in the order of [`Dialect::ALL`].
    to: [Fate; Dialect::ALL.len()],
}

/// Whether an answer has a field.
enum Given {
    Stop(fn(&Stop) -> bool),
    Usage(fn(&Usage) -> bool),
}

/// The losses of a whole answer on its way to a client.
pub(crate) fn of_response(response: &Response, to: Dialect) -> Vec<Loss> {
    let (stop, usage) = (&response.stop, &response.usage);
    losses(response.dialect, to, |given| match given {
        Given::Stop(given) => given(stop),
        Given::Usage(given) => given(usage),
    })
    .collect()
}

/// The losses of an event on its way to a client.
pub(crate) fn of_event(event: &Event, from: Dialect, to: Dialect) -> Vec<Loss> {
    match event {
        Event::Finish(stop) => {
            losses(from, to, |given| matches!(given, Given::Stop(given) if given(stop))).collect()
        }
        Event::Usage(usage) | Event::Start(Start { usage: Some(usage), .. }) => {
            losses(from, to, |given| matches!(given, Given::Usage(given) if given(usage))).collect()
        }
        _ => Vec::new(),
    }
}

fn losses(from: Dialect, to: Dialect, given: impl Fn(&Given) -> bool) -> impl Iterator<Item = Loss> {
    let rules = RULES.iter().filter(move |rule| from != to && given(&rule.given));
    rules.filter_map(move |rule| {
        let field = rule.names[from.index()];
        match rule.to[to.index()] {
            Carry => None,
            Drop => Some(Loss::dropped(field)),
            Degrade(how) => Some(Loss::degraded(field, how)),
        }
    })
}

use Fate::{Carry, Degrade, Drop};

/// Columns: Anthropic Messages, OpenAI Chat, OpenAI Responses, Gemini, Bedrock Converse.
static RULES: [Rule; 8] = [
    Rule {
        names: [
            "stop_sequence",
            "stop_sequence",
            "stop_sequence",
            "stop_sequence",
            "additionalModelResponseFields.stop_sequence",
        ],
        given: Given::Stop(|stop| stop.sequence.is_some()),
        to: [Carry, Drop, Drop, Drop, Carry],
    },
    Rule {
        names: ["stop_details.category", "stop_reason", "stop_reason", "finishReason", "stopReason"],
        given: Given::Stop(|stop| stop.category.is_some()),
        to: [Carry, Degrade(ONE_WORD), Degrade(ONE_WORD), Degrade(ONE_WORD), Degrade(ONE_WORD)],
    },
    Rule {
        names: ["stop_details.explanation", "message.refusal", "refusal", "finishMessage", "stopReason"],
        given: Given::Stop(|stop| stop.explanation.is_some()),
        to: [Carry, Carry, Carry, Carry, Drop],
    },
    Rule {
        names: ["stop_reason", "finish_reason", "status", "finishReason", "stopReason"],
        given: Given::Stop(|stop| matches!(stop.reason, StopReason::Paused | StopReason::Other(_))),
        to: [Carry, Carry, Carry, Carry, Degrade("carried as an ordinary end")],
    },
    Rule {
        names: ["usage.cache_creation", "usage", "usage", "usageMetadata", "usage.cacheWriteInputTokens"],
        given: Given::Usage(|usage| usage.cache_write_5m > 0 || usage.cache_write_1h > 0),
        to: [Carry, Carry, Carry, Degrade("counted as ordinary input"), Carry],
    },
    Rule {
        names: [
            "usage.cache_creation.ephemeral_1h_input_tokens",
            "usage",
            "usage",
            "usageMetadata",
            "usage.cacheDetails",
        ],
        given: Given::Usage(|usage| usage.cache_write_1h > 0),
        to: [Carry, Degrade(ONE_CLASS), Degrade(ONE_CLASS), Carry, Carry],
    },
    Rule {
        names: [
            "usage.output_tokens_details.thinking_tokens",
            "usage.completion_tokens_details.reasoning_tokens",
            "usage.output_tokens_details.reasoning_tokens",
            "usageMetadata.thoughtsTokenCount",
            "usage",
        ],
        given: Given::Usage(|usage| usage.reasoning > 0),
        to: [Carry, Carry, Carry, Carry, Degrade("counted as output alone")],
    },
    Rule {
        names: ["usage.server_tool_use", "usage", "tool_usage", "usageMetadata", "usage.serverToolUsage"],
        given: Given::Usage(|usage| usage.web_searches > 0),
        to: [Carry, Drop, Carry, Drop, Drop],
    },
];

const ONE_WORD: &str = "told as the one word for refusals";
const ONE_CLASS: &str = "counted as the one class of writes";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dialect_cannot_count_is_named_in_the_words_of_the_upstream() {
        let usage = Usage { cache_write_1h: 5, web_searches: 1, ..Usage::default() };
        let told = |to| {
            let losses = of_event(&Event::Usage(usage), Dialect::AnthropicMessages, to);
            losses.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(told(Dialect::AnthropicMessages), [""; 0]);
        assert_eq!(
            told(Dialect::OpenAiChat),
            [
                "usage.cache_creation.ephemeral_1h_input_tokens: counted as the one class of writes",
                "usage.server_tool_use: dropped, no counterpart",
            ]
        );
        assert_eq!(
            told(Dialect::GeminiGenerate),
            [
                "usage.cache_creation: counted as ordinary input",
                "usage.server_tool_use: dropped, no counterpart"
            ]
        );
    }

    #[test]
    fn an_ordinary_end_loses_nothing() {
        let stop = Event::Finish(Stop::new(StopReason::EndTurn));
        for to in Dialect::ALL {
            assert_eq!(of_event(&stop, Dialect::AnthropicMessages, to), []);
        }
    }
}
