//! OpenAI's APIs as Azure serves them: other paths, the same bodies and errors.

use posthaste_core::{Dialect::OpenAiChat, Operation};

use super::{Route, openai, table::Table};

pub(super) fn add(table: &mut Table) {
    // The v1 API, and what clients of the predecessor use.
    for base in ["/azure/openai/v1", "/azure"] {
        openai::chat(table, base);
        openai::responses(table, base);
    }
    openai::responses(table, "/azure/openai");
    for (path, operation) in DEPLOYMENT {
        let path = format!("/azure/openai/deployments/{{deployment}}/{path}");
        table.relay(&path, Route::new(OpenAiChat, operation));
    }
    table.models("/azure/openai/v1/models", None);
    table.probes("/azure");
    table.probes("/azure/openai");
    table.open("/azure/openai/v1");
}

/// Here the deployment in the path is the model, and one in the body counts for nothing
/// (<https://learn.microsoft.com/azure/ai-foundry/openai/reference>, checked 2026-11-23).
const DEPLOYMENT: [(&str, Operation); 4] = [
    ("chat/completions", Operation::Chat),
    ("embeddings", Operation::Embeddings),
    ("completions", Operation::Completions),
    ("images/generations", Operation::Images),
];
