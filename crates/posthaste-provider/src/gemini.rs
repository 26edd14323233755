//! Google's Gemini API.
//!
//! API reference: <https://ai.google.dev/api/generate-content>; facts checked 2026-11-23. Its oddities:
//!
//! - model and method stand in the path, and whether the answer is a stream of events in the query (`alt=sse`);
//! - there are no rate-limit headers and no `retry-after`;
//! - a bad key is a 400.

mod request;
mod table;
mod verdict;

use posthaste_core::{Dialect, ModelName, Operation, Packing, Payload, ProviderKind, Verdict};

pub(crate) use self::{request::prepare, verdict::judge};
use crate::{AnswerHead, Outbound, PrepareError, Provider};

/// The adapter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gemini;

impl Provider for Gemini {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Gemini
    }

    fn dialects(&self, _: &ModelName) -> &'static [Dialect] {
        &[Dialect::GeminiGenerate]
    }

    fn serves(&self, operation: Operation, dialect: Dialect) -> bool {
        dialect == Dialect::GeminiGenerate
            && matches!(
                operation,
                Operation::Chat | Operation::CountTokens | Operation::Embeddings | Operation::BatchEmbeddings
            )
    }

    fn packing(&self, _: Dialect, client: Option<Packing>) -> Packing {
        packing(client)
    }

    fn prepare(&self, outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError> {
        prepare(outbound)
    }

    fn judge(&self, answer: &AnswerHead<'_>) -> Verdict {
        judge(answer)
    }
}

/// The API itself can stream an array: a client that wants one gets the upstream's bytes.
pub(crate) fn packing(client: Option<Packing>) -> Packing {
    client.filter(|client| *client == Packing::JsonArray).unwrap_or_default()
}
