//! How the answer ended, and what it cost.

use posthaste_core::{Dialect, Usage};
use posthaste_translate::ir::{Content, Response, Stop, StopReason};

use super::Answer;

pub(super) const REASONS: &[Answer] = &[
    Answer { name: "done", put: |response| stop(response, StopReason::EndTurn), get: reason },
    Answer { name: "the cap on tokens", put: |response| stop(response, StopReason::MaxTokens), get: reason },
    Answer {
        name: "the model's context was full",
        put: |response| stop(response, StopReason::ContextFull),
        get: reason,
    },
    Answer { name: "a stop sequence", put: |response| stop(response, StopReason::StopSequence), get: reason },
    Answer { name: "the vendor's policy", put: |response| stop(response, StopReason::Refusal), get: reason },
    Answer {
        name: "interrupted, to be sent back",
        put: |response| stop(response, StopReason::Paused),
        get: reason,
    },
    Answer {
        name: "a word that the relay does not know",
        put: |response| stop(response, StopReason::Other("bored".to_owned())),
        get: reason,
    },
    Answer {
        name: "which stop sequence",
        put: |response| {
            let sequence = Some("END".to_owned());
            response.stop = Stop { sequence, ..Stop::new(StopReason::StopSequence) };
        },
        get: |response| response.stop.sequence.clone(),
    },
    Answer {
        name: "why it was refused",
        put: |response| {
            let explanation = Some(WHY.to_owned());
            response.stop = Stop { explanation, ..Stop::new(StopReason::Refusal) };
        },
        get: |response| {
            // Chat's upstreams tell it as the model's own words.
            let told = super::first(response, |content| match content {
                Content::Refusal(text) | Content::Text(text) if text.contains(WHY) => Some(WHY.to_owned()),
                _ => None,
            });
            response.stop.explanation.clone().or(told)
        },
    },
    Answer {
        name: "the class of the refusal",
        put: |response| {
            let category =
                Some(if response.dialect == Dialect::GeminiGenerate { "SPII" } else { "cyber" }.to_owned());
            response.stop = Stop { category, ..Stop::new(StopReason::Refusal) };
        },
        get: |response| response.stop.category.clone(),
    },
];

pub(super) const COUNTS: &[Answer] = &[
    Answer { name: "input", put: |_| {}, get: |response| counted(response.usage.input) },
    Answer { name: "output", put: |_| {}, get: |response| counted(response.usage.output) },
    Answer {
        name: "read from a cache",
        put: |response| count(response, |usage| usage.cache_read = 3),
        get: |response| counted(response.usage.cache_read),
    },
    Answer {
        name: "written to a cache for 5 minutes",
        put: |response| count(response, |usage| usage.cache_write_5m = 3),
        get: written,
    },
    Answer {
        name: "written to a cache for an hour",
        put: |response| count(response, |usage| usage.cache_write_1h = 3),
        get: written,
    },
    Answer {
        name: "thoughts, within output",
        put: |response| count(response, |usage| usage.reasoning = 3),
        get: |response| counted(response.usage.reasoning),
    },
    Answer {
        name: "web searches",
        put: |response| count(response, |usage| usage.web_searches = 3),
        get: |response| counted(response.usage.web_searches),
    },
    Answer {
        name: "all tokens together",
        put: |response| {
            count(response, |usage| {
                *usage = Usage { cache_read: 3, cache_write_5m: 4, reasoning: 2, ..*usage };
            });
        },
        get: |response| counted(response.usage.total()),
    },
];

const WHY: &str = "Not allowed.";

fn stop(response: &mut Response, reason: StopReason) {
    response.stop = Stop::new(reason);
}

fn reason(response: &Response) -> Option<String> {
    Some(format!("{:?}", response.stop_reason()))
}

fn count(response: &mut Response, change: impl FnOnce(&mut Usage)) {
    change(&mut response.usage);
}

/// Which class the tokens are in that were written to a cache.
fn written(response: &Response) -> Option<String> {
    match response.usage {
        Usage { cache_write_5m: 3, .. } => Some("5m".to_owned()),
        Usage { cache_write_1h: 3, .. } => Some("1h".to_owned()),
        Usage { input: 13, .. } => Some("input".to_owned()),
        _ => None,
    }
}

fn counted(tokens: u64) -> Option<String> {
    (tokens > 0).then(|| tokens.to_string())
}
