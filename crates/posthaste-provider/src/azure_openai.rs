//! OpenAI's models at Azure: OpenAI's adapter with other addresses.
//!
//! API reference: <https://learn.microsoft.com/azure/ai-foundry/openai/reference>; facts checked 2026-11-23. The base URL is
//! the resource's (`https://NAME.openai.azure.com`), the model is the deployment's name, and the v1 API is used, which
//! needs no `api-version`.

use posthaste_core::{Dialect, ModelName, Operation, Payload, ProviderKind, Verdict};

use crate::{AnswerHead, Outbound, PrepareError, Provider, openai};

/// The adapter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AzureOpenAi;

impl Provider for AzureOpenAi {
    fn kind(&self) -> ProviderKind {
        ProviderKind::AzureOpenAi
    }

    fn dialects(&self, _: &ModelName) -> &'static [Dialect] {
        &[Dialect::OpenAiResponses, Dialect::OpenAiChat]
    }

    fn serves(&self, operation: Operation, dialect: Dialect) -> bool {
        matches!(operation, Operation::Chat | Operation::Embeddings)
            && openai::path(operation, dialect).is_some()
    }

    fn prepare(&self, outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError> {
        if !self.serves(outbound.operation, outbound.dialect) {
            return Err(PrepareError::unsupported(outbound));
        }
        openai::prepare_at(outbound, &[outbound.account.base_url.as_str(), "/openai/v1"].concat())
    }

    fn judge(&self, answer: &AnswerHead<'_>) -> Verdict {
        openai::judge(answer)
    }
}
