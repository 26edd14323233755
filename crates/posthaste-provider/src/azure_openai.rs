//! OpenAI's models at Azure: OpenAI's adapter with other addresses.
//!
//! API reference: <https://learn.microsoft.com/azure/ai-foundry/openai/reference>; facts checked 2026-11-26. Its oddities:
//!
//! - the model is the name of a *deployment*, which its owner chose: the account's model map says which model is which;
//! - there are two forms of the API: v1, which is as OpenAI's own, and the older one with a dated `api-version`, where the
//!   deployment stands in the path;
//! - an error's code may be its status as a text, and its type may be missing;
//! - a prompt that the content filter stops is a 400, an answer that it stops has a finish reason of its own.
//!
//! The base URL is the resource's: `https://NAME.openai.azure.com`, `https://NAME.cognitiveservices.azure.com`, or Foundry's
//! `https://NAME.services.ai.azure.com`.

mod advice;
mod limits;
mod request;
mod settings;
mod trouble;
mod verdict;

use http::HeaderMap;
use posthaste_core::{
    Account, Dialect, ModelName, Operation, Payload, ProviderKind, RateWindow, Timestamp, Verdict,
};

use crate::{AnswerHead, Outbound, PrepareError, Provider, SettingsError, openai};

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

    fn speaks(&self, account: &Account, _: Operation, dialect: Dialect) -> bool {
        dialect != Dialect::OpenAiResponses || settings::has_responses(&account.settings)
    }

    fn serves(&self, operation: Operation, dialect: Dialect) -> bool {
        matches!(
            operation,
            Operation::Chat | Operation::Embeddings | Operation::Images | Operation::Completions
        ) && openai::path(operation, dialect).is_some()
    }

    fn check(&self, account: &Account) -> Result<(), SettingsError> {
        settings::check(account)
    }

    fn prepare(&self, outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError> {
        if !self.serves(outbound.operation, outbound.dialect) {
            return Err(PrepareError::unsupported(outbound));
        }
        request::prepare(outbound)
    }

    fn judge(&self, answer: &AnswerHead<'_>) -> Verdict {
        verdict::judge(answer)
    }

    fn advise(&self, answer: &AnswerHead<'_>) -> Option<String> {
        advice::advise(answer)
    }

    fn limits(&self, headers: &HeaderMap, now: Timestamp) -> Option<RateWindow> {
        limits::tightest_window(headers, now)
    }
}
