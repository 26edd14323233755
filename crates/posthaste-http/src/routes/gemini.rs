//! Google's Gemini API, and Code Assist, which packs it in an envelope.

use posthaste_core::{Dialect::GeminiGenerate, Operation, Packing};

use super::{
    Route,
    table::{Call, Table},
};

pub(super) fn add(table: &mut Table) {
    for base in ["/gemini/v1beta", "/gemini/v1", "/v1beta"] {
        let models = format!("{base}/models");
        table.calls(&models, ':', &CALLS);
        table.models(&models, None);
        table.open(base);
    }
    // Lists and models here are OpenAI's or Anthropic's; the methods clash with nothing.
    table.calls("/v1/models", ':', &CALLS);
    table.probes("/gemini");
    for (name, route) in &CODE_ASSIST {
        table.relay(&format!("/gemini/v1internal:{name}"), *route);
    }
}

const fn route(operation: Operation) -> Route {
    Route::new(GeminiGenerate, operation).streamed(false)
}

/// The methods of a model (<https://ai.google.dev/api/generate-content>, checked 2026-11-23).
const CALLS: [Call; 5] = [
    ("generateContent", route(Operation::Chat)),
    ("streamGenerateContent", route(Operation::Chat).streamed(true)),
    ("countTokens", route(Operation::CountTokens)),
    ("embedContent", route(Operation::Embeddings)),
    ("batchEmbedContents", route(Operation::BatchEmbeddings)),
];

/// What Code Assist serves besides is about its accounts, which are not the clients'.
const CODE_ASSIST: [Call; 3] = [
    ("generateContent", route(Operation::Chat).packed(Packing::CodeAssist)),
    ("streamGenerateContent", route(Operation::Chat).streamed(true).packed(Packing::CodeAssist)),
    ("countTokens", route(Operation::CountTokens).packed(Packing::CodeAssist)),
];
