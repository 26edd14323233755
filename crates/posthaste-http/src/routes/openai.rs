//! OpenAI's APIs.

use posthaste_core::{
    Dialect::{AnthropicMessages, GeminiGenerate, OpenAiChat, OpenAiResponses},
    Operation,
};

use super::{Route, table::Table};

pub(super) fn add(table: &mut Table) {
    for base in ["/openai/v1", "/api/v1", "/v1"] {
        chat(table, base);
        responses(table, base);
        table.relay(&format!("{base}/images/generations"), Route::new(OpenAiChat, Operation::Images));
        table.relay(&format!("{base}/completions"), Route::new(OpenAiChat, Operation::Completions));
    }
    // Codex appends `/responses` to whatever base URL it is given.
    responses(table, "/openai");
    table.models("/openai/v1/models", None);
    table.probes("/openai");
    table.open("/openai/v1");
    for (base, vendor) in [("/openai/claude", AnthropicMessages), ("/openai/gemini", GeminiGenerate)] {
        let pinned = Route::new(OpenAiChat, Operation::Chat).pinned_to(vendor);
        table.relay(&format!("{base}/v1/chat/completions"), pinned);
        table.models(&format!("{base}/v1/models"), Some(vendor));
        table.probes(base);
        table.open(&format!("{base}/v1"));
    }
}

/// What Azure has as well, at `base`.
pub(super) fn chat(table: &mut Table, base: &str) {
    table.relay(&format!("{base}/chat/completions"), Route::new(OpenAiChat, Operation::Chat));
    table.relay(&format!("{base}/embeddings"), Route::new(OpenAiChat, Operation::Embeddings));
}

/// Responses at `base`, by requests and over WebSocket.
pub(super) fn responses(table: &mut Table, base: &str) {
    let path = format!("{base}/responses");
    table.relay(&format!("{path}/compact"), Route::new(OpenAiResponses, Operation::Compact));
    table.relay(&format!("{path}/input_tokens"), Route::new(OpenAiResponses, Operation::CountTokens));
    table.relay(&path, Route::new(OpenAiResponses, Operation::Chat));
    table.socket(&path);
}
