//! The request that is asked about, as the page's query says it.

use posthaste_admin::{AdminError, PlanInput};
use posthaste_core::{Dialect, Operation};

use crate::{fields::Fields, pages::reading::invalid};

/// What one can ask about. Lists of models are the relay's own answer.
pub(super) const OPERATIONS: [Operation; 7] = [
    Operation::Chat,
    Operation::CountTokens,
    Operation::Embeddings,
    Operation::BatchEmbeddings,
    Operation::Images,
    Operation::Completions,
    Operation::Compact,
];

/// The question; `None` as long as no model is named.
pub(super) fn of(query: &Fields) -> Result<Option<PlanInput>, AdminError> {
    let Some(model) = query.text("model") else { return Ok(None) };
    let given = |name: &str| query.text(name).map(str::to_owned);
    Ok(Some(PlanInput {
        key: given("key"),
        model: model.to_owned(),
        dialect: dialect(query, "dialect")?,
        operation: operation(query)?,
        stream: query.ticked("stream"),
        pinned: dialect(query, "pinned")?,
        session: given("session"),
        prompt_tokens: tokens(query, "prompt_tokens")?,
        max_tokens: tokens(query, "max_tokens")?,
    }))
}

fn dialect(query: &Fields, name: &'static str) -> Result<Option<Dialect>, AdminError> {
    let Some(text) = query.text(name) else { return Ok(None) };
    let found = Dialect::ALL.into_iter().find(|dialect| dialect.as_str() == text);
    let known = || Dialect::ALL.map(Dialect::as_str).join(", ");
    found.map(Some).ok_or_else(|| invalid(name, format!("expected one of {}", known())))
}

fn operation(query: &Fields) -> Result<Option<Operation>, AdminError> {
    let Some(text) = query.text("operation") else { return Ok(None) };
    let found = OPERATIONS.into_iter().find(|operation| operation.as_str() == text);
    let known = || OPERATIONS.map(Operation::as_str).join(", ");
    found.map(Some).ok_or_else(|| invalid("operation", format!("expected one of {}", known())))
}

fn tokens(query: &Fields, name: &'static str) -> Result<Option<u64>, AdminError> {
    let number = |text: &str| text.parse().map_err(|_| invalid(name, "is no number of tokens"));
    query.text(name).map(number).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_asked_once_a_model_is_named() {
        assert!(of(&Fields::read(b"key=laptop&model=+")).unwrap().is_none());
        let asked = of(&Fields::read(
            b"model=house&key=&dialect=gemini-generate&operation=embeddings&stream=on&pinned=&prompt_tokens=12",
        ));
        let asked = asked.unwrap().unwrap();
        assert_eq!((asked.model.as_str(), asked.key, asked.stream), ("house", None, true));
        assert_eq!((asked.dialect, asked.pinned), (Some(Dialect::GeminiGenerate), None));
        assert_eq!(asked.operation, Some(Operation::Embeddings));
        assert_eq!((asked.prompt_tokens, asked.max_tokens), (Some(12), None));
    }

    #[test]
    fn what_is_no_answer_to_a_field_is_told_with_its_name() {
        for (query, field) in [
            ("dialect=latin", "dialect"),
            ("pinned=latin", "pinned"),
            ("operation=models", "operation"),
            ("prompt_tokens=many", "prompt_tokens"),
            ("max_tokens=-1", "max_tokens"),
        ] {
            let refused = of(&Fields::read(format!("model=m&{query}").as_bytes())).unwrap_err();
            assert!(refused.to_string().starts_with(field), "{query}: {refused}");
        }
    }
}
