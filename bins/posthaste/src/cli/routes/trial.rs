//! `posthaste routes try`: who would serve a request, without sending it.

use clap::Args;
use posthaste_admin::{Command as Work, PlanInput};
use posthaste_core::{Dialect, Operation};

#[derive(Args, Debug)]
pub(in crate::cli) struct Try {
    /// The model that a client would ask for: a route's, an alias or a vendor's own
    model: String,
    /// The client key that would ask (name or id, not the secret); without it one that has no limits and is bound to nothing
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The dialect that the client would speak
    #[arg(long, value_name = "DIALECT", value_parser = dialect, default_value = "anthropic-messages")]
    dialect: Dialect,
    /// What would be asked for
    #[arg(long, value_name = "OPERATION", value_parser = operation, default_value = "chat")]
    operation: Operation,
    /// As a stream
    #[arg(long)]
    stream: bool,
    /// Only accounts that speak this dialect, as where a path names a vendor
    #[arg(long, value_name = "DIALECT", value_parser = dialect)]
    pinned: Option<Dialect>,
    /// What the client calls the conversation; without it a new one
    #[arg(long, value_name = "NAME")]
    session: Option<String>,
    /// How long the prompt would be, in tokens
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    prompt_tokens: u64,
    /// The cap on the answer's tokens that the client would set
    #[arg(long, value_name = "N")]
    max_tokens: Option<u64>,
}

impl Try {
    /// The question as a piece of work.
    pub(super) fn work(self) -> Work {
        Work::PlanRequest(PlanInput {
            key: self.key,
            model: self.model,
            dialect: Some(self.dialect),
            operation: Some(self.operation),
            stream: self.stream,
            pinned: self.pinned,
            session: self.session,
            prompt_tokens: Some(self.prompt_tokens),
            max_tokens: self.max_tokens,
        })
    }
}

fn dialect(text: &str) -> Result<Dialect, String> {
    let found = Dialect::ALL.into_iter().find(|dialect| dialect.as_str() == text);
    found.ok_or_else(|| format!("expected one of {}", Dialect::ALL.map(Dialect::as_str).join(", ")))
}

/// What can be asked of accounts: lists of models are the relay's own answer.
fn operation(text: &str) -> Result<Operation, String> {
    let known: Vec<_> = Operation::ALL.into_iter().filter(|one| *one != Operation::Models).collect();
    let found = known.iter().copied().find(|operation| operation.as_str() == text);
    let names: Vec<_> = known.iter().map(|operation| operation.as_str()).collect();
    found.ok_or_else(|| format!("expected one of {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialects_and_operations_are_named_as_everywhere() {
        assert_eq!(dialect("gemini-generate"), Ok(Dialect::GeminiGenerate));
        assert!(dialect("latin").unwrap_err().contains("bedrock-converse"));
        assert_eq!(operation("count_tokens"), Ok(Operation::CountTokens));
        assert!(operation("models").unwrap_err().contains("embeddings"));
    }
}
