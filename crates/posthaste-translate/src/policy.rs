//! What becomes of a request's neutral fields, as data.
//!
//! One row a field, one column a dialect of the upstream. It is read before a writer is called, so that a writer writes what
//! its dialect has and need not know what it lacks. What only one dialect knows has its policy in its weight
//! ([`Weight`](crate::ir::Weight)); what depends on the shape of a single value is decided where it is written.

pub(crate) mod answer;

use posthaste_core::Dialect;
use serde_json::Number;

use crate::{TranslateError, ir::Request, loss::Losses};

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// It is written as it is, or as the same thing in other words.
    Carry,
    /// It is left out, and its loss is told: the answer is much the same without it.
    Drop,
    /// The request is refused: the answer would be another one without it.
    Refuse,
}

/// A field and its policies.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name in each dialect, in the order of [`Dialect::ALL`]; a dialect without the field has another's name for it.
    names: [&'static str; Dialect::ALL.len()],
    /// Whether a request has it.
    given: fn(&Request) -> bool,
    /// What becomes of it, by the upstream's dialect, in the order of [`Dialect::ALL`].
    to: [Policy; Dialect::ALL.len()],
}

impl Rule {
    /// The field's name in a dialect.
    pub const fn name(&self, dialect: Dialect) -> &'static str {
        self.names[dialect.index()]
    }

    /// What becomes of the field on the way to an upstream's dialect.
    pub const fn policy(&self, to: Dialect) -> Policy {
        self.to[to.index()]
    }
}

/// Every rule.
pub fn rules() -> &'static [Rule] {
    &RULES
}

/// A client's name for a field of Chat Completions, for what only a vendor of that dialect lacks.
pub(crate) fn name_of(chat_field: &'static str, dialect: Dialect) -> &'static str {
    let rule = RULES.iter().find(|rule| rule.name(Dialect::OpenAiChat) == chat_field);
    rule.map_or(chat_field, |rule| rule.name(dialect))
}

/// Applies the rules to a request on its way to another dialect.
///
/// # Errors
/// When it has a field that would have to be refused.
pub(crate) fn apply(request: &Request, to: Dialect, losses: &mut Losses) -> Result<(), TranslateError> {
    if request.dialect == to {
        return Ok(());
    }
    for rule in RULES.iter().filter(|rule| (rule.given)(request)) {
        let field = rule.name(request.dialect);
        match rule.policy(to) {
            Carry => {}
            Drop => losses.dropped(field),
            Refuse => return Err(TranslateError::inexpressible(field, to)),
        }
    }
    Ok(())
}

/// The field that says how hard to think, in the words of the client.
pub(crate) const fn reasoning_field(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::AnthropicMessages => "thinking",
        Dialect::OpenAiChat => "reasoning_effort",
        Dialect::OpenAiResponses => "reasoning",
        Dialect::GeminiGenerate => "generationConfig.thinkingConfig",
        Dialect::BedrockConverse => "additionalModelRequestFields",
    }
}

use Policy::{Carry, Drop, Refuse};

/// Columns: Anthropic Messages, OpenAI Chat, OpenAI Responses, Gemini, Bedrock Converse.
static RULES: [Rule; 10] = [
    Rule {
        names: ["top_k", "top_k", "top_k", "generationConfig.topK", "additionalModelRequestFields.top_k"],
        given: |request| request.sampling.top_k.is_some(),
        to: [Carry, Drop, Drop, Carry, Carry],
    },
    Rule {
        names: ["seed", "seed", "seed", "generationConfig.seed", "seed"],
        given: |request| request.sampling.seed.is_some(),
        to: [Drop, Carry, Drop, Carry, Drop],
    },
    Rule {
        names: same_but_gemini("presence_penalty", "generationConfig.presencePenalty"),
        given: |request| is_set(request.sampling.presence_penalty.as_ref()),
        to: [Drop, Carry, Drop, Carry, Drop],
    },
    Rule {
        names: same_but_gemini("frequency_penalty", "generationConfig.frequencyPenalty"),
        given: |request| is_set(request.sampling.frequency_penalty.as_ref()),
        to: [Drop, Carry, Drop, Carry, Drop],
    },
    // Text would go on after the sequence: the client cannot tell.
    Rule {
        names: [
            "stop_sequences",
            "stop",
            "stop",
            "generationConfig.stopSequences",
            "inferenceConfig.stopSequences",
        ],
        given: |request| !request.stop.is_empty(),
        to: [Carry, Carry, Refuse, Carry, Carry],
    },
    // The neutral form of an answer has one candidate.
    Rule {
        names: same_but_gemini("n", "generationConfig.candidateCount"),
        given: |request| request.candidates.is_some_and(|n| n > 1),
        to: [Refuse; 5],
    },
    // Probabilities belong to the tokens of one vendor.
    Rule {
        names: ["logprobs", "logprobs", "top_logprobs", "generationConfig.responseLogprobs", "logprobs"],
        given: |request| request.logprobs.is_some(),
        to: [Refuse; 5],
    },
    Rule {
        names: ["metadata.user_id", "user", "user", "labels", "requestMetadata"],
        given: |request| request.user.is_some(),
        to: [Carry, Carry, Carry, Drop, Drop],
    },
    Rule {
        names: ["prompt_cache_key"; 5],
        given: |request| request.cache_key.is_some(),
        to: [Drop, Carry, Carry, Drop, Drop],
    },
    Rule {
        names: ["verbosity", "verbosity", "text.verbosity", "verbosity", "verbosity"],
        given: |request| request.verbosity.is_some(),
        to: [Drop, Carry, Carry, Drop, Drop],
    },
];

const fn same_but_gemini(name: &'static str, gemini: &'static str) -> [&'static str; Dialect::ALL.len()] {
    [name, name, name, gemini, name]
}

/// A penalty of 0 says what holds anyway.
fn is_set(number: Option<&Number>) -> bool {
    number.is_some_and(|number| number.as_f64() != Some(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_looks_up_its_dialects_in_their_order() {
        let stop = rules().iter().find(|rule| rule.name(Dialect::OpenAiChat) == "stop").unwrap();
        assert_eq!(stop.name(Dialect::BedrockConverse), "inferenceConfig.stopSequences");
        assert_eq!(stop.policy(Dialect::OpenAiResponses), Refuse);
        assert_eq!(stop.policy(Dialect::AnthropicMessages), Carry);
    }

    #[test]
    fn a_field_that_a_vendor_lacks_is_named_in_the_clients_words() {
        assert_eq!(name_of("seed", Dialect::GeminiGenerate), "generationConfig.seed");
        assert_eq!(name_of("temperature", Dialect::GeminiGenerate), "temperature");
    }

    #[test]
    fn the_own_dialect_loses_nothing() {
        let mut request = Request::new(Dialect::OpenAiChat, "m");
        request.candidates = Some(2);
        request.sampling.seed = Some(1);
        let mut losses = Losses::default();
        apply(&request, Dialect::OpenAiChat, &mut losses).unwrap();
        assert!(losses.as_slice().is_empty());
        let error = apply(&request, Dialect::GeminiGenerate, &mut losses).unwrap_err();
        assert!(error.to_string().contains("`n`"), "{error}");
    }
}
